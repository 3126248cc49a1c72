/**
 * Further renditions of finished recordings: one job at a time, at the lowest priority, so that live programs come first. What waits
 * is in the records, and so survives a restart; a job that was running begins anew.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../common/logger.ts';
import { writeFileAtomic } from '../../common/writeFileAtomic.ts';
import type { RecordingId } from '../../contracts/ids.ts';
import type { Storage } from '../../storage/Storage.ts';
import { MP4_FILE, MULTIVARIANT_FILE, multivariantOf } from './finishRecording.ts';
import type { RecordingMetrics } from './metrics.ts';
import type { RecordingRecord } from './RecordingRecord.ts';
import type { RecordingStore } from './RecordingStore.ts';
import { objectKey, storeFiles } from './storeFiles.ts';
import { transcode } from './transcode.ts';

/** How often progress is written to the record, ms. */
const PROGRESS_MS = 2_000;

export interface TranscodesOptions {
  dataDir: string;
  storage: Storage;
  store: RecordingStore;
  ffmpegPath: string;
  logger: Logger;
  metrics: RecordingMetrics;
  /** The node is being stopped. */
  signal: AbortSignal;
}

export class Transcodes {
  readonly #options: TranscodesOptions;
  readonly #queue: RecordingId[] = [];
  #running: { id: RecordingId; abort: AbortController; done: Promise<void> } | undefined;

  constructor(options: TranscodesOptions) {
    this.#options = options;
  }

  /** Does what the record says is to be done; nothing when that is nothing. */
  add(id: RecordingId): void {
    if (!this.#queue.includes(id)) this.#queue.push(id);
    this.#next();
  }

  /** Resolves when nothing of it runs any more. */
  async cancel(id: RecordingId): Promise<void> {
    const at = this.#queue.indexOf(id);
    if (at >= 0) this.#queue.splice(at, 1);
    if (this.#running?.id !== id) return;
    this.#running.abort.abort();
    await this.#running.done;
  }

  async close(): Promise<void> {
    this.#queue.length = 0;
    this.#running?.abort.abort();
    await this.#running?.done;
  }

  #next(): void {
    if (this.#running || this.#options.signal.aborted) return;
    const id = this.#queue.shift();
    if (id === undefined) return;
    const abort = new AbortController();
    const done = this.#all(id, AbortSignal.any([abort.signal, this.#options.signal])).finally(() => {
      this.#running = undefined;
      this.#next();
    });
    this.#running = { id, abort, done };
  }

  /** All renditions of one recording, one after the other. Never rejects. */
  async #all(id: RecordingId, signal: AbortSignal): Promise<void> {
    const { store, logger } = this.#options;
    try {
      for (;;) {
        const record = await store.get(id);
        const index = record?.transcodes.findIndex((t) => t.state === 'queued' || t.state === 'running') ?? -1;
        if (!record || index < 0) return;
        await this.#one(record, index, signal);
      }
    } catch (error) {
      if (!signal.aborted) logger.error({ err: error, recording: id }, 'transcode is left for the next start');
    }
  }

  /** Throws when it is stopped, or the record can not be written. */
  async #one(record: RecordingRecord, index: number, signal: AbortSignal): Promise<void> {
    const { dataDir, logger, metrics, store, storage } = this.#options;
    const job = record.transcodes[index];
    if (!job) return;
    const folder = join(dataDir, 'transcodes', record.id);
    const save = async (change: Partial<typeof job>): Promise<void> => {
      Object.assign(job, change);
      await store.save(record);
    };
    await save({ state: 'running', progress: 0 });
    logger.info({ recording: record.id, height: job.height }, 'transcode begins');
    try {
      await this.#make(record, job, folder, signal);
      await save({ state: 'finished', progress: 1 });
      metrics.transcodes.inc({ state: 'finished' });
      logger.info({ recording: record.id, height: job.height, storage: storage.name }, 'transcode is over');
    } catch (error) {
      signal.throwIfAborted();
      logger.error({ err: error, recording: record.id, height: job.height }, 'transcode failed');
      metrics.transcodes.inc({ state: 'failed' });
      await save({ state: 'failed', reason: 'the rendition could not be made' });
    } finally {
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  async #make(
    record: RecordingRecord,
    job: RecordingRecord['transcodes'][number],
    folder: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { ffmpegPath, storage, store } = this.#options;
    const { height, bitrate } = job;
    let savedAt = performance.now();
    const onProgress = (done: number): void => {
      job.progress = done;
      if (performance.now() - savedAt < PROGRESS_MS) return;
      savedAt = performance.now();
      store.save(record).catch(() => undefined);
    };
    const mp4 = await storage.get(objectKey(record.id, MP4_FILE));
    const options = { ffmpegPath, record, height, bitrate, mp4, folder, signal, onProgress };
    const { track, size, names } = await transcode(options).finally(() => mp4.destroy());
    const tracks = [...record.tracks.filter((t) => t.id !== track.id), track];
    await writeFileAtomic(join(folder, MULTIVARIANT_FILE), multivariantOf(record.fps, tracks, record.captionTracks));
    const stored = await storeFiles({ id: record.id, folder, names, storage, store, signal });
    // Last, and under a name that is there already: whoever reads it finds everything that it names.
    await this.#replace(record, join(folder, MULTIVARIANT_FILE));
    record.tracks = tracks;
    record.bytes += stored;
    record.renditions = [
      ...record.renditions.filter((r) => r.id !== track.id),
      { id: track.id, ...size, bitrate },
    ].toSorted((a, b) => b.width * b.height - a.width * a.height);
  }

  async #replace(record: RecordingRecord, path: string): Promise<void> {
    const { storage, store } = this.#options;
    const { size } = await stat(path);
    const contentType = 'application/vnd.apple.mpegurl';
    await storage.put(objectKey(record.id, MULTIVARIANT_FILE), { path }, { contentType });
    await store.addFiles(record.id, [{ name: MULTIVARIANT_FILE, bytes: size }]);
    await store.markStored(record.id, [MULTIVARIANT_FILE]);
  }
}
