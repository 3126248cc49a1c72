/**
 * The records of a node's broadcasts: `DATA_DIR/broadcasts/BROADCAST/`, with `record` (BroadcastRecord.ts, changed seldom) and `beat`
 * (each second); with `pending` instead of `record` as long as it waits for its first compositor. In: a broadcast's changes. Out: what a process that was killed had, for Broadcasts.resume.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../common/logger.ts';
import type { Secret } from '../../common/Secret.ts';
import { SecretBox } from '../../common/SecretBox.ts';
import { BroadcastId } from '../../contracts/ids.ts';
import { StateFile } from '../../durable/StateFile.ts';
import {
  Beat,
  BroadcastRecord,
  type FoundPending,
  type FoundRecord,
  PendingRecord,
  type RecordedState,
  recordOf,
} from './BroadcastRecord.ts';

const BEAT_MS = 1_000;
/** The disk has a beat at least so often, ms: only a machine that loses its power goes back so far. */
const BEAT_SYNC_MS = 5_000;

export interface RecordFilesOptions {
  dataDir: string;
  /** LIANMAI_SECRET; without, a key file in the data directory. */
  secrets: readonly Secret[];
  logger: Logger;
}

export class RecordFiles {
  readonly box: SecretBox;
  readonly #folder: string;
  readonly #logger: Logger;

  private constructor(folder: string, box: SecretBox, logger: Logger) {
    this.#folder = folder;
    this.box = box;
    this.#logger = logger;
  }

  static async create({ dataDir, secrets, logger }: RecordFilesOptions): Promise<RecordFiles> {
    const folder = join(dataDir, 'broadcasts');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new RecordFiles(folder, await SecretBox.create({ secrets, dataDir, purpose: 'broadcasts' }), logger);
  }

  /** Where the broadcast is kept from now on. Nothing that the disk does is thrown: the live program goes on without. */
  keeper(broadcast: string): RecordKeeper {
    return new RecordKeeper(join(this.#folder, broadcast), this.box, this.#logger.child({ broadcast }));
  }

  /** Broadcasts whose process died, the newest first: of two of one room that one counts. What can not be read is removed. */
  find(): FoundRecord[] {
    const found = this.#read((folder) => {
      const record = read(join(folder, 'record'), BroadcastRecord);
      return record && { record, beat: read(join(folder, 'beat'), Beat) };
    });
    return found.sort((a, b) => b.record.epoch - a.record.epoch);
  }

  /** Those that only waited, the first in the queue first. */
  findPending(): FoundPending[] {
    const found = this.#read((folder) => {
      const pending = hasRecord(folder) ? undefined : read(join(folder, 'pending'), PendingRecord);
      return pending && { pending, beat: read(join(folder, 'beat'), Beat) };
    });
    return found.sort((a, b) => a.pending.queuedAt - b.pending.queuedAt);
  }

  #read<T>(readFrom: (folder: string) => T | undefined): T[] {
    const found: T[] = [];
    for (const name of readdirSync(this.#folder)) {
      if (!BroadcastId.safeParse(name).success) continue;
      const folder = join(this.#folder, name);
      try {
        const one = readFrom(folder);
        if (one) found.push(one);
        else if (!hasRecord(folder) && !read(join(folder, 'pending'), PendingRecord)) {
          this.#logger.warn({ broadcast: name }, 'nothing of use is kept of the broadcast');
          rmSync(folder, { recursive: true, force: true });
        }
      } catch (error) {
        this.#logger.error({ err: error, broadcast: name }, 'the disk does not give back the record of a broadcast');
      }
    }
    return found;
  }

  /** It is not gone on with. */
  drop(broadcast: string): void {
    rmSync(join(this.#folder, broadcast), { recursive: true, force: true });
  }
}

export class RecordKeeper {
  readonly #folder: string;
  readonly #box: SecretBox;
  readonly #logger: Logger;
  #files: { record: StateFile; beat: StateFile } | undefined;
  #pending: StateFile | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failing = false;
  #closed = false;

  constructor(folder: string, box: SecretBox, logger: Logger) {
    this.#folder = folder;
    this.#box = box;
    this.#logger = logger;
  }

  /** Written when it returns. What was kept while it waited is of no use any more. */
  save(state: RecordedState): void {
    if (this.#closed) return;
    this.#try(() => {
      this.#open().record.save(JSON.stringify(recordOf(state, this.#box)));
      if (this.#pending) this.#pending.close();
      this.#pending = undefined;
      for (const end of [0, 1]) rmSync(join(this.#folder, `pending.${end}`), { force: true });
    });
  }

  /** It waits for its first compositor. Written when it returns. */
  wait(pending: PendingRecord): void {
    if (this.#closed) return;
    this.#try(() => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      this.#pending ??= StateFile.open(join(this.#folder, 'pending'));
      this.#pending.save(JSON.stringify(pending));
    });
  }

  /** Writes the program's clock down, now and each second. */
  beat(now: () => Omit<Beat, 'heldMs'>): void {
    const since = performance.now();
    const write = () =>
      this.#try(() => {
        const beat: Beat = { ...now(), heldMs: performance.now() - since };
        this.#open().beat.save(JSON.stringify(beat));
      });
    clearInterval(this.#timer);
    if (this.#closed) return;
    this.#timer = setInterval(write, BEAT_MS);
    write();
  }

  /** Writes nothing more; what is there stays. Idempotent. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#files?.record.close();
    this.#files?.beat.close();
    this.#pending?.close();
  }

  /** It is over: nothing is kept. Idempotent. */
  remove(): void {
    if (this.#closed) return;
    this.#try(() => {
      this.close();
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  #open(): { record: StateFile; beat: StateFile } {
    if (!this.#files) {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const record = StateFile.open(join(this.#folder, 'record'));
      this.#files = { record, beat: StateFile.open(join(this.#folder, 'beat'), BEAT_SYNC_MS) };
    }
    return this.#files;
  }

  #try(write: () => void): void {
    try {
      write();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        this.#logger.error({ err: error }, 'the broadcast can not be kept on disk: it would not survive a crash');
      this.#failing = true;
    }
  }
}

const hasRecord = (folder: string): boolean => read(join(folder, 'record'), BroadcastRecord) !== undefined;

function read<T>(path: string, schema: { safeParse(value: unknown): { data?: T | undefined } }): T | undefined {
  const text = StateFile.read(path);
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
