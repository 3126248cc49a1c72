/**
 * What this process knows of use and has not yet in the ledger. In: times and counters (the broadcasts' controllers, delivery). Out: a
 * report of all that has grown (UsageRecorder.ts).
 *
 * Timestamps. Intervals are program time in whole ms, made days by the broadcast's epoch, so midnight is exact and the same for all who
 * report. Counters are split by this machine's wall clock: what one has grown by between two looks, 100 ms to 1 s apart, over midnight is
 * shared out evenly. A clock that was set back leaves every sum as it is.
 */
import { newId } from '../common/ids.ts';
import type { UsageBroadcast, UsageReading, UsageReport } from '../contracts/usage.ts';
import { DAY_MS, dayOf } from './days.ts';

/** What did not grow for so long is forgotten here: it begins a new interval, or goes on counting as it does, ms. */
const FORGET_MS = 3_600_000;

export type UsageOf = Pick<UsageReading, 'broadcast' | 'kind' | 'subject' | 'source'>;

interface Known {
  reading: UsageReading;
  /** Wall clock of the last look, ms since 1970. */
  lookedAt: number;
}

export class UsageMeter {
  /** Names the process in its reports. */
  readonly node = newId('u');
  readonly #now: () => number;
  /** The newest reading of each interval and counter, by what it is of. */
  readonly #known = new Map<string, Known>();
  readonly #broadcasts = new Map<string, UsageBroadcast>();
  readonly #targets = new Map<string, string>();
  readonly #looks = new Set<() => void>();
  /** What is not in the ledger, by its whole name. */
  #grown = new Map<string, UsageReading>();
  #revision = 0;
  #prunedAt: number;

  /** `now`: ms since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#prunedAt = now();
  }

  /** Grows with everything that is new. */
  get revision(): number {
    return this.#revision;
  }

  broadcast(of: UsageBroadcast): void {
    const { room, tenant, epoch } = of;
    const known = this.#broadcasts.get(of.id);
    this.#broadcasts.set(of.id, {
      id: of.id,
      room,
      tenant: tenant ?? known?.tenant ?? null,
      epoch: epoch ?? known?.epoch ?? null,
    });
  }

  /** `target`: scheme, host and application. */
  destination(id: string, target: string): void {
    this.#targets.set(id, target);
  }

  /** The broadcast was at work from `fromMs` to `toMs` of program time. What follows on what is known makes that longer. */
  cover(of: UsageOf, fromMs: number, toMs: number): void {
    const from = Math.max(0, Math.round(fromMs));
    const to = Math.max(0, Math.round(toMs));
    const name = nameOf(of);
    const known = this.#known.get(name)?.reading;
    const follows = known !== undefined && known.at <= from && from <= known.value;
    if (to <= (follows ? known.value : from)) return;
    this.#grow(name, { ...of, at: follows ? known.at : from, value: to });
  }

  /** `total` is what the source has counted in all; a smaller one than before says nothing. */
  count(of: UsageOf, total: number): void {
    const value = Math.floor(total);
    const now = this.#now();
    const name = nameOf(of);
    const known = this.#known.get(name);
    const before = known?.reading.value ?? 0;
    if (value <= before) {
      if (known) known.lookedAt = now;
      return;
    }
    if (known)
      for (let day = dayOf(known.lookedAt); day < dayOf(now); day++) {
        const share = ((day + 1) * DAY_MS - known.lookedAt) / (now - known.lookedAt);
        const atMidnight = before + Math.floor((value - before) * share);
        if (atMidnight > before) this.#grow(name, { ...of, at: day, value: atMidnight });
      }
    this.#grow(name, { ...of, at: dayOf(now), value });
  }

  /** `look` is called whenever use is written down; the function that comes back calls it once more, the last time. */
  watch(look: () => void): () => void {
    this.#looks.add(look);
    return () => {
      if (this.#looks.delete(look)) look();
    };
  }

  /** Everything that grows by itself is looked at. */
  look(): void {
    for (const look of this.#looks) look();
    if (this.#now() - this.#prunedAt > FORGET_MS) this.#prune();
  }

  /** All that is not in the ledger yet; undefined: nothing. */
  report(sequence: number): UsageReport | undefined {
    if (this.#grown.size === 0) return undefined;
    const readings = [...this.#grown.values()];
    const broadcasts = new Set(readings.map((r) => r.broadcast));
    const targets = readings.flatMap(({ kind, subject }) => {
      const target = kind === 'egress' ? this.#targets.get(subject) : undefined;
      return target === undefined ? [] : [[subject, target] as const];
    });
    return {
      node: this.node,
      sequence,
      at: this.#now(),
      broadcasts: [...broadcasts].flatMap((id) => this.#broadcasts.get(id) ?? []),
      targets: Object.fromEntries(targets),
      readings,
    };
  }

  /** The report is in the ledger. What has grown since then stays. */
  written({ readings }: UsageReport): void {
    for (const reading of readings) {
      const name = `${nameOf(reading)} ${reading.at}`;
      if (this.#grown.get(name)?.value === reading.value) this.#grown.delete(name);
    }
  }

  #grow(name: string, reading: UsageReading): void {
    this.#known.set(name, { reading, lookedAt: this.#now() });
    this.#grown.set(`${name} ${reading.at}`, reading);
    this.#revision += 1;
  }

  #prune(): void {
    this.#prunedAt = this.#now();
    const oldest = this.#prunedAt - FORGET_MS;
    for (const [name, { lookedAt }] of this.#known) if (lookedAt < oldest) this.#known.delete(name);
    const used = [...[...this.#known.values()].map((known) => known.reading), ...this.#grown.values()];
    const broadcasts = new Set(used.map((reading) => reading.broadcast));
    for (const id of this.#broadcasts.keys()) if (!broadcasts.has(id)) this.#broadcasts.delete(id);
    const subjects = new Set(used.map((reading) => reading.subject));
    for (const id of this.#targets.keys()) if (!subjects.has(id)) this.#targets.delete(id);
  }
}

const nameOf = ({ broadcast, kind, subject, source }: UsageOf): string => `${broadcast} ${kind} ${subject} ${source}`;
