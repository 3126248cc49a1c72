import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../../src/common/logger.ts';
import { UsageQuery } from '../../../src/contracts/usage.ts';
import { Database } from '../../../src/durable/Database.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { queryUsage } from '../../../src/usage/queryUsage.ts';
import { UsageLedger } from '../../../src/usage/UsageLedger.ts';
import { UsageRecorder } from '../../../src/usage/UsageRecorder.ts';

const OF = { broadcast: 'b00000000001', kind: 'cpu', subject: '', source: 'c1' } as const;
let folder: string;
let database: Database;
const recorders: UsageRecorder[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lianmai-usage-'));
  database = Database.open(folder);
});
afterEach(() => {
  for (const recorder of recorders.splice(0)) recorder.close();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(dataDir = folder): UsageRecorder {
  const logger = createLogger({ level: 'silent' });
  const ledger = new UsageLedger(database);
  const recorder = UsageRecorder.open({ dataDir, role: 'sfu', ledger, logger, metrics: createMetrics().usage });
  recorders.push(recorder);
  recorder.meter.broadcast({ id: OF.broadcast, room: 'demo', tenant: 'acme', epoch: 0 });
  return recorder;
}
const cpuMs = () => queryUsage(database, UsageQuery.parse({}), null).total.cpuMs;

/** What the disk has when the process is killed now. */
function crashSite(): string {
  const site = mkdtempSync(join(folder, 'crash-'));
  for (const name of readdirSync(folder).filter((n) => n.startsWith('usage-')))
    cpSync(join(folder, name), join(site, name));
  return site;
}
const isSaved = async () => {
  const last = crashSite();
  await expect.poll(() => readdirSync(last).length > 0).toBe(true);
};

describe('a process that is killed', () => {
  test('has left what it knew a step before, though the ledger had not seen it', async () => {
    const { meter } = open();
    let total = 0;
    meter.watch(() => {
      total += 1;
      meter.count(OF, total);
    });
    await expect.poll(() => total).toBeGreaterThan(3);
    await isSaved();
    const before = total;
    const site = crashSite();
    expect(cpuMs()).toBe(0);
    open(site);
    expect(cpuMs()).toBeGreaterThanOrEqual(before - 1);
    expect(cpuMs()).toBeLessThanOrEqual(before);
  });

  test('between the commit and the next save: the same report is in both, and counts once', async () => {
    const first = open();
    first.meter.count(OF, 10);
    await expect.poll(() => open(crashSite()).closed === false && cpuMs()).toBe(10);
    const site = crashSite();
    first.meter.count(OF, 25);
    expect(first.commit()).toBe(true);
    open(site);
    open(site);
    expect(cpuMs()).toBe(25);
  });
});

test('when the ledger can not be written, all is kept and written later', () => {
  const recorder = open();
  recorder.meter.count(OF, 10);
  database.run("CREATE TRIGGER full BEFORE INSERT ON usage_reports BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  expect(recorder.commit()).toBe(false);
  recorder.meter.count(OF, 12);
  database.run('DROP TRIGGER full');
  expect(recorder.commit()).toBe(true);
  expect(cpuMs()).toBe(12);
});

test('close writes everything, leaves no file, and is idempotent', () => {
  const recorder = open();
  recorder.meter.count(OF, 10);
  recorder.close();
  recorder.close();
  expect(recorder.closed).toBe(true);
  expect(recorder.commit()).toBe(true);
  expect(cpuMs()).toBe(10);
  expect(readdirSync(folder).filter((name) => name.startsWith('usage-'))).toEqual([]);
});
