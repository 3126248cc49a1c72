import { partsPerSegment } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import type { StoredInit } from '../InitSegments.ts';
import type { BroadcastArchive } from './BroadcastArchive.ts';

/**
 * From now on, until the archive is closed, what the broadcast shows is written to it, and what its memory lets go of is read from there. `since`: the
 * broadcast is live, and parts of this segment, the first that is wanted, may be visible already.
 */
export function attachArchive(broadcast: DeliveryBroadcast, archive: BroadcastArchive, since?: number): void {
  const from = since ?? 0;
  const perSegment = partsPerSegment(broadcast.grid);
  const { store, inits, slates } = broadcast;
  const ids = broadcast.renditions.map((r) => r.id);
  for (const id of ids) {
    const init = inits.get(id);
    if (init) archive.putInit(id, init.name, init.bytes);
    const slate = slates.bytes(id);
    if (slate) archive.putSlate(id, slate);
  }
  const append = (segment: number, part: number, bytesOf: (id: RenditionId) => Buffer | undefined): void => {
    const bytes = new Map<RenditionId, Buffer>();
    for (const id of ids) {
      const found = bytesOf(id);
      if (found) bytes.set(id, found);
    }
    archive.append(segment, part, bytes);
  };
  const onInit = (id: RenditionId, { name, bytes }: StoredInit): void => archive.putInit(id, name, bytes);
  const onSlate = (id: RenditionId, bytes: Buffer): void => archive.putSlate(id, bytes);
  const onReplaced = (segment: number): void => {
    if (segment < from) return;
    // From its first part on: what there is of it is another compositor's.
    const parts = new Map(ids.map((id) => [id, store.stored(id, segment)]));
    for (let part = 0; part < perSegment; part++) append(segment, part, (id) => parts.get(id)?.[part]);
  };
  const onVisible = (segment: number, part: number): void => {
    if (segment < from || store.isTorn(segment)) return;
    append(segment, part, (id) => store.part(id, segment, part));
  };
  store.setArchive(archive);
  archive.keepCaptions(() => broadcast.captions.all);
  for (let at = from * perSegment; since !== undefined && at < store.position; at++)
    onVisible(Math.floor(at / perSegment), at % perSegment);
  broadcast.on('init', onInit).on('slate', onSlate);
  store.on('replaced', onReplaced).on('visible', onVisible);
  archive.on('stored', () => archive.forgetBefore(store.retainedFrom));
  archive.once('closed', () => {
    broadcast.off('init', onInit).off('slate', onSlate);
    store.off('replaced', onReplaced).off('visible', onVisible);
  });
}
