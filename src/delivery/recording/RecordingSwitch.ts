/**
 * Recordings that begin or end while their broadcast goes on. In: the wish. Out: an archive that is recorded from a segment on, or the recording
 * so far in a folder of its own (carveArchive.ts), to be finished at once. On, off and on again are two recordings: each is whole, and there before
 * the show is over.
 */
import { rm } from 'node:fs/promises';
import { newId } from '../../common/ids.ts';
import type { Logger } from '../../common/logger.ts';
import { partsPerSegment } from '../../contracts/grid.ts';
import type { BroadcastId, RecordingId } from '../../contracts/ids.ts';
import { recordingIdOf } from '../../contracts/recording.ts';
import { type ArchiveManifest, archiveFolder, carvedFolder } from '../archive/ArchiveManifest.ts';
import { attachArchive } from '../archive/attachArchive.ts';
import { BroadcastArchive } from '../archive/BroadcastArchive.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import { newRecord, type RecordingRecord } from './RecordingRecord.ts';

export type LiveRecordings = Map<BroadcastId, { archive: BroadcastArchive; record: RecordingRecord | null }>;

export interface RecordingSwitchOptions {
  dataDir: string;
  /** Recordings.ts owns it. */
  live: LiveRecordings;
  isTaken: (id: RecordingId) => Promise<boolean>;
  /** In the list of those that are live, and told. */
  begin: (archive: BroadcastArchive, record: RecordingRecord) => void;
  /** It is over, and made of what is in the folder. */
  finish: (folder: string, manifest: ArchiveManifest, record: RecordingRecord) => Promise<void>;
  loggerOf: (manifest: ArchiveManifest) => Logger;
}

interface Known {
  manifest: ArchiveManifest;
  /** Race: of two wishes in a row the second is done last. */
  working: Promise<void>;
}

export class RecordingSwitch {
  readonly #options: RecordingSwitchOptions;
  readonly #known = new Map<BroadcastId, Known>();

  constructor(options: RecordingSwitchOptions) {
    this.#options = options;
  }

  /** A broadcast is here: of what an archive of it is made. */
  know(manifest: ArchiveManifest): void {
    this.#known.set(manifest.broadcast, { manifest, working: Promise.resolve() });
  }

  /** It is over, or another node's: nothing is switched any more. Resolves when nothing is under way. */
  async end(broadcast: BroadcastId): Promise<void> {
    const known = this.#known.get(broadcast);
    this.#known.delete(broadcast);
    await known?.working;
  }

  /** Idempotent. Never rejects: what the disk does costs the recording, not the live program. */
  set(broadcast: DeliveryBroadcast, on: boolean): Promise<void> {
    const known = this.#known.get(broadcast.id);
    if (!known) return Promise.resolve();
    known.working = known.working
      .then(() => (on ? this.#on(broadcast, known.manifest) : this.#off(broadcast)))
      .catch((error: unknown) => broadcast.logger.error({ err: error, on }, 'the recording can not be switched'));
    return known.working;
  }

  async #on(broadcast: DeliveryBroadcast, base: ArchiveManifest): Promise<void> {
    const { dataDir, live, isTaken, begin, loggerOf } = this.#options;
    if (live.get(broadcast.id)?.record || broadcast.state !== 'open') return;
    const first = recordingIdOf(broadcast.id);
    const recording = (await isTaken(first)) ? recordingIdOf(newId('b')) : first;
    const folder = archiveFolder(dataDir, broadcast.id);
    // What a recording before this one has left.
    if (!live.has(broadcast.id)) await rm(folder, { recursive: true, force: true });
    if (broadcast.state !== 'open') return;
    // From here on nothing is awaited: what becomes visible meanwhile would be missing.
    const recordingFrom = this.#from(broadcast);
    const manifest: ArchiveManifest = { ...base, recording, recordingFrom };
    const there = live.get(broadcast.id)?.archive;
    there?.record(recording, recordingFrom);
    const archive = there ?? BroadcastArchive.create({ folder, manifest, logger: loggerOf(manifest) });
    begin(archive, newRecord(manifest, recording));
    if (!there) attachArchive(broadcast, archive, recordingFrom);
  }

  /** The segment that is shown; the next one where it is over, or its parts are of two compositors. */
  #from({ store, grid }: DeliveryBroadcast): number {
    const { head, position } = store;
    if (head === undefined) return 0;
    return store.isTorn(head) ? head + 1 : Math.floor(position / partsPerSegment(grid));
  }

  async #off(broadcast: DeliveryBroadcast): Promise<void> {
    const { dataDir, live } = this.#options;
    const now = live.get(broadcast.id);
    if (!now?.record || broadcast.state !== 'open') return;
    const { archive, record } = now;
    const { manifest } = archive;
    const folder = carvedFolder(dataDir, record.id);
    await archive.carve(folder, manifest);
    // The time shift goes on with the same files.
    if (manifest.dvrSeconds > 0) {
      archive.record(null, 0);
      live.set(broadcast.id, { archive, record: null });
    } else {
      broadcast.store.setArchive(undefined);
      await archive.close();
      live.delete(broadcast.id);
      await rm(archive.folder, { recursive: true, force: true });
    }
    await this.#options.finish(folder, manifest, { ...record, state: 'processing', endedAt: Date.now() });
  }
}
