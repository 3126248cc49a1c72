import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageQuery, type UsageReport } from '../../../src/contracts/usage.ts';
import { Database } from '../../../src/durable/Database.ts';
import { DAY_MS, dayName, dayOf } from '../../../src/usage/days.ts';
import { queryUsage } from '../../../src/usage/queryUsage.ts';
import { UsageLedger } from '../../../src/usage/UsageLedger.ts';
import { randomOf } from '../../support/sound/random.ts';
import { FakeFleet, ranOn } from '../../support/usage/FakeFleet.ts';

/** An hour before midnight, not on a step of 100 ms. */
const EVENING = dayOf(Date.UTC(2026, 10, 26)) * DAY_MS + 23 * 3_600_000 + 17;
/** More find the same; each takes half a second of a slow disk. */
const SEEDS = 16;
const WRITER = fileURLToPath(new URL('../../support/usage/usageWriter.ts', import.meta.url));

let folder: string;
const children: ChildProcess[] = [];
const opened: { close(): void }[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lianmai-usage-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const one of opened.splice(0)) one.close();
  rmSync(folder, { recursive: true, force: true });
});

const sumsOf = (ledger: UsageLedger, query: Record<string, unknown> = {}) =>
  queryUsage(ledger.database, UsageQuery.parse({ limit: 1000, ...query }), null);

function reportOf(overrides: Partial<UsageReport> = {}): UsageReport {
  const broadcast = 'b00000000001';
  return {
    ...{ node: 'n1', sequence: 1, at: EVENING, targets: {} },
    broadcasts: [{ id: broadcast, room: 'demo', tenant: 'acme', epoch: EVENING }],
    readings: [{ broadcast, kind: 'active', subject: '', source: 'c1', at: 0, value: 1_000 }],
    ...overrides,
  };
}

/** A day's life of a fleet over midnight, from one seed. */
function live(seed: number): FakeFleet {
  const fleet = new FakeFleet(randomOf(seed), mkdtempSync(join(folder, 'seed-')), EVENING + (seed % 60) * 60_000);
  opened.push(fleet);
  const steps = [
    () => fleet.shows.length < 6 && fleet.open(`b${String(seed).padStart(6, '0')}000${fleet.shows.length}`),
    () => fleet.shows.length > 0 && fleet.place(fleet.shows[fleet.integer(fleet.shows.length)]!),
    // One of a show's compositors is gone: killed, or it has handed over.
    () => fleet.shows.length > 0 && fleet.shows[fleet.integer(fleet.shows.length)]!.compositors.shift(),
    () => fleet.killNode(),
    () => fleet.restartDatabase(),
  ];
  for (let n = 0; n < 120; n++) {
    if (fleet.chance(0.4)) steps[fleet.integer(steps.length)]!();
    fleet.run(1 + fleet.integer(fleet.chance(0.1) ? 900_000 : 2_000));
    for (let more = fleet.integer(3); more > 0; more--) fleet.send();
    for (let more = fleet.integer(4); more > 0; more--) fleet.arrive();
  }
  fleet.settle();
  return fleet;
}

describe('any interleaving of reports with duplicates, reorderings, kills, handoffs and restarts of the database', () => {
  test.each(Array.from({ length: SEEDS }, (_, n) => n + 1))(
    'seed %i: the sum of a day is what was run, to 100 ms for each broadcast',
    (seed) => {
      const fleet = live(seed);
      const days = [dayOf(EVENING), dayOf(EVENING) + 1];
      expect(dayOf(fleet.wallMs)).toBeLessThanOrEqual(days[1]!);
      const byBroadcast = new Map(
        sumsOf(fleet.ledger, { by: 'day,broadcast' }).sums.map(({ sum }) => [`${sum.broadcast} ${sum.day}`, sum]),
      );
      for (const show of fleet.shows) {
        let ran = 0;
        let charged = 0;
        for (const day of days) {
          const sum = byBroadcast.get(`${show.id} ${dayName(day)}`)?.activeMs ?? 0;
          expect(sum % 100).toBe(0);
          expect(Math.abs(sum - ranOn(show, day))).toBeLessThan(100);
          ran += ranOn(show, day);
          charged += sum;
        }
        // Midnight costs nothing: over all days, too.
        expect(charged - ran).toBeGreaterThanOrEqual(0);
        expect(charged - ran).toBeLessThan(100);
      }
      const byDay = sumsOf(fleet.ledger, { by: 'day' }).sums;
      const cpu = [...fleet.used].reduce((sum, [, amount]) => sum + amount, 0);
      expect(byDay.reduce((sum, s) => sum + s.sum.cpuMs, 0)).toBe(cpu);
    },
  );

  test('the seeds do what they are for', () => {
    const fleets = Array.from({ length: 6 }, (_, n) => live(n + 1));
    const shows = fleets.flatMap((fleet) => fleet.shows);
    const midnights = shows.filter((show) => ranOn(show, dayOf(EVENING)) > 0 && ranOn(show, dayOf(EVENING) + 1) > 0);
    expect(midnights.length).toBeGreaterThan(2);
    // With holes in which no compositor was at work.
    expect(shows.filter((show) => show.ran.length > 1).length).toBeGreaterThan(5);
    expect(shows.some((show) => show.compositors.length > 1)).toBe(true);
  });

  test('everything follows from the reports: written once more into an empty database, in another order, they say the same', () => {
    const fleet = live(7);
    const again = new UsageLedger(Database.inMemory());
    opened.push(again.database);
    const reports: UsageReport[] = [];
    for (let after = 0, more = true; more; ) {
      const feed = fleet.ledger.feed(after);
      reports.push(...feed.reports);
      ({ position: after, more } = feed);
    }
    for (const report of reports.reverse()) again.append([report, report], { own: false });
    expect(sumsOf(again, { by: 'day,tenant,room,broadcast' })).toEqual(
      sumsOf(fleet.ledger, { by: 'day,tenant,room,broadcast' }),
    );
  });
});

describe('readings', () => {
  function ledgerOf(...reports: UsageReport[]): UsageLedger {
    const ledger = new UsageLedger(Database.inMemory());
    opened.push(ledger.database);
    for (const report of reports) ledger.append([report], { own: true });
    return ledger;
  }

  test('a broadcast over midnight is split at midnight exactly', () => {
    const midnight = dayOf(EVENING) * DAY_MS + DAY_MS;
    const broadcasts = [{ id: 'b00000000001', room: 'demo', tenant: 'acme', epoch: midnight - 300 }];
    const { sums, total } = sumsOf(ledgerOf(reportOf({ broadcasts })), { by: 'day' });
    expect(sums.map(({ sum }) => [sum.day, sum.activeMs])).toEqual([
      ['2026-11-26', 300],
      ['2026-11-27', 700],
    ]);
    expect(total.activeMs).toBe(1_000);
  });

  test('begun steps of 100 ms count whole, once for a broadcast and not at each hole or midnight', () => {
    const midnight = dayOf(EVENING) * DAY_MS + DAY_MS;
    const reading = { broadcast: 'b00000000001', kind: 'active', subject: '' } as const;
    const ledger = ledgerOf(
      reportOf({
        broadcasts: [{ id: 'b00000000001', room: 'demo', tenant: 'acme', epoch: midnight - 250 }],
        readings: [
          { ...reading, source: 'c1', at: 0, value: 10 },
          { ...reading, source: 'c2', at: 20, value: 30 },
          { ...reading, source: 'c3', at: 240, value: 331 },
        ],
      }),
    );
    // 10 + 10 + 10 before midnight, 81 after it.
    expect(sumsOf(ledger, { by: 'day' }).sums.map(({ sum }) => sum.activeMs)).toEqual([100, 100]);
  });

  test('the time of two compositors in a handoff is one time, their CPU is that of two', () => {
    const of = { broadcast: 'b00000000001', subject: '' };
    const readings = [
      { ...of, kind: 'active' as const, source: 'c1', at: 0, value: 10_000 },
      { ...of, kind: 'active' as const, source: 'c2', at: 8_000, value: 20_000 },
      { ...of, kind: 'cpu' as const, source: 'c1', at: dayOf(EVENING), value: 4_000 },
      { ...of, kind: 'cpu' as const, source: 'c2', at: dayOf(EVENING), value: 5_000 },
    ];
    expect(sumsOf(ledgerOf(reportOf({ readings }))).total).toMatchObject({ activeMs: 20_000, cpuMs: 9_000 });
  });

  test('a counter that another controller goes on reading on the next day is that counter', () => {
    const of = { broadcast: 'b00000000001', kind: 'cpu' as const, subject: '', source: 'c1' };
    const day = dayOf(EVENING);
    const ledger = ledgerOf(
      reportOf({ node: 'sfu-2', readings: [{ ...of, at: day + 1, value: 5_000 }] }),
      reportOf({ node: 'sfu-1', readings: [{ ...of, at: day, value: 3_000 }] }),
    );
    expect(sumsOf(ledger, { by: 'day' }).sums.map(({ sum }) => sum.cpuMs)).toEqual([3_000, 2_000]);
  });

  test('whose a broadcast is and when it began may be learnt after its use', () => {
    const unknown = [{ id: 'b00000000001', room: 'demo', tenant: null, epoch: null }];
    const ledger = ledgerOf(reportOf({ broadcasts: unknown }), reportOf({ node: 'n2', readings: [] }));
    const { sums } = sumsOf(ledger);
    expect(sums.map(({ sum }) => [sum.day, sum.tenant, sum.activeMs])).toEqual([['2026-11-26', 'acme', 1_000]]);
  });

  test('the ledger is only added to', () => {
    const { database } = ledgerOf(reportOf());
    expect(() => database.run('DELETE FROM usage_reports')).toThrow(/only added to/);
    expect(() => database.run("UPDATE usage_reports SET body = '{}'")).toThrow(/only added to/);
  });
});

describe('kill -9 in mid-write', () => {
  test('nothing that was acknowledged is lost, and what was sent once more counts once', async () => {
    let acknowledged = 0;
    for (let kill = 0; kill < 3; kill++) {
      const child = spawn(process.execPath, [WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      const gone = once(child, 'exit');
      let lines = 0;
      for await (const line of createInterface({ input: child.stdout! })) {
        acknowledged = Number(line);
        lines += 1;
        // While the next ones are being written.
        if (lines === 40) child.kill('SIGKILL');
      }
      await gone;
      const database = Database.open(folder);
      const { total } = sumsOf(new UsageLedger(database));
      database.close();
      // The one that was being written may be there as well.
      expect(total.cpuMs).toBeGreaterThanOrEqual(acknowledged * 10);
      expect(total.cpuMs).toBeLessThanOrEqual((acknowledged + 1) * 10);
      expect(total.activeMs).toBe(total.cpuMs * 10);
    }
    expect(acknowledged).toBeGreaterThan(100);
  });
});
