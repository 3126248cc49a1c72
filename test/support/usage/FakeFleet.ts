/**
 * Broadcasts that are run by made-up controllers, compositors and delivery processes, reported as the real ones do, over lines and onto disks that
 * do what lines and disks can do: what was sent comes late, twice, in any order; answers are lost; processes are killed; the database's process too.
 * It knows what was really run.
 */
import type { UsageReport } from '../../../src/contracts/usage.ts';
import { Database } from '../../../src/durable/Database.ts';
import { DAY_MS, dayOf } from '../../../src/usage/days.ts';
import { UsageLedger } from '../../../src/usage/UsageLedger.ts';
import { UsageMeter } from '../../../src/usage/UsageMeter.ts';

export interface Show {
  id: string;
  room: string;
  tenant: string;
  epoch: number;
  /** Program time, ms. */
  now: number;
  /** Each ms of program time at which a compositor was at work, as disjoint intervals. */
  ran: [from: number, to: number][];
  compositors: { id: string; cpuMs: number; from: number }[];
}

/** A process that reports: what it has not been acknowledged for, it has on its disk. */
interface Node {
  meter: UsageMeter;
  sequence: number;
  /** Its state file. */
  kept: UsageReport | undefined;
}

export class FakeFleet {
  readonly shows: Show[] = [];
  /** What was really used, by day: CPU ms and bytes. */
  readonly used = new Map<string, number>();
  ledger: UsageLedger;
  readonly #random: () => number;
  readonly #folder: string;
  #database: Database;
  #wallMs: number;
  #nodes: Node[] = [];
  #onTheWay: UsageReport[] = [];
  /** Of processes that were killed: the next one with their disk reads it. */
  #left: UsageReport[] = [];
  #compositors = 0;

  constructor(random: () => number, folder: string, wallMs: number) {
    this.#random = random;
    this.#folder = folder;
    this.#wallMs = wallMs;
    this.#database = Database.open(folder);
    this.ledger = new UsageLedger(this.#database);
    for (let n = 0; n < 3; n++) this.#nodes.push(this.#newNode());
  }

  get wallMs(): number {
    return this.#wallMs;
  }

  chance(p: number): boolean {
    return this.#random() < p;
  }

  integer(below: number): number {
    return Math.floor(this.#random() * below);
  }

  open(id: string): Show {
    const room = `room-${this.shows.length % 3}`;
    const show: Show = {
      ...{ id, room, tenant: `tenant-${this.shows.length % 2}`, epoch: this.#wallMs },
      ...{ now: 0, ran: [], compositors: [] },
    };
    this.shows.push(show);
    return show;
  }

  /** Another compositor works for the show, beside those that do. */
  place(show: Show): void {
    this.#compositors += 1;
    show.compositors.push({ id: `c${this.#compositors}`, cpuMs: 0, from: show.now });
  }

  /** Time passes, and everybody who is at work is told of by one or two processes. */
  run(ms: number): void {
    for (const show of this.shows) {
      const from = show.now;
      show.now += ms;
      if (show.compositors.length > 0) extend(show.ran, from, show.now);
    }
    const before = this.#wallMs;
    this.#wallMs += ms;
    for (const show of this.shows)
      for (const compositor of show.compositors) {
        const cpu = this.integer(ms);
        compositor.cpuMs += cpu;
        this.#use('cpu', before, cpu);
        // Its controller; at a handoff of the room the next one reads the same counter.
        for (const { meter } of this.chance(0.2) ? this.#nodes : [this.#nodes[this.integer(this.#nodes.length)]!]) {
          meter.broadcast({ id: show.id, room: show.room, tenant: show.tenant, epoch: show.epoch });
          const of = { broadcast: show.id, subject: '', source: compositor.id };
          meter.cover({ ...of, kind: 'active' }, compositor.from, show.now);
          meter.count({ ...of, kind: 'cpu' }, compositor.cpuMs);
        }
      }
    for (const node of this.#nodes) this.#save(node);
  }

  /** A report is sent, and what comes back may be lost: then it is sent again with what has grown. */
  send(): void {
    const node = this.#nodes[this.integer(this.#nodes.length)]!;
    const report = node.meter.report(node.sequence);
    if (!report) return;
    this.#onTheWay.push(structuredClone(report));
    if (this.chance(0.3)) this.#onTheWay.push(structuredClone(report));
    // Acknowledged: it was there.
    if (this.chance(0.5)) {
      this.#arrive(structuredClone(report));
      node.meter.written(report);
      node.sequence += 1;
      this.#save(node);
    }
  }

  /** Something of what is on the way arrives, whichever it is. */
  arrive(): void {
    const [report] = this.#onTheWay.splice(this.integer(this.#onTheWay.length), 1);
    if (report) this.#arrive(report);
  }

  /** kill -9: what the process had in memory is gone, what is on its disk is read by the next one. */
  killNode(): void {
    const at = this.integer(this.#nodes.length);
    const { kept } = this.#nodes[at]!;
    if (kept) this.#left.push(kept);
    this.#nodes[at] = this.#newNode();
    if (this.chance(0.5)) this.#recover();
  }

  restartDatabase(): void {
    this.#database.close();
    this.#database = Database.open(this.#folder);
    this.ledger = new UsageLedger(this.#database);
  }

  /** Everybody has told what they had, and everything has arrived. */
  settle(): void {
    this.#recover();
    for (const node of this.#nodes) {
      const report = node.meter.report(node.sequence);
      if (report) this.#onTheWay.push(report);
    }
    while (this.#onTheWay.length > 0) this.arrive();
  }

  close(): void {
    this.#database.close();
  }

  #newNode(): Node {
    return { meter: new UsageMeter(() => this.#wallMs), sequence: 1, kept: undefined };
  }

  #save(node: Node): void {
    node.kept = structuredClone(node.meter.report(node.sequence));
  }

  #recover(): void {
    for (const report of this.#left) {
      this.#arrive(report);
      // The next start finds the same file again.
      if (this.chance(0.3)) this.#onTheWay.push(report);
    }
    this.#left = [];
  }

  #arrive(report: UsageReport): void {
    this.ledger.append([report], { own: false });
  }

  #use(kind: string, wallMs: number, amount: number): void {
    const key = `${kind} ${dayOf(wallMs)}`;
    this.used.set(key, (this.used.get(key) ?? 0) + amount);
  }
}

function extend(ran: [number, number][], from: number, to: number): void {
  const last = ran.at(-1);
  if (last && last[1] === from) last[1] = to;
  else ran.push([from, to]);
}

/** What was run on a day, ms. */
export function ranOn({ epoch, ran }: Show, day: number): number {
  return ran.reduce((sum, [from, to]) => {
    const begin = Math.max(epoch + from, day * DAY_MS);
    return sum + Math.max(0, Math.min(epoch + to, (day + 1) * DAY_MS) - begin);
  }, 0);
}
