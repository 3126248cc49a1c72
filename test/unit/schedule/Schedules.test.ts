import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SecretBox } from '../../../src/common/SecretBox.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import { RoomId } from '../../../src/contracts/ids.ts';
import { ScheduleInput } from '../../../src/contracts/schedule.ts';
import { Database } from '../../../src/durable/Database.ts';
import { ScheduleStore } from '../../../src/schedule/ScheduleStore.ts';
import { untilView } from '../../support/directory/events.ts';
import { memoryRig } from '../../support/directory/memoryRig.ts';
import { scheduleNode, schedulesSuite } from '../../support/schedule/schedulesSuite.ts';

schedulesSuite(memoryRig);

test('without a fleet it outlives the process: the next one has it, and starts it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-schedule-'));
  const database = Database.open(folder);
  const box = await SecretBox.create({ secrets: [], dataDir: folder, purpose: 'broadcasts' });
  const room = RoomId.parse('show');
  /** A process of its own: nothing is left of the directory in memory of the one before. */
  const process = async () => {
    const rig = await memoryRig();
    const store = ScheduleStore.open(database);
    const made = await scheduleNode(await rig.node('local'), box, { store });
    await made.schedules.open();
    onTestFinished(async () => {
      made.schedules.close();
      await rig.close();
    });
    return { ...made, store };
  };
  onTestFinished(async () => {
    database.close();
    await rm(folder, { recursive: true, force: true });
  });
  const first = await process();
  const broadcast = BroadcastInput.parse({ destinations: [{ url: 'rtmp://cdn.example/live', key: 'secret-key' }] });
  const set = await first.schedules.set(room, { startsAt: Date.now() + 60_000, title: 'Tonight', broadcast });
  expect(JSON.stringify(first.store.all())).not.toContain('secret-key');
  first.schedules.close();

  const second = await process();
  expect(second.schedules.get(room)).toEqual(set);
  const moved = await second.schedules.set(room, { inSeconds: 1 });
  second.schedules.close();
  expect(moved.before).toBe(set.startsAt);

  const third = await process();
  await untilView(await third.node.directory.watch('schedule'), (all) => all.length === 0);
  expect([...second.started, ...third.started]).toEqual([
    { room, id: set.broadcast, to: ['rtmp://cdn.example/live/secret-key'] },
  ]);
  expect(third.store.all()).toEqual([]);
});

test('an input has either a time or a countdown', () => {
  expect(ScheduleInput.safeParse({ startsAt: 1 }).success).toBe(true);
  expect(ScheduleInput.safeParse({ inSeconds: 5 }).success).toBe(true);
  for (const wrong of [{}, { startsAt: 1, inSeconds: 5 }, { inSeconds: 0 }, { startsAt: 1, title: 'x'.repeat(121) }])
    expect(ScheduleInput.safeParse(wrong).success).toBe(false);
});
