/**
 * The recordings of a delivery node, and the segments on its disk. Owns the archive of each broadcast, and what is done with it when the
 * broadcast is over: finishing (finishRecording.ts), storing (storeFiles.ts), transcoding (Transcodes.ts). Closed by Delivery.ts.
 *
 * A folder of segments goes when its broadcast can not be watched any more and its recording, if any, is in the storage.
 */
import { rm } from 'node:fs/promises';
import { newId } from '../../common/ids.ts';
import type { Logger } from '../../common/logger.ts';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import { AppError } from '../../contracts/errors.ts';
import type { BroadcastId, RecordingId } from '../../contracts/ids.ts';
import { type Recording, type RecordingEvent, type RecordingStatus, recordingIdOf } from '../../contracts/recording.ts';
import type { Storage } from '../../storage/Storage.ts';
import type { ArchiveManifest } from '../archive/ArchiveManifest.ts';
import { archiveFolder, carvedFolder, listArchives, writeManifest } from '../archive/ArchiveManifest.ts';
import { BroadcastArchive } from '../archive/BroadcastArchive.ts';
import type { ScannedArchive } from '../archive/scanArchive.ts';
import type { DeliveryBroadcast, OpenOrder } from '../DeliveryBroadcast.ts';
import { quietFfmpeg } from '../pictures/quietFfmpeg.ts';
import { manifestOf } from './manifestOf.ts';
import { nextEvent } from './nextEvent.ts';
import { beginningOf, isOver, newRecord, type RecordingRecord, toRecording, toStatus } from './RecordingRecord.ts';
import { type RecordingFile, RecordingStore } from './RecordingStore.ts';
import { type LiveRecordings, RecordingSwitch } from './RecordingSwitch.ts';
import type { RecordingsEvents, RecordingsOptions } from './RecordingsOptions.ts';
import { RecordingWork } from './RecordingWork.ts';
import { objectKey } from './storeFiles.ts';
import { Transcodes } from './Transcodes.ts';

/** Of a room's newest recordings, one of so many can be played, or none is looked for further. */
const PLAYABLE_AMONG = 5;

export class Recordings extends TypedEmitter<RecordingsEvents> {
  readonly #options: RecordingsOptions;
  readonly #store: RecordingStore;
  readonly #transcodes: Transcodes;
  readonly #abort = new AbortController();
  /** Of broadcasts that are live. */
  readonly #live: LiveRecordings = new Map();
  readonly #switch: RecordingSwitch;
  /** Being finished, or waiting for it. */
  readonly #works = new Map<RecordingId, RecordingWork>();
  /** Broadcasts that can still be watched though they are over: their folders stay. */
  readonly #watched = new Set<BroadcastId>();
  #closing: Promise<void> | undefined;

  private constructor(options: RecordingsOptions, store: RecordingStore) {
    super();
    this.#options = options;
    this.#store = store;
    this.#transcodes = new Transcodes({ ...options, store, signal: this.#abort.signal });
    this.#switch = new RecordingSwitch({
      ...{ dataDir: options.dataDir, live: this.#live, loggerOf: (manifest) => this.#loggerOf(manifest) },
      isTaken: async (id) => this.#works.has(id) || (await store.get(id)) !== null,
      begin: (archive, record) => {
        this.#begin(archive, record);
        this.emit('status', record.broadcast, toStatus(record));
      },
      finish: async (folder, manifest, record) => {
        await this.#save(record);
        this.emit('status', manifest.broadcast, toStatus(record));
        this.#finish(folder, manifest, record);
      },
    });
  }

  static async create(options: RecordingsOptions): Promise<Recordings> {
    quietFfmpeg();
    return new Recordings(options, RecordingStore.open(options.database));
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** A broadcast has begun; undefined: it has neither time shift nor recording. */
  begin(order: OpenOrder): BroadcastArchive | undefined {
    const manifest = manifestOf(order);
    this.#switch.know(manifest);
    if (!order.record && order.dvrSeconds === 0) return undefined;
    const { dataDir } = this.#options;
    const folder = archiveFolder(dataDir, order.broadcast);
    const archive = BroadcastArchive.create({ folder, manifest, logger: this.#loggerOf(manifest) });
    this.#begin(archive, manifest.recording === null ? null : newRecord(manifest, manifest.recording));
    return archive;
  }

  /** A live broadcast is recorded from now on, with the segment that is shown, or no more. Idempotent. Never rejects. */
  switch(broadcast: DeliveryBroadcast, on: boolean): Promise<void> {
    return this.#switch.set(broadcast, on);
  }

  #begin(archive: BroadcastArchive, record: RecordingRecord | null): void {
    this.#add(archive, record);
    if (!record) return;
    void this.#save(record);
    this.#options.logger.info({ recording: record.id, broadcast: record.broadcast }, 'recording begins');
    void this.#tell('started', record);
  }

  /**
   * A broadcast of a process that died goes on: the archive, and what is in it. null: nothing was left, `begin` it anew. Call before
   * `resume`.
   */
  async reopen(order: OpenOrder): Promise<{ archive: BroadcastArchive; scan: ScannedArchive } | null> {
    this.#switch.know(manifestOf(order));
    const folder = archiveFolder(this.#options.dataDir, order.broadcast);
    const found = (await listArchives(this.#options.dataDir)).find((a) => a.folder === folder)?.manifest;
    if (!found) return null;
    const reopened = await BroadcastArchive.reopen({ folder, manifest: found, logger: this.#loggerOf(found) });
    const kept = found.recording === null ? null : await this.#store.get(found.recording);
    this.#add(reopened.archive, found.recording === null ? null : (kept ?? newRecord(found, found.recording)));
    return reopened;
  }

  /** What is here of a live broadcast, for the node that it moves to. */
  live(broadcast: BroadcastId): { archive: BroadcastArchive; record: RecordingRecord | null } | undefined {
    return this.#live.get(broadcast);
  }

  /** A broadcast comes from another node, with its recording; `reopen` it then. `complete`: with all of it. */
  async adopt(record: RecordingRecord, complete: boolean): Promise<void> {
    const lost = { complete: false, reason: 'its beginning is a recording of its own: there was no time to move it' };
    await this.#save(complete ? record : { ...record, ...lost });
  }

  /** Another node has the broadcast, and all of what is here of it, or not: then that is finished as a recording of its own. */
  async giveAway(broadcast: BroadcastId, complete: boolean): Promise<void> {
    await this.#switch.end(broadcast);
    const live = this.#live.get(broadcast);
    if (!live) return;
    const { archive, record } = live;
    await archive.close();
    this.#live.delete(broadcast);
    if (record) await this.#store.delete(record.id);
    if (!record || complete) return this.#removeFolder(archive.folder);
    const id = recordingIdOf(newId('b'));
    const manifest = { ...archive.manifest, recording: id };
    await writeManifest(archive.folder, manifest);
    const beginning = beginningOf(record, id);
    await this.#save(beginning);
    this.#options.logger.warn({ recording: record.id, beginning: id }, 'the beginning of a recording stays here');
    this.#finish(archive.folder, manifest, beginning);
  }

  /** Finishes the recordings of broadcasts that nobody has reopened, and removes what else such left. */
  async resume(): Promise<void> {
    const known = new Set<RecordingId>();
    for (const { folder, manifest } of await listArchives(this.#options.dataDir)) {
      const live = manifest && this.#live.get(manifest.broadcast);
      const own = manifest && folder === archiveFolder(this.#options.dataDir, manifest.broadcast);
      if (own && (live || this.#watched.has(manifest.broadcast))) continue;
      // Carved by a process that died before it could note that: the broadcast goes on with it.
      const carvedTwice = !own && live?.record && live.record.id === manifest?.recording;
      if (!manifest?.recording || carvedTwice) {
        await rm(folder, { recursive: true, force: true });
        continue;
      }
      known.add(manifest.recording);
      const record = (await this.#store.get(manifest.recording)) ?? newRecord(manifest, manifest.recording);
      if (isOver(record)) {
        // An earlier process could not remove it any more.
        await this.#removeFolder(folder);
        continue;
      }
      if (record.state === 'recording')
        this.#options.logger.warn({ recording: record.id }, 'finishing the recording of a broadcast that was lost');
      this.#finish(folder, manifest, record);
    }
    for (const record of await this.#store.unfinished()) {
      const waits = record.state === 'recording' || record.state === 'processing';
      if (!waits) this.#transcodes.add(record.id);
      else if (!known.has(record.id) && !this.#live.has(record.broadcast) && !this.#works.has(record.id))
        await this.#lost(record, 'its segments are gone');
    }
  }

  /** What the status of the broadcast tells; null: it is not recorded. */
  status(broadcast: BroadcastId): RecordingStatus | null {
    const works = [...this.#works.values()].filter(({ record }) => record.broadcast === broadcast);
    const record = this.#live.get(broadcast)?.record ?? works.at(-1)?.record;
    return record ? toStatus(record) : null;
  }

  /** The broadcast is over; it can be watched until `forget`. Resolves when its last part is on the disk. */
  async end(broadcast: BroadcastId): Promise<void> {
    this.#watched.add(broadcast);
    const recorded = this.#live.get(broadcast)?.record;
    if (recorded) {
      recorded.endedAt = Date.now();
      recorded.state = 'processing';
      this.emit('status', broadcast, toStatus(recorded));
    }
    await this.#switch.end(broadcast);
    const live = this.#live.get(broadcast);
    if (!live) return;
    const { archive, record } = live;
    await archive.close();
    this.#live.delete(broadcast);
    if (!record || this.#abort.signal.aborted) return;
    await this.#save(record);
    this.#finish(archive.folder, archive.manifest, record);
  }

  /** Nobody can watch the broadcast any more. */
  async forget(broadcast: BroadcastId): Promise<void> {
    this.#watched.delete(broadcast);
    await this.#removeOf(broadcast);
  }

  /** The segments of a broadcast that is over, unless somebody watches it, or its recording is made of them. */
  async #removeOf(broadcast: BroadcastId): Promise<void> {
    const folder = archiveFolder(this.#options.dataDir, broadcast);
    const used = [...this.#works.values()].some((work) => work.folder === folder);
    if (used || this.#watched.has(broadcast) || this.#live.has(broadcast) || this.#abort.signal.aborted) return;
    await this.#removeFolder(folder);
  }

  async list(query: { room?: string | undefined; limit: number }): Promise<Recording[]> {
    return (await this.#store.list(query)).map((record) => toRecording(this.#newest(record)));
  }

  /** The room's newest that can be played, or the one of a broadcast; `guarded`: also one that wants a token. */
  async playable(
    room: string,
    { guarded, broadcast }: { guarded: boolean; broadcast: string | null },
  ): Promise<RecordingId | null> {
    const records = await this.#store.list({ room, limit: PLAYABLE_AMONG });
    const there = records.find(
      (record) =>
        record.files.playlist &&
        (guarded || record.playback === 'open') &&
        (broadcast === null || record.broadcast === broadcast),
    );
    return there?.id ?? null;
  }

  /** Throws `not-found`. */
  async get(id: RecordingId): Promise<RecordingRecord> {
    const record = await this.#store.get(id);
    if (!record) throw new AppError('not-found', 'There is no such recording.');
    return this.#newest(record);
  }

  /** One of its files, with the storage that it is in. Throws `not-found`. */
  async file(record: RecordingRecord, name: string): Promise<RecordingFile & { storage: Storage; key: string }> {
    const file =
      record.state === 'finished' || record.state === 'incomplete' ? await this.#store.file(record.id, name) : null;
    if (!file?.stored) throw new AppError('not-found', 'The recording has no such file.');
    const { storage } = this.#options;
    if (record.storage !== storage.name)
      throw new AppError('not-found', `The recording is in another storage (${record.storage}).`);
    return { ...file, storage, key: objectKey(record.id, name) };
  }

  /** Events after number `after`, and the newest number. Waits for the first one as long as `waitMs`, or until `signal`. */
  async events(
    after: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<{ events: RecordingEvent[]; newest: number }> {
    let events = await this.#store.eventsAfter(after);
    if (events.length === 0 && waitMs > 0) {
      await nextEvent(this, AbortSignal.any([signal, this.#abort.signal, AbortSignal.timeout(waitMs)]));
      events = await this.#store.eventsAfter(after);
    }
    return { events, newest: await this.#store.newestEvent() };
  }

  /** Throws `not-found`, and `conflict` while its broadcast is live. */
  async delete(id: RecordingId): Promise<void> {
    const record = await this.get(id);
    if (this.#live.get(record.broadcast)?.record?.id === id)
      throw new AppError('conflict', 'It is being recorded: stop that first.');
    const work = this.#works.get(id);
    await work?.cancel();
    await this.#transcodes.cancel(id);
    const { storage, dataDir, logger } = this.#options;
    if (record.storage === '' || record.storage === storage.name) await storage.deleteFolder(id);
    else logger.warn({ recording: id, storage: record.storage }, 'its files are in another storage, and stay there');
    await this.#store.delete(id);
    await this.#removeFolder(carvedFolder(dataDir, id));
    await this.#removeOf(record.broadcast);
    logger.info({ recording: id }, 'recording deleted');
  }

  /** What is being finished goes on at the next start. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#abort.abort(new AppError('shutting-down'));
    await Promise.all([...this.#live.values()].map(({ archive }) => archive.close()));
    await Promise.all([...this.#works.values()].map((work) => work.done));
    await this.#transcodes.close();
  }

  #add(archive: BroadcastArchive, record: RecordingRecord | null): void {
    const { broadcast } = archive.manifest;
    const known = this.#live.get(broadcast)?.archive === archive;
    this.#live.set(broadcast, { archive, record });
    if (!known) this.#follow(archive);
  }

  #follow(archive: BroadcastArchive): void {
    const { broadcast } = archive.manifest;
    const { metrics } = this.#options;
    const recorded = () => this.#live.get(broadcast)?.record;
    archive.on('stored', () => metrics.storedSegments.inc());
    archive.on('trouble', (reason) => {
      metrics.storeFailures.inc();
      const record = recorded();
      if (!record) return;
      const first = record.complete;
      record.complete = false;
      record.reason = reason;
      this.emit('status', broadcast, toStatus(record));
      void this.#save(record);
      if (first) void this.#tell('incomplete', record);
    });
    archive.on('recovered', () => {
      // Where the disk was full, it could not be noted either.
      const record = recorded();
      if (record) void this.#save(record);
    });
  }

  #finish(folder: string, manifest: ArchiveManifest, record: RecordingRecord): void {
    const { storage, ffmpegPath, metrics } = this.#options;
    const work = new RecordingWork({
      ...{ folder, manifest, record, storage, ffmpegPath, metrics },
      store: this.#store,
      logger: this.#loggerOf(manifest),
      signal: this.#abort.signal,
    });
    this.#works.set(record.id, work);
    void work.done.then((outcome) => {
      this.#works.delete(record.id);
      if (outcome === 'stopped') return;
      // The broadcast may be recorded again by now: its status tells of that one.
      if (!this.#live.get(record.broadcast)?.record) this.emit('status', record.broadcast, toStatus(record));
      void this.#tell(outcome, record);
      if (outcome !== 'failed') this.#transcodes.add(record.id);
      if (manifest.recording && folder === carvedFolder(this.#options.dataDir, manifest.recording))
        void this.#removeFolder(folder);
      else void this.#removeOf(record.broadcast);
    });
  }

  async #lost(record: RecordingRecord, reason: string): Promise<void> {
    record.state = 'failed';
    record.complete = false;
    record.reason = reason;
    await this.#save(record);
    await this.#tell('failed', record);
  }

  /** Kept for whoever asks for events (`events`), then told. */
  async #tell(type: RecordingEvent['type'], record: RecordingRecord): Promise<void> {
    const recording = toRecording(record);
    try {
      await this.#store.addEvent(type, recording);
    } catch (error) {
      this.#options.logger.error({ err: error, recording: record.id, type }, 'the event of a recording is lost');
    }
    this.emit('event', type, recording);
  }

  /** While it is worked on, what is in memory is newer. */
  #newest(record: RecordingRecord): RecordingRecord {
    const live = this.#live.get(record.broadcast)?.record;
    return (live?.id === record.id ? live : this.#works.get(record.id)?.record) ?? record;
  }

  /** The live program goes on whatever the database does; it is saved again at each change. */
  async #save(record: RecordingRecord): Promise<void> {
    try {
      await this.#store.save(record);
    } catch (error) {
      this.#options.logger.error({ err: error, recording: record.id }, 'the record of a recording can not be written');
    }
  }

  async #removeFolder(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
      this.#options.logger.warn({ err: error, folder }, 'segments could not be removed'),
    );
  }

  #loggerOf({ broadcast, room, recording }: ArchiveManifest): Logger {
    return this.#options.logger.child({ broadcast, room, ...(recording === null ? {} : { recording }) });
  }
}
