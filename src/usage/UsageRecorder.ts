/**
 * Keeps what the meter knows from being lost. In: the meter, looked at each 100 ms. Out: a state file that a killed process leaves
 * behind, and each minute, and whenever somebody asks, a report in the ledger.
 *
 * What a kill -9 costs: nothing of what an earlier look had, since the state file is written at each and read back at the next start; so at most one
 * step of 100 ms of working time, and what was counted within it (the CPU of a compositor is told each second, and is then up to a second
 * behind). A machine that loses its power goes back to what the disk has: a second more.
 *
 * Sequence: report N is in the state file first and grows there; then it goes into the ledger, and N + 1 begins. A process that dies in
 * between leaves an N in both, of which the ledger has the newer one: the older one has nothing that it has not.
 */
import { join } from 'node:path';
import type { Logger } from '../common/logger.ts';
import { UsageReport } from '../contracts/usage.ts';
import { StateFile } from '../durable/StateFile.ts';
import { STEP_MS } from './days.ts';
import type { UsageMetrics } from './metrics.ts';
import type { UsageLedger } from './UsageLedger.ts';
import { UsageMeter } from './UsageMeter.ts';

/** The ledger has everything that is older than this, ms. */
const COMMIT_MS = 60_000;
/** The disk has the state file at least so often, ms. */
const SYNC_MS = 1_000;
/** A disk that fails is told of so often, ms. */
const COMPLAINT_MS = 60_000;

export interface UsageRecorderOptions {
  dataDir: string;
  /** Two processes may have one data directory when their roles differ. */
  role: string;
  ledger: UsageLedger;
  logger: Logger;
  metrics: UsageMetrics;
  /** ms since 1970. */
  now?: () => number;
}

export class UsageRecorder {
  readonly meter: UsageMeter;
  readonly #options: UsageRecorderOptions;
  readonly #file: StateFile;
  readonly #timers: NodeJS.Timeout[];
  #sequence = 1;
  #savedRevision = 0;
  #complainedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  private constructor(options: UsageRecorderOptions, file: StateFile) {
    this.#options = options;
    this.#file = file;
    this.meter = new UsageMeter(options.now);
    this.#timers = [setInterval(() => this.#save(), STEP_MS), setInterval(() => this.commit(), COMMIT_MS)];
    for (const timer of this.#timers) timer.unref();
  }

  /** What a process that was killed had is in the ledger when this returns. Throws what the file system and the database do. */
  static open(options: UsageRecorderOptions): UsageRecorder {
    const { dataDir, role, ledger, logger } = options;
    const file = StateFile.open(join(dataDir, `usage-${role}`), SYNC_MS);
    const left = parse(file.text);
    if (left && ledger.append([left], { own: true }) > 0) {
      const readings = left.readings.length;
      logger.warn({ readings, silentMs: Date.now() - left.at }, 'usage of a killed process is in the ledger');
    }
    return new UsageRecorder(options, file);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The ledger has all that is known when this returns true; false: the disk takes nothing, and it stays here for another time. */
  commit(): boolean {
    if (this.#closed) return true;
    this.meter.look();
    const report = this.meter.report(this.#sequence);
    if (!report) return true;
    const { ledger, metrics } = this.#options;
    try {
      ledger.append([report], { own: true });
    } catch (error) {
      metrics.reports.inc({ result: 'failed' });
      this.#complain(error, 'usage can not be written to the ledger: it is tried again');
      return false;
    }
    metrics.reports.inc({ result: 'written' });
    this.meter.written(report);
    this.#sequence += 1;
    this.#write('');
    return true;
  }

  /** Writes what is known to the ledger. Idempotent. */
  close(): void {
    if (this.#closed) return;
    const done = this.commit();
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (done) this.#file.remove();
    else this.#file.close();
  }

  #save(): void {
    this.meter.look();
    if (this.meter.revision === this.#savedRevision) return;
    const { revision } = this.meter;
    const report = this.meter.report(this.#sequence);
    if (this.#write(report ? JSON.stringify(report) : '')) this.#savedRevision = revision;
  }

  /** Nothing that the disk does is thrown: the live program goes on. */
  #write(text: string): boolean {
    try {
      this.#file.save(text);
      return true;
    } catch (error) {
      this.#complain(error, 'usage can not be kept on disk: it would not survive a crash');
      return false;
    }
  }

  #complain(error: unknown, message: string): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAINT_MS) return;
    this.#complainedAt = now;
    this.#options.logger.error({ err: error }, message);
  }
}

function parse(text: string | undefined): UsageReport | undefined {
  if (!text) return undefined;
  try {
    return UsageReport.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
