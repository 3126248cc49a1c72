/** Which broadcasts of a process that was killed are gone on with. That they then run is serverKill.test.ts's. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Broadcasts } from '../../../src/broadcast/Broadcasts.ts';
import { encoderFor, gridFor, renditionsFor } from '../../../src/broadcast/jobs.ts';
import { pendingOf } from '../../../src/broadcast/record/BroadcastRecord.ts';
import { RecordFiles } from '../../../src/broadcast/record/RecordFiles.ts';
import { Secret } from '../../../src/common/Secret.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import { AppError } from '../../../src/contracts/errors.ts';
import { MemoryDirectory } from '../../../src/directory/MemoryDirectory.ts';
import { broadcastMetrics } from '../../support/broadcast/metrics.ts';

const NOW = 2_000_000_000;
const logger = pino({ level: 'silent' });
const input = BroadcastInput.parse({});

let dataDir: string;
let records: RecordFiles;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lianmai-resume-'));
  records = await RecordFiles.create({ dataDir, secrets: [new Secret('s'.repeat(32))], logger });
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** What a process that died `silentMs` ago left. */
function leave(id: string, room: string, { silentMs = 1_000, epoch = NOW - 60_000, failures = 0 } = {}): void {
  const keeper = records.keeper(id);
  keeper.save({
    ...{ id, room, input, fence: 1, destinations: [], failures, handedOn: false, lease: 1 },
    program: {
      ...{ broadcast: id, epoch, startMs: 0, grid: gridFor(30), encoder: encoderFor('libx264', 1) },
      ...{ renditions: renditionsFor(input), deliveryUrl: 'http://127.0.0.1:1', assetsUrl: null },
    },
  });
  keeper.beat(() => ({ programMs: 1, at: NOW - silentMs }));
  keeper.close();
}

/** Asks for the rooms; none is to be had, so that nothing is started. */
async function resume(options: { resumeLimitMs?: number } = {}): Promise<string[]> {
  const asked: string[] = [];
  const broadcasts = new Broadcasts({
    directory: new MemoryDirectory({ agents: () => [], delivery: () => 'http://127.0.0.1:1' }),
    newServiceToken: async () => 'token',
    records,
    destinationPolicy: async (url) => url,
    clock: { now: () => 0 },
    wallClock: () => NOW,
    logger,
    metrics: broadcastMetrics(),
    onStatus: () => undefined,
    ...options,
  });
  await broadcasts.resume({
    restoreScene: () => undefined,
    getOrCreate: async (room) => {
      asked.push(room);
      throw new AppError('no-capacity');
    },
  });
  await broadcasts.close();
  return asked;
}

const kept = async () => (await readdir(join(dataDir, 'broadcasts'))).sort();

describe('after a restart', () => {
  test('broadcasts that were live lately are gone on with; one whose room can not be made is kept for the next try', async () => {
    leave('bfirstfirst', 'one');
    leave('bsecondsecond', 'two', { silentMs: 599_000 });
    expect((await resume()).sort()).toEqual(['one', 'two']);
    expect(await kept()).toEqual(['bfirstfirst', 'bsecondsecond']);
  });

  test('one that is older than the limit is not, and is forgotten', async () => {
    leave('boldoldold', 'old', { silentMs: 601_000 });
    expect(await resume()).toEqual([]);
    expect(await kept()).toEqual([]);
    leave('bfreshfresh', 'fresh', { silentMs: 6_000 });
    expect(await resume({ resumeLimitMs: 5_000 })).toEqual([]);
    expect(await kept()).toEqual([]);
  });

  test('one that only waited is gone on with, too; not one that nobody has cared for since long', async () => {
    for (const [id, room, silentMs] of [
      ['bwaitswaits', 'waits', 1_000],
      ['blonglonglong', 'long', 601_000],
    ] as const) {
      const keeper = records.keeper(id);
      const pending = pendingOf({ id, room, input, destinations: [], queuedAt: NOW - 3_600_000 }, records.box);
      keeper.wait({ ...pending, lease: 1 });
      keeper.beat(() => ({ programMs: 0, at: NOW - silentMs }));
      keeper.close();
    }
    expect(await resume()).toEqual(['waits']);
    expect(await kept()).toEqual(['bwaitswaits']);
  });

  test('one that three processes in a row died with is not', async () => {
    leave('btwicetwice', 'twice', { failures: 1 });
    leave('bthricethrice', 'thrice', { failures: 2 });
    expect(await resume()).toEqual(['twice']);
    expect(await kept()).toEqual(['btwicetwice']);
  });
});
