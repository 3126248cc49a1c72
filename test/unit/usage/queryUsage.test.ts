import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UsageQuery, type UsageReading } from '../../../src/contracts/usage.ts';
import { Database } from '../../../src/durable/Database.ts';
import { DAY_MS, dayNumber } from '../../../src/usage/days.ts';
import { readPrices } from '../../../src/usage/prices.ts';
import { queryUsage } from '../../../src/usage/queryUsage.ts';
import { UsageLedger } from '../../../src/usage/UsageLedger.ts';
import { usageCsv } from '../../../src/usage/usageCsv.ts';

const run = promisify(execFile);
const PRICES = readPrices(
  '{"currency": "EUR", "activeHour": "36", "outputMinute": {"*": "0.6"}, "egressGigabyte": "1"}',
);
const FIRST = dayNumber('2026-11-25');
let database: Database;

/** Two tenants with two rooms each, a broadcast an evening over three days. */
beforeAll(() => {
  database = Database.inMemory();
  const ledger = new UsageLedger(database);
  for (let day = 0; day < 3; day++)
    for (const [n, room] of ['alpha', 'beta', 'gamma', 'delta'].entries()) {
      const broadcast = `b0000000${day}${n}`;
      const of = { broadcast, subject: '', source: 'c1' };
      const readings: UsageReading[] = [
        { ...of, kind: 'active', at: 0, value: 1_000 * (n + 1) },
        { ...of, kind: 'output', subject: 'v720', at: 0, value: 60_000 },
        { ...of, kind: 'output', subject: 'a0', at: 0, value: 60_000 },
        { ...of, kind: 'egress', subject: `d${day}${n}`, at: FIRST + day, value: 500_000_000 },
        { ...of, kind: 'viewers', at: FIRST + day, value: 7 },
      ];
      const tenant = n < 2 ? 'acme' : 'zeta';
      const broadcasts = [{ id: broadcast, room, tenant, epoch: (FIRST + day) * DAY_MS + 1 }];
      // A name with everything that a CSV file has a meaning for.
      const targets = { [`d${day}${n}`]: 'rtmp://cdn.example.com/a,"b"' };
      ledger.append([{ node: 'n1', sequence: day * 4 + n + 1, at: 0, broadcasts, targets, readings }], { own: true });
    }
});
afterAll(() => database.close());

const ask = (query: Record<string, unknown> = {}) => queryUsage(database, UsageQuery.parse(query), PRICES);

describe('sums', () => {
  test('by day, tenant and room, with what they are made of and what it costs', () => {
    const { sums, total, next } = ask();
    expect(sums).toHaveLength(12);
    expect(next).toBeNull();
    expect(sums[0]?.sum).toEqual({
      ...{ day: '2026-11-25', tenant: 'acme', room: 'alpha', broadcasts: 1 },
      ...{ activeMs: 1_000, cpuMs: 0, egressBytes: 500_000_000, viewerBytes: 7 },
      output: [
        { rendition: 'a0', ms: 60_000, minutes: 1 },
        { rendition: 'v720', ms: 60_000, minutes: 1 },
      ],
      egress: [{ destination: 'd00', target: 'rtmp://cdn.example.com/a,"b"', bytes: 500_000_000 }],
      // 0.01 for a second, 1.20 for two minutes, 0.50 for half a gigabyte.
      cost: { currency: 'EUR', minor: 171, amount: '1.71' },
    });
    expect(total).toMatchObject({ broadcasts: 12, activeMs: 30_000, egressBytes: 6e9, viewerBytes: 84 });
    expect(total.cost?.amount).toBe('20.70');
  });

  test.each([
    [
      { by: 'tenant' },
      [
        ['acme', 9_000],
        ['zeta', 21_000],
      ],
    ],
    [
      { by: 'room', tenant: 'acme' },
      [
        ['alpha', 3_000],
        ['beta', 6_000],
      ],
    ],
    [
      { by: 'day', room: 'delta' },
      [
        ['2026-11-25', 4_000],
        ['2026-11-26', 4_000],
        ['2026-11-27', 4_000],
      ],
    ],
    [{ by: 'day', from: '2026-11-26', to: '2026-11-26' }, [['2026-11-26', 10_000]]],
    [{ by: 'day', from: '2026-11-28' }, []],
  ])('%j', (query, expected) => {
    const { sums, total } = ask(query);
    expect(sums.map(({ sum }) => [sum.day ?? sum.tenant ?? sum.room, sum.activeMs])).toEqual(expected);
    expect(total.activeMs).toBe(sums.reduce((all, { sum }) => all + sum.activeMs, 0));
  });

  test('a page at a time they are the same', () => {
    const all = ask().sums;
    const paged: typeof all = [];
    let pages = 0;
    for (let after: string | undefined; ; pages++) {
      const { sums, next, total } = ask({ limit: 5, ...(after ? { after } : {}) });
      expect(total.activeMs).toBe(30_000);
      paged.push(...sums);
      if (next === null) break;
      after = next;
    }
    expect(pages).toBe(2);
    expect(paged).toEqual(all);
  });

  test.each([
    { after: 'x' },
    { after: Buffer.from('["acme"]').toString('base64url') },
    { after: Buffer.from('["2026-11-25","acme","alpha"]').toString('base64url') },
  ])('%j is refused', (query) => {
    expect(() => ask(query)).toThrow(/`next` of an answer/);
  });

  test.each([{ from: '2026-02-30' }, { by: 'peer' }, { by: '' }, { limit: 0 }, { limit: 1001 }, { tenant: 'A' }])(
    '%j is no question',
    (query) => {
      expect(UsageQuery.safeParse(query).success).toBe(false);
    },
  );
});

test("CSV is what Python's reader makes the same lines of", async () => {
  const { sums } = ask({ room: 'alpha', from: '2026-11-25', to: '2026-11-25' });
  const text = usageCsv(sums, ['day', 'tenant', 'room'], PRICES);
  const script =
    'import csv, io, json, sys; print(json.dumps(list(csv.DictReader(io.StringIO(sys.argv[1], newline=""), strict=True))))';
  const { stdout } = await run('python3', ['-c', script, text]);
  const of = { day: '2026-11-25', tenant: 'acme', room: 'alpha', currency: 'EUR' };
  expect(JSON.parse(stdout)).toEqual([
    { ...of, kind: 'active', subject: '', target: '', quantity: '1000', unit: 'ms', amount: '0.01000000' },
    {
      ...{ ...of, kind: 'egress', subject: 'd00', target: 'rtmp://cdn.example.com/a,"b"' },
      ...{ quantity: '500000000', unit: 'bytes', amount: '0.50000000' },
    },
    { ...of, kind: 'output', subject: 'a0', target: '', quantity: '60000', unit: 'ms', amount: '0.60000000' },
    { ...of, kind: 'output', subject: 'v720', target: '', quantity: '60000', unit: 'ms', amount: '0.60000000' },
    { ...of, kind: 'viewers', subject: '', target: '', quantity: '7', unit: 'bytes', amount: '0.00000000' },
  ]);
  expect(usageCsv(sums, ['room'], null)).toContain('alpha,active,,,1000,ms,,\r\n');
});
