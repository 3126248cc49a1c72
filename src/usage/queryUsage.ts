/** Sums of the ledger (UsageLedger.ts), a page at a time. In: what is asked for. Out: sums by day, tenant, room or broadcast, with what they cost. */
import { z } from 'zod';
import { AppError } from '../contracts/errors.ts';
import { DEFAULT_TENANT } from '../contracts/ids.ts';
import { type UsageAnswer, type UsageKey, UsageKind, type UsageQuery, type UsageSum } from '../contracts/usage.ts';
import type { Database, Row } from '../durable/Database.ts';
import { dayName, dayNumber } from './days.ts';
import { moneyOf, type PriceTable, type UsageLine } from './prices.ts';

const COLUMNS: Record<UsageKey, string> = {
  day: 'd.day',
  tenant: `coalesce(b.tenant, '${DEFAULT_TENANT}')`,
  room: 'b.room',
  broadcast: 'b.id',
};
const FROM = `FROM usage_days d JOIN usage_broadcasts b ON b.id = d.broadcast
  WHERE d.day >= ? AND d.day <= ? AND (? IS NULL OR b.room = ?) AND (? IS NULL OR ${COLUMNS.tenant} = ?)`;
const MAX_DAY = dayNumber('9999-12-31');

const Line = z.object({ kind: UsageKind, subject: z.string(), amount: z.int() });
type KeyValue = string | number;

/** A sum, and the lines that it is made of. */
export interface SummedLines {
  keys: Partial<Record<UsageKey, string>>;
  lines: UsageLine[];
  sum: UsageSum;
}

export interface UsagePage {
  sums: SummedLines[];
  total: UsageAnswer['total'];
  next: string | null;
}

/** Throws `bad-request` for an `after` that no page has had. */
export function queryUsage(database: Database, query: UsageQuery, prices: PriceTable | null): UsagePage {
  const { by, limit } = query;
  const columns = by.map((key) => COLUMNS[key]);
  const keys = columns.map((column, i) => `${column} AS k${i}`).join(', ');
  const list = columns.join(', ');
  const filter = filterOf(query);
  const after = query.after === undefined ? undefined : parseCursor(query.after, by);
  const beyond = after ? ` AND (${list}) > (${marks(after)})` : '';
  const groups = database.all(
    `SELECT ${keys}, count(DISTINCT d.broadcast) AS broadcasts ${FROM}${beyond} GROUP BY ${list} ORDER BY ${list} LIMIT ${limit + 1}`,
    ...[...filter, ...(after ?? [])],
  );
  const page = groups.slice(0, limit);
  const sums = readLines(database, { by, keys, list, filter, page }).map((group): SummedLines => {
    const egress = targetsOf(database, group.lines);
    const sum = { ...group.keys, ...amountsOf(group.lines, group.broadcasts, prices), egress };
    return { keys: group.keys, lines: group.lines, sum };
  });
  const last = page.at(-1);
  const next = groups.length > limit && last ? cursorOf(last, by) : null;
  return { sums, total: totalOf(database, filter, prices), next };
}

interface Group {
  keys: Partial<Record<UsageKey, string>>;
  broadcasts: number;
  lines: UsageLine[];
}

/** The lines of all groups of the page, in the groups' order. */
function readLines(
  database: Database,
  of: { by: readonly UsageKey[]; keys: string; list: string; filter: (string | number | null)[]; page: readonly Row[] },
): Group[] {
  const { by, keys, list, filter, page } = of;
  const [first, last] = [page[0], page.at(-1)];
  if (!first || !last) return [];
  const from = keysOf(first, by);
  const rows = database.all(
    `SELECT ${keys}, d.kind, d.subject, sum(d.amount) AS amount ${FROM}
     AND (${list}) >= (${marks(from)}) AND (${list}) <= (${marks(from)})
     GROUP BY ${list}, d.kind, d.subject ORDER BY ${list}, d.kind, d.subject`,
    ...[...filter, ...from, ...keysOf(last, by)],
  );
  const lines = Map.groupBy(rows, (row) => cursorOf(row, by));
  return page.map((row) => ({
    keys: namesOf(row, by),
    broadcasts: Number(row.broadcasts),
    lines: (lines.get(cursorOf(row, by)) ?? []).map((line) => Line.parse(line)),
  }));
}

function totalOf(
  database: Database,
  filter: (string | number | null)[],
  prices: PriceTable | null,
): UsageAnswer['total'] {
  // Destinations are of one broadcast each: over all there may be very many.
  const subject = "CASE d.kind WHEN 'egress' THEN '' ELSE d.subject END";
  const lines = database
    .all(
      `SELECT d.kind, ${subject} AS subject, sum(d.amount) AS amount ${FROM} GROUP BY d.kind, ${subject} ORDER BY d.kind, ${subject}`,
      ...filter,
    )
    .map((row) => Line.parse(row));
  const broadcasts = Number(database.get(`SELECT count(DISTINCT d.broadcast) AS n ${FROM}`, ...filter)?.n ?? 0);
  return amountsOf(lines, broadcasts, prices);
}

function amountsOf(lines: readonly UsageLine[], broadcasts: number, prices: PriceTable | null): UsageAnswer['total'] {
  const sumOf = (kind: UsageKind) => lines.reduce((sum, l) => (l.kind === kind ? sum + l.amount : sum), 0);
  const output = lines.flatMap(({ kind, subject, amount }) =>
    kind === 'output' ? [{ rendition: subject, ms: amount, minutes: Math.round(amount / 60) / 1000 }] : [],
  );
  return {
    broadcasts,
    activeMs: sumOf('active'),
    cpuMs: sumOf('cpu'),
    output,
    egressBytes: sumOf('egress'),
    viewerBytes: sumOf('viewers'),
    cost: prices ? moneyOf(lines, prices) : null,
  };
}

function targetsOf(database: Database, lines: readonly UsageLine[]): UsageSum['egress'] {
  return lines.flatMap(({ kind, subject, amount }) => {
    if (kind !== 'egress') return [];
    const row = database.get('SELECT target FROM usage_targets WHERE destination = ?', subject);
    return [{ destination: subject, target: String(row?.target ?? ''), bytes: amount }];
  });
}

const filterOf = ({ from, to, room, tenant }: UsageQuery): (string | number | null)[] => [
  from === undefined ? 0 : dayNumber(from),
  to === undefined ? MAX_DAY : dayNumber(to),
  ...[room ?? null, room ?? null],
  ...[tenant ?? null, tenant ?? null],
];

/** `?, ?`, as many as there are values. */
const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

const keysOf = (row: Row, by: readonly UsageKey[]): KeyValue[] =>
  by.map((key, i) => (key === 'day' ? Number(row[`k${i}`]) : String(row[`k${i}`])));

const namesOf = (row: Row, by: readonly UsageKey[]): Group['keys'] =>
  Object.fromEntries(by.map((key, i) => [key, key === 'day' ? dayName(Number(row[`k${i}`])) : String(row[`k${i}`])]));

const cursorOf = (row: Row, by: readonly UsageKey[]): string =>
  Buffer.from(JSON.stringify(keysOf(row, by))).toString('base64url');

function parseCursor(text: string, by: readonly UsageKey[]): KeyValue[] {
  try {
    const values: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const schema = z.array(z.union([z.string(), z.int()])).length(by.length);
    return schema.refine((all) => by.every((key, i) => (typeof all[i] === 'number') === (key === 'day'))).parse(values);
  } catch {
    throw new AppError('bad-request', '`after` is not the `next` of an answer to this question.');
  }
}
