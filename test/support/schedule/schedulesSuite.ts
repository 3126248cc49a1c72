/** Broadcasts that start by themselves, on nodes that share a directory: in memory (test/unit/schedule) and in Redis (test/integration/redisPlaces.test.ts). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/common/Secret.ts';
import { SecretBox } from '../../../src/common/SecretBox.ts';
import { BroadcastInput, type BroadcastStatus } from '../../../src/contracts/broadcast.ts';
import { AppError } from '../../../src/contracts/errors.ts';
import { RoomId } from '../../../src/contracts/ids.ts';
import { START_WITHIN_MS } from '../../../src/contracts/schedule.ts';
import { RoomHomes } from '../../../src/directory/RoomHomes.ts';
import type { ScheduleStore } from '../../../src/schedule/ScheduleStore.ts';
import { Schedules, type SchedulesOptions } from '../../../src/schedule/Schedules.ts';
import { untilView } from '../directory/events.ts';
import type { FleetRig, RigNode } from '../directory/FleetRig.ts';

const logger = pino({ level: 'silent' });
/** Nothing that a test does has to happen before it, ms. */
const SOON_MS = 100;
const KEY = 'a-stream-key-of-the-test';

let rooms = 0;

export interface ScheduleNode {
  node: RigNode;
  homes: RoomHomes;
  schedules: Schedules;
  /** What it was told to start: rooms with ids and where to. */
  started: { room: string; id: string; to: string[] }[];
  told: { event: string | null; reason: string }[];
}

/** How a start goes; left out: it is live. */
type OnStart = (id: string) => Promise<void>;

export async function scheduleNode(
  node: RigNode,
  box: SecretBox,
  { onStart, ...more }: Partial<SchedulesOptions> & { onStart?: OnStart; store?: ScheduleStore } = {},
): Promise<ScheduleNode> {
  const { directory } = node;
  const homes = await RoomHomes.create({ directory, logger });
  const started: ScheduleNode['started'] = [];
  const told: ScheduleNode['told'] = [];
  const schedules = await Schedules.create({
    ...{ directory, homes, box, logger, store: undefined },
    claim: async (room) => {
      if (!(await homes.homeOf(room))?.own) throw new AppError('wrong-node');
    },
    destinationPolicy: async (url) => url,
    start: async (room, _input, { id, destinations }) => {
      started.push({ room, id, to: destinations.map(({ url }) => url.reveal()) });
      await onStart?.(id);
      return { id } as BroadcastStatus;
    },
    status: () => null,
    onChange: (_room, _schedule, event, { reason }) => told.push({ event, reason }),
    ...more,
  });
  return { node, homes, schedules, started, told };
}

export function schedulesSuite(makeRig: () => Promise<FleetRig>): void {
  let rig: FleetRig;
  let folder: string;
  let box: SecretBox;
  let nodes: ScheduleNode[];
  /** Each test's own: they may share a directory. */
  let room: RoomId;
  beforeEach(async () => {
    rooms += 1;
    room = RoomId.parse(`show-${rooms}`);
    rig = await makeRig();
    folder = await mkdtemp(join(tmpdir(), 'lianmai-schedule-'));
    box = await SecretBox.create({ secrets: [new Secret('of the fleet')], dataDir: folder, purpose: 'broadcasts' });
    nodes = [];
  });
  afterEach(async () => {
    for (const { schedules } of nodes) schedules.close();
    await rig.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function make(name: string, more: Parameters<typeof scheduleNode>[2] = {}): Promise<ScheduleNode> {
    const made = await makeIdle(name, more);
    await made.schedules.open();
    return made;
  }
  /** One that starts nothing by itself. */
  async function makeIdle(name: string, more: Parameters<typeof scheduleNode>[2] = {}): Promise<ScheduleNode> {
    const made = await scheduleNode(await rig.node(`http://${name}`), box, more);
    nodes.push(made);
    return made;
  }
  const soon = (more = {}) => ({ startsAt: Date.now() + SOON_MS, ...more });
  const far = () => ({ startsAt: Date.now() + 3_600_000 });
  const broadcast = BroadcastInput.parse({
    record: true,
    destinations: [{ url: 'rtmp://cdn.example/live', key: KEY }],
  });
  /** As that node knows it. */
  const until = async ({ node }: ScheduleNode, is: (state: string | null) => boolean, of: RoomId = room) =>
    untilView(await node.directory.watch('schedule'), (all) => is(all.find(({ id }) => id === of)?.data.state ?? null));
  const gone = (node: ScheduleNode) => until(node, (state) => state === null);

  describe('a scheduled broadcast', () => {
    test('is known to every node, with its stream keys sealed', async () => {
      const [a, b] = [await make('a'), await make('b')];
      const set = await a.schedules.set(room, { ...far(), title: 'Tonight', broadcast });
      await until(b, (state) => state === 'scheduled');
      expect(b.schedules.get(room)).toEqual(set);
      expect(set).toMatchObject({
        title: 'Tonight',
        settings: { record: true, destinations: [] },
        destinations: [{ name: 'destination', target: 'rtmp://cdn.example/live' }],
      });
      const entry = await b.node.directory.find('schedule', room);
      expect(JSON.stringify([set, entry])).not.toContain(KEY);
    });

    test('is started once, by its room’s home, under the id that was told', async () => {
      const [a, b] = [await make('a'), await make('b')];
      const { broadcast: id } = await a.schedules.set(room, { ...far(), broadcast });
      await until(b, (state) => state === 'scheduled');
      await a.schedules.set(room, soon());
      await Promise.all([gone(a), gone(b)]);
      expect([...a.started, ...b.started]).toEqual([{ room, id, to: [`rtmp://cdn.example/live/${KEY}`] }]);
      expect(a.started).toHaveLength(1);
      expect([a.schedules.get(room), b.schedules.get(room)]).toEqual([null, null]);
    });

    test('is started by one of the others when its home is gone', async () => {
      const [a, b, c] = [await makeIdle('a'), await make('b'), await make('c')];
      const { broadcast: id } = await a.schedules.set(room, far());
      await Promise.all([b, c].map((node) => until(node, (state) => state === 'scheduled')));
      await a.schedules.set(room, soon());
      a.node.cut();
      await Promise.all([gone(b), gone(c)]);
      expect([...a.started, ...b.started, ...c.started]).toEqual([{ room, id, to: [] }]);
    });

    test('whose home dies while it starts it goes on under the same id: there is no second one', async () => {
      const { promise: begun, resolve } = Promise.withResolvers<void>();
      const hangs: OnStart = () => {
        resolve();
        return new Promise(() => {});
      };
      const [a, b] = [await make('a', { onStart: hangs }), await make('b')];
      const { broadcast: id } = await a.schedules.set(room, soon());
      await begun;
      a.schedules.close();
      a.node.cut();
      await gone(b);
      expect(b.started.map((each) => each.id)).toEqual([id]);
    });

    test('that is called off, at whichever node is the home by then, is started by nobody', async () => {
      const [a, b] = [await make('a'), await make('b')];
      await a.schedules.set(room, far());
      await until(b, (state) => state === 'scheduled');
      await a.homes.release(room);
      await untilView(await b.node.directory.watch('room'), (all) => all.every(({ id }) => id !== room));
      await b.schedules.cancel(room);
      expect(b.told).toEqual([{ event: 'schedule.cancelled', reason: '' }]);
      await expect(b.schedules.cancel(room)).rejects.toMatchObject({ code: 'not-found' });
      await Promise.all([gone(a), gone(b)]);
      expect(await a.node.directory.find('schedule', room)).toBeNull();
      await expect(a.schedules.start(room)).rejects.toMatchObject({ code: 'wrong-node' });
      expect([...a.started, ...b.started]).toEqual([]);
    });

    test('keeps its id and its stream keys when only the time changes; another input is another broadcast', async () => {
      const a = await make('a');
      const first = await a.schedules.set(room, { ...far(), title: 'Tonight', broadcast });
      const moved = await a.schedules.set(room, { startsAt: first.startsAt + 1 });
      expect(moved).toEqual({ ...first, startsAt: first.startsAt + 1, createdAt: moved.createdAt });
      const other = await a.schedules.set(room, { ...far(), broadcast: BroadcastInput.parse({}) });
      expect(other).toMatchObject({ title: 'Tonight', destinations: [], settings: { record: false } });
      expect(other.broadcast).not.toBe(first.broadcast);
    });

    test('can be started at once, by a countdown, too; stopped, that leads back to the plan', async () => {
      const a = await make('a');
      const planned = await a.schedules.set(room, { ...far(), broadcast });
      const counted = await a.schedules.set(room, { inSeconds: 60 });
      expect(counted).toMatchObject({ before: planned.startsAt, broadcast: planned.broadcast });
      await a.schedules.back(room);
      expect(a.schedules.get(room)).toMatchObject({ before: null, startsAt: planned.startsAt });
      expect((await a.schedules.start(room)).id).toBe(planned.broadcast);
      await gone(a);
      // A countdown without a plan leads nowhere.
      await a.schedules.set(room, { inSeconds: 60 });
      await a.schedules.back(room);
      expect(a.schedules.get(room)).toBeNull();
    });

    test('that can not be started says why, on every node, until it is scheduled anew', async () => {
      const refuses: OnStart = async () => {
        throw new AppError('conflict', 'The stream key is in use.');
      };
      const [a, b] = [await make('a', { onStart: refuses }), await make('b')];
      const { broadcast: id } = await a.schedules.set(room, soon());
      await until(b, (state) => state === 'failed');
      expect(b.schedules.get(room)).toMatchObject({ state: 'failed', reason: 'The stream key is in use.' });
      await expect
        .poll(() => a.told)
        .toEqual([
          { event: 'schedule.set', reason: '' },
          { event: 'schedule.failed', reason: 'The stream key is in use.' },
        ]);
      const again = await a.schedules.set(room, far());
      expect(again).toMatchObject({ state: 'scheduled', reason: '' });
      expect(again.broadcast).not.toBe(id);
    });

    test('is tried again where the reason passes', async () => {
      let tries = 0;
      const onStart: OnStart = async () => {
        tries += 1;
        if (tries === 1) throw new AppError('directory-unavailable');
      };
      const a = await make('a', { onStart });
      await a.schedules.set(room, soon());
      // The view of a directory that is slow may not know of it yet: gone is when it was told.
      await expect
        .poll(() => a.told, { timeout: 20_000 })
        .toEqual([
          { event: 'schedule.set', reason: '' },
          { event: null, reason: '' },
        ]);
      expect(tries).toBe(2);
    });

    test('is not started long after its time', async () => {
      const a = await makeIdle('a');
      await a.schedules.set(room, soon());
      await a.homes.release(room);
      const b = await make('b', { now: () => Date.now() + START_WITHIN_MS + 60_000 });
      await until(b, (state) => state === 'failed');
      expect(b.started).toEqual([]);
      expect(b.schedules.get(room)?.reason).toContain('No server');
    });

    test('starts in the future, within 30 days', async () => {
      const a = await make('a');
      for (const startsAt of [Date.now() - 1, Date.now() + 31 * 86_400_000])
        await expect(a.schedules.set(room, { startsAt })).rejects.toMatchObject({ code: 'bad-request' });
      expect(a.schedules.get(room)).toBeNull();
    });
  });
}
