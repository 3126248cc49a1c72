import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Leadership } from '../../../src/directory/Leadership.ts';
import { MemoryStore } from '../../../src/directory/MemoryStore.ts';
import { SharedDirectory } from '../../../src/directory/SharedDirectory.ts';
import { CutStore } from '../../support/directory/FleetRig.ts';

/** Who is not cut off must not lose a lease where the machine stands still for a moment, ms. */
const TTL_MS = 1_000;
const logger = pino({ level: 'silent' });

describe('leadership', () => {
  let store: MemoryStore;
  const directories: SharedDirectory[] = [];
  const all: Leadership[] = [];

  beforeEach(() => {
    store = new MemoryStore({ ttlMs: TTL_MS });
  });
  afterEach(async () => {
    await Promise.all(all.splice(0).map((leadership) => leadership.close()));
    await Promise.all(directories.splice(0).map((directory) => directory.close()));
  });

  async function candidate(node: string, name = 'work') {
    const line = new CutStore(store);
    const directory = new SharedDirectory({ store: line, node, logger });
    directories.push(directory);
    const leadership = await Leadership.create({ directory, name, logger });
    all.push(leadership);
    return { leadership, line, directory };
  }

  const began = ({ leadership }: { leadership: Leadership }) =>
    leadership.leads ? Promise.resolve() : new Promise<void>((resolve) => leadership.once('began', resolve));

  test('one of the candidates leads; who gives it back is followed at once, with a higher fence', async () => {
    const a = await candidate('http://a');
    await began(a);
    const fence = a.leadership.fence ?? 0;
    const b = await candidate('http://b');
    const other = await candidate('http://b', 'other work');
    // It asks after `work` was asked for, and has its answer.
    await began(other);
    expect([a.leadership.leads, b.leadership.leads]).toEqual([true, false]);
    await a.leadership.close();
    await began(b);
    expect(a.leadership.leads).toBe(false);
    expect(b.leadership.fence).toBeGreaterThan(fence);
  });

  test('a leader that is cut off is followed; when it is back it hears that it leads no more', async () => {
    const a = await candidate('http://a');
    await began(a);
    const b = await candidate('http://b');
    a.line.cut();
    await began(b);
    expect(a.leadership.leads).toBe(true);
    const ended = new Promise<void>((resolve) => a.leadership.once('ended', resolve));
    a.line.mend();
    await ended;
    expect([a.leadership.leads, b.leadership.leads]).toEqual([false, true]);
  });

  test('a directory that is away at the start is asked again', async () => {
    const line = new CutStore(store);
    line.cut();
    const directory = new SharedDirectory({ store: line, node: 'http://a', logger });
    directories.push(directory);
    const leadership = await Leadership.create({ directory, name: 'work', logger });
    all.push(leadership);
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(leadership.leads).toBe(false);
    line.mend();
    await began({ leadership });
  });

  test('refuses when closed: what is closed does not lead', async () => {
    const a = await candidate('http://a');
    await a.leadership.close();
    await a.leadership.close();
    expect(a.leadership.leads).toBe(false);
    expect(await a.directory.find('leader', 'work')).toBeNull();
  });
});
