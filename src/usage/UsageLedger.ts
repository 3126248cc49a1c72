/**
 * The ledger of use, in the node's database. In: reports, our own (UsageRecorder.ts) and those of other nodes (UsagePeer.ts). Out: the
 * amounts that queryUsage.ts sums up, and the reports themselves for other nodes.
 *
 * Why no use is counted twice, and none that was acknowledged is lost:
 *
 * - A reading is a statement that stays true: "source S had counted to V by the end of day D", "broadcast B was at work from F to T". Of
 *   readings of the same name the largest counts, so a report that comes twice, late, or after newer ones changes nothing: taking
 *   the largest is idempotent, commutative and associative.
 * - Counters have one source each that counts from 0 and is never used again: a compositor, a connection's owner, a process. After a crash,
 *   a handoff or a restart there is another source, whose count begins at 0, and sources add up. Two controllers that read the same
 *   compositor's counter, one after the other, name the same source.
 * - Working time is not counted but drawn on the broadcast's own time, which goes on over crashes and restarts; amounts are the length of
 *   the union. Two compositors in a handoff, or two nodes that say the same, cover the same time once.
 * - Whoever reports keeps a report until it is told that it is here, and it is told so after the commit (`synchronous=FULL`). An
 *   acknowledgement that is lost means that it comes again, and changes nothing.
 *
 * `usage_reports` is the ledger: rows are only ever added, which triggers hold. The other tables follow from it.
 */
import { createHash } from 'node:crypto';
import { newId } from '../common/ids.ts';
import { type UsageBroadcast, type UsageFeed, UsageKind, type UsageReading, UsageReport } from '../contracts/usage.ts';
import type { Database } from '../durable/Database.ts';
import { amountsOf } from './days.ts';

/** An answer to another node has so many reports, and about so many bytes, at most. */
const FEED_REPORTS = 200;
const FEED_BYTES = 4 * 1024 * 1024;

const MIGRATIONS = [
  `CREATE TABLE usage_ledger (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL) STRICT;
  CREATE TABLE usage_reports (
    position INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, sequence INTEGER NOT NULL, digest BLOB NOT NULL, own INTEGER NOT NULL,
    body TEXT NOT NULL, UNIQUE (node, sequence, digest)
  ) STRICT;
  CREATE TRIGGER usage_reports_are_kept BEFORE DELETE ON usage_reports BEGIN SELECT RAISE(ABORT, 'the ledger is only added to'); END;
  CREATE TRIGGER usage_reports_stay BEFORE UPDATE ON usage_reports BEGIN SELECT RAISE(ABORT, 'the ledger is only added to'); END;
  CREATE TABLE usage_broadcasts (id TEXT PRIMARY KEY, room TEXT NOT NULL, tenant TEXT, epoch INTEGER) STRICT;
  CREATE TABLE usage_targets (destination TEXT PRIMARY KEY, target TEXT NOT NULL) STRICT;
  CREATE TABLE usage_readings (
    broadcast TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (broadcast, kind, subject, source, at)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE usage_days (
    day INTEGER NOT NULL, broadcast TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (broadcast, kind, subject, day)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usage_days_by_day ON usage_days (day);
  CREATE TABLE usage_peers (url TEXT PRIMARY KEY, ledger TEXT NOT NULL, pulled INTEGER NOT NULL, pushed INTEGER NOT NULL) STRICT`,
];

/** How far the exchange with another node is. */
export interface PeerPosition {
  /** Its ledger. */
  ledger: string;
  /** Of its reports, and of ours there. */
  pulled: number;
  pushed: number;
}

/** What amounts are made of together. */
interface Account {
  broadcast: string;
  kind: UsageKind;
  subject: string;
}

export class UsageLedger {
  /** Names it to other nodes. */
  readonly id: string;
  readonly database: Database;

  constructor(database: Database) {
    this.database = database;
    database.migrate('usage', MIGRATIONS);
    database.run('INSERT INTO usage_ledger VALUES (1, ?) ON CONFLICT (only) DO NOTHING', newId('u'));
    this.id = String(database.get('SELECT id FROM usage_ledger')?.id);
  }

  /** All or nothing; on the disk when it returns. `own`: of this process or one before it. Answers how many of them were new. */
  append(reports: readonly UsageReport[], { own }: { own: boolean }): number {
    return this.database.transaction(() => reports.filter((report) => this.#append(report, own)).length);
  }

  /** Reports after this position; `ownOnly`: without those of other nodes. */
  feed(after: number, { ownOnly = false } = {}): UsageFeed {
    const rows = this.database.all(
      'SELECT position, body FROM usage_reports WHERE position > ? AND (own = 1 OR ? = 0) ORDER BY position LIMIT ?',
      ...[after, Number(ownOnly), FEED_REPORTS + 1],
    );
    const reports: UsageReport[] = [];
    let position = after;
    let bytes = 0;
    for (const row of rows) {
      const body = String(row.body);
      bytes += body.length;
      if (reports.length === FEED_REPORTS || (reports.length > 0 && bytes > FEED_BYTES))
        return { ledger: this.id, reports, position, more: true };
      reports.push(UsageReport.parse(JSON.parse(body)));
      position = Number(row.position);
    }
    return { ledger: this.id, reports, position, more: false };
  }

  peer(url: string): PeerPosition | undefined {
    const row = this.database.get('SELECT ledger, pulled, pushed FROM usage_peers WHERE url = ?', url);
    return row && { ledger: String(row.ledger), pulled: Number(row.pulled), pushed: Number(row.pushed) };
  }

  setPeer(url: string, { ledger, pulled, pushed }: PeerPosition): void {
    this.database.run(
      `INSERT INTO usage_peers VALUES (?, ?, ?, ?)
       ON CONFLICT (url) DO UPDATE SET ledger = excluded.ledger, pulled = excluded.pulled, pushed = excluded.pushed`,
      ...[url, ledger, pulled, pushed],
    );
  }

  #append(report: UsageReport, own: boolean): boolean {
    const body = JSON.stringify(report);
    // Of one number there may be two, an older and a newer: each has what the other may not have.
    const digest = createHash('sha256').update(body).digest();
    const { changes } = this.database.run(
      'INSERT INTO usage_reports (node, sequence, digest, own, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      ...[report.node, report.sequence, digest, Number(own), body],
    );
    if (changes === 0) return false;
    const accounts = new Map<string, Account>();
    const touch = ({ broadcast, kind, subject }: Account) =>
      accounts.set(`${broadcast} ${kind} ${subject}`, { broadcast, kind, subject });
    for (const broadcast of report.broadcasts) for (const account of this.#learn(broadcast)) touch(account);
    for (const [destination, target] of Object.entries(report.targets))
      this.database.run(
        'INSERT INTO usage_targets VALUES (?, ?) ON CONFLICT (destination) DO UPDATE SET target = excluded.target',
        ...[destination, target],
      );
    for (const reading of report.readings) if (this.#outdoes(reading)) touch(reading);
    for (const account of accounts.values()) this.#sum(account);
    return true;
  }

  /** Answers what is to be summed up anew: days of program time follow from the epoch. */
  #learn({ id, room, tenant, epoch }: UsageBroadcast): Account[] {
    const before = this.database.get('SELECT epoch FROM usage_broadcasts WHERE id = ?', id)?.epoch ?? null;
    this.database.run(
      `INSERT INTO usage_broadcasts VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET tenant = coalesce(tenant, excluded.tenant), epoch = coalesce(epoch, excluded.epoch)`,
      ...[id, room, tenant, epoch],
    );
    if (before !== null || epoch === null) return [];
    return this.database
      .all('SELECT DISTINCT kind, subject FROM usage_readings WHERE broadcast = ?', id)
      .map((row) => ({ broadcast: id, kind: UsageKind.parse(row.kind), subject: String(row.subject) }));
  }

  #outdoes({ broadcast, kind, subject, source, at, value }: UsageReading): boolean {
    const { changes } = this.database.run(
      `INSERT INTO usage_readings VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value WHERE excluded.value > value`,
      ...[broadcast, kind, subject, source, at, value],
    );
    return changes > 0;
  }

  #sum({ broadcast, kind, subject }: Account): void {
    const of = [broadcast, kind, subject];
    const readings = this.database
      .all('SELECT source, at, value FROM usage_readings WHERE broadcast = ? AND kind = ? AND subject = ?', ...of)
      .map(({ source, at, value }) => ({ source: String(source), at: Number(at), value: Number(value) }));
    const epoch = this.database.get('SELECT epoch FROM usage_broadcasts WHERE id = ?', broadcast)?.epoch ?? null;
    this.database.run('DELETE FROM usage_days WHERE broadcast = ? AND kind = ? AND subject = ?', ...of);
    for (const [day, amount] of amountsOf(kind, readings, epoch === null ? null : Number(epoch)))
      this.database.run('INSERT INTO usage_days VALUES (?, ?, ?, ?, ?)', day, ...of, amount);
  }
}
