import { join } from 'node:path';
import type { MovedFrom } from '../../contracts/deliveryControl.ts';
import { archiveFolder } from '../archive/ArchiveManifest.ts';
import { attachArchive } from '../archive/attachArchive.ts';
import type { DeliveryBroadcast, OpenOrder } from '../DeliveryBroadcast.ts';
import type { DeliveryJournal } from '../journal/DeliveryJournal.ts';
import type { LivePictures } from '../pictures/LivePictures.ts';
import { manifestOf } from '../recording/manifestOf.ts';
import type { Recordings } from '../recording/Recordings.ts';
import { MoveIn } from './MoveIn.ts';

/** Segments of broadcasts that are on their way here: `DATA_DIR/arriving/BROADCAST/`. Nothing of it is of use after a crash. */
export const arrivingRoot = (dataDir: string): string => join(dataDir, 'arriving');

export interface ArriveOptions {
  order: OpenOrder;
  from: MovedFrom;
  /** Made from the order, and waiting (ProgramStore.wait). */
  broadcast: DeliveryBroadcast;
  pictures: LivePictures;
  dataDir: string;
  recordings: Recordings | undefined;
  journal: DeliveryJournal;
  newServiceToken: () => Promise<string>;
}

/** Begins to bring a broadcast here. `arrived` resolves when it is, and is kept here from then on; it rejects when it can not be. */
export function arrive(options: ArriveOptions): { move: MoveIn; arrived: Promise<void> } {
  const { order, from, broadcast, dataDir, recordings, newServiceToken } = options;
  const manifest = recordings && (order.record || order.dvrSeconds > 0) ? manifestOf(order) : null;
  const arriving = join(arrivingRoot(dataDir), order.broadcast);
  const disk = manifest && { folder: archiveFolder(dataDir, order.broadcast), arriving, manifest };
  const move = new MoveIn({ broadcast, from: from.url, copyMs: from.copyMs, newServiceToken, disk });
  return { move, arrived: bring(move, options) };
}

async function bring(move: MoveIn, options: ArriveOptions): Promise<void> {
  const { order, broadcast, pictures, recordings, journal } = options;
  await move.copy();
  broadcast.emit('report', { type: 'copied' });
  const { position, held, recording, captions, complete } = await move.finish();
  broadcast.captions.restore(captions);
  if (recording) await recordings?.adopt(recording, complete);
  const reopened = await recordings?.reopen(order);
  // Before anything is visible: no viewer is told of a position that could be forgotten.
  const kept = journal.begin(order);
  if (kept) {
    for (const { id } of order.renditions) {
      const [init, slate] = [broadcast.inits.get(id)?.bytes, broadcast.slates.bytes(id)];
      if (init) kept.init(id, init);
      if (slate) kept.slate(id, slate);
    }
    // The controller has said it while nothing was kept here yet.
    for (const take of broadcast.takes) kept.take(take);
    if (position) kept.visible(position.first, position.next);
    broadcast.keep(kept);
  }
  if (reopened) {
    attachArchive(broadcast, reopened.archive);
    pictures.recover(reopened);
  }
  // Before it has arrived: from then on the controller has the other node forget it.
  await move.done(complete);
  broadcast.resume(position, held);
}
