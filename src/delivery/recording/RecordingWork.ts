/** Finishes one recording: makes its files, stores them, and notes the outcome. What fails for lack of the storage is tried again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../common/logger.ts';
import type { Storage } from '../../storage/Storage.ts';
import type { ArchiveManifest } from '../archive/ArchiveManifest.ts';
import { type FinishedRecording, finishRecording } from './finishRecording.ts';
import type { RecordingMetrics } from './metrics.ts';
import { type RecordingRecord, startOf } from './RecordingRecord.ts';
import type { RecordingStore } from './RecordingStore.ts';
import { storeFiles } from './storeFiles.ts';

/** A storage that can not be reached is tried again after these, ms; then after the last one for as long as we live. */
const RETRY_MS = [1_000, 2_000, 5_000, 15_000, 60_000] as const;
/** The same for a disk: what is wrong with it seldom mends itself. */
const LOCAL_ATTEMPTS = 3;

export interface RecordingWorkOptions {
  folder: string;
  manifest: ArchiveManifest;
  /** Changed as it goes. */
  record: RecordingRecord;
  storage: Storage;
  store: RecordingStore;
  ffmpegPath: string;
  logger: Logger;
  metrics: RecordingMetrics;
  /** The node is being stopped: the work goes on at the next start. */
  signal: AbortSignal;
  /** Tests shorten them; see RETRY_MS. */
  retryMs?: readonly number[];
}

export type Outcome = 'finished' | 'incomplete' | 'failed' | 'stopped';

export class RecordingWork {
  readonly record: RecordingRecord;
  readonly folder: string;
  /** Never rejects. */
  readonly done: Promise<Outcome>;
  readonly #options: RecordingWorkOptions;
  readonly #cancelled = new AbortController();
  readonly #signal: AbortSignal;

  constructor(options: RecordingWorkOptions) {
    this.#options = options;
    this.record = options.record;
    this.folder = options.folder;
    this.#signal = AbortSignal.any([options.signal, this.#cancelled.signal]);
    this.done = this.#run();
  }

  /** Resolves when nothing of it runs any more. */
  async cancel(): Promise<void> {
    this.#cancelled.abort();
    await this.done;
  }

  async #run(): Promise<Outcome> {
    const { record, metrics, logger } = this.#options;
    try {
      const outcome = await this.#finish();
      metrics.recordings.inc({ state: outcome });
      const { durationSeconds, bytes, slateSegments } = record;
      logger.info({ outcome, durationSeconds, bytes, slateSegments, reason: record.reason }, 'recording is over');
      return outcome;
    } catch (error) {
      if (!this.#signal.aborted) logger.error({ err: error }, 'recording is left for the next start');
      return 'stopped';
    }
  }

  async #finish(): Promise<Outcome> {
    const { record, manifest, storage, store } = this.#options;
    record.state = 'processing';
    record.endedAt ??= Date.now();
    const finished = await this.#make();
    if (typeof finished === 'string') {
      record.state = 'failed';
      record.complete = false;
      record.reason = finished;
      await this.#again(() => store.save(record));
      return 'failed';
    }
    const { plan, names, mp4, pictures, trouble } = finished;
    record.startedAt = startOf(manifest.grid, manifest.epoch, plan.first);
    record.durationSeconds = finished.durationSeconds;
    record.endedAt = Math.round(record.startedAt + finished.durationSeconds * 1000);
    record.slateSegments = plan.slate;
    record.tracks = finished.tracks;
    record.captionTracks = finished.captions;
    record.firstSegment = plan.first;
    record.files = { playlist: true, mp4, poster: pictures, thumbnails: pictures };
    record.storage = storage.name;
    if (plan.missing.size > 0 || trouble) record.complete = false;
    record.reason ||= trouble || (plan.missing.size > 0 ? 'lost segments could not be filled' : '');
    record.bytes = await this.#again(async () => {
      await store.save({ ...record, state: 'processing' });
      return storeFiles({ id: record.id, folder: this.#options.folder, names, storage, store, signal: this.#signal });
    });
    record.state = record.complete ? 'finished' : 'incomplete';
    if (record.complete) record.reason = '';
    await this.#again(() => store.save(record));
    return record.state;
  }

  /** Why there is nothing that can be played, or the files. */
  async #make(): Promise<FinishedRecording | string> {
    const { folder, manifest, ffmpegPath, logger } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const made = await finishRecording({ folder, manifest, ffmpegPath, logger, signal: this.#signal });
        return made ?? 'nothing was recorded';
      } catch (error) {
        this.#signal.throwIfAborted();
        logger.error({ err: error, attempt }, 'recording can not be finished');
        if (attempt === LOCAL_ATTEMPTS) return 'its files can not be read or written';
      }
      await this.#wait(attempt);
    }
  }

  async #again<T>(work: () => Promise<T>): Promise<T> {
    const { record, logger, metrics } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        this.#signal.throwIfAborted();
        metrics.storeFailures.inc();
        logger.warn({ err: error, attempt }, 'recording can not be stored yet');
        if (record.reason === '') record.reason = 'the storage can not be reached';
      }
      await this.#wait(attempt);
    }
  }

  async #wait(attempt: number): Promise<void> {
    const { retryMs = RETRY_MS } = this.#options;
    await delay(retryMs[Math.min(attempt, retryMs.length) - 1], undefined, { signal: this.#signal });
  }
}
