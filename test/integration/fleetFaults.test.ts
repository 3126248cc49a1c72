/**
 * What a fleet with live rooms lives through: Redis gone for longer than a lease lives and then empty, kill -9 of a whole agent, an agent that
 * freezes and wakes up again. Real processes: Redis, SFU, delivery, two agents, a simulated person in each room. The tests go on from each other.
 * How fast it is, is measured by `bench -- agent-loss`.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseMetrics } from '../../scripts/bench/support/scrape.ts';
import { isAlive } from '../support/childProcesses.ts';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { descendantsOf, eventually, type ServerProcess } from '../support/ServerProcess.ts';

const ROOMS = ['one', 'two', 'three', 'four'];
/** A lease lives for 10 s: so many segments of 2 s are longer. */
const OUTAGE_SEGMENTS = 8;

let fleet: FleetProcesses;
const followers = new Map<string, PlaylistFollower>();

beforeAll(async () => {
  fleet = await FleetProcesses.start({
    redis: true,
    env: { LIANMAI_MAX_BROADCASTS: String(ROOMS.length), LIANMAI_WARM_COMPOSITORS: '2' },
  });
  await announced();
  for (const room of ROOMS) {
    await fleet.person(room);
    const { playlist } = await fleet.api.startBroadcast(room, { video: SMALL });
    followers.set(room, await PlaylistFollower.start(`${fleet.origin}${playlist}`));
  }
  // It comes when the first has all rooms.
  await fleet.add('compositor');
  await announced();
  await more(2);
});

afterAll(async () => {
  for (const follower of followers.values()) follower.close();
  await fleet?.stop();
});

/** Until Redis knows all agents that there are. */
async function announced(): Promise<void> {
  const keys = fleet.agents.map(({ internalUrl }) => `lianmai:entry:node:${internalUrl}`);
  const known = () => fleet.redis?.ask((client) => client.exists(keys));
  await eventually(async () => (await known()) === keys.length, 'all agents are announced');
}

/** Until each of the rooms has so many further whole segments. */
async function more(segments: number, rooms = ROOMS): Promise<void> {
  await Promise.all(
    rooms.map(async (room) => {
      const until = follower(room).newest + segments;
      await follower(room).until(({ newest }) => newest >= until, `segments of ${room}`);
    }),
  );
}

function follower(room: string): PlaylistFollower {
  const found = followers.get(room);
  if (!found) throw new Error(`nobody follows ${room}`);
  return found;
}

async function untilReady(ready: boolean): Promise<void> {
  for (const server of [...fleet.sfus, ...fleet.agents])
    await eventually(async () => (await fleet.status(server, '/readyz')) === (ready ? 200 : 503), `ready: ${ready}`);
}

/** Processes of children that were given a broadcast and live. */
const bound = (agent: ServerProcess): number[] =>
  agent
    .logs()
    .flatMap(({ msg, pid, compositor }) => (msg === 'compositor bound' && compositor ? [Number(pid)] : []))
    .filter(isAlive);

const metric = async (server: ServerProcess, name: string) => parseMetrics(await fleet.metrics(server))[name] ?? 0;

/** What a viewer must never see. */
function expectUnbroken(): void {
  for (const { backwards, discontinuities, inits } of followers.values())
    expect([backwards, discontinuities, inits.size]).toEqual([[], 0, 1]);
}

describe('Redis is gone for longer than a lease lives, and then it is empty', () => {
  test('no live room notices: alive, not ready, and every frame comes', async () => {
    await fleet.redis?.kill();
    await untilReady(false);
    for (const server of [...fleet.sfus, ...fleet.deliveries, ...fleet.agents])
      expect(await fleet.status(server, '/healthz')).toBe(200);
    await more(OUTAGE_SEGMENTS);
    await fleet.redis?.run({ empty: true });
    await untilReady(true);
    await announced();
    await more(1);
    await fleet.redis?.flush();
    await announced();
    await more(1);
    for (const room of ROOMS) {
      expect(await fleet.api.broadcast(room)).toMatchObject({ state: 'live', restarts: 0 });
      expect(follower(room).gaps).toEqual([]);
    }
    expectUnbroken();
    expect(await metric(fleet.sfu, 'lianmai_lost_frames_total')).toBe(0);
  });
});

describe('kill -9 of an agent with four rooms, and of all its children', () => {
  test('every room is back on the other one, under the same URL, the gap marked', async () => {
    const ids = await Promise.all(ROOMS.map(async (room) => (await fleet.api.broadcast(room)).id));
    const [first, second] = fleet.agents as [ServerProcess, ServerProcess];
    expect([bound(first).length, bound(second).length]).toEqual([4, 0]);
    const dead = await fleet.killAll(first);
    await eventually(() => !dead.some(isAlive), 'all its processes are gone');
    await Promise.all(
      [...followers.values()].map((one) => one.until(({ gaps }) => gaps.length > 0, 'the gap is marked')),
    );
    await more(2);
    expectUnbroken();
    for (const [i, room] of ROOMS.entries()) {
      expect(await fleet.api.broadcast(room)).toMatchObject({ id: ids[i], state: 'live', restarts: 1 });
      const { text, gaps, newest } = follower(room);
      // What was lost lies between what both have made.
      expect(newest).toBeGreaterThan(gaps.at(-1) ?? Number.POSITIVE_INFINITY);
      expect(text).not.toContain('#EXT-X-ENDLIST');
    }
    expect(bound(second).length).toBe(4);
  });
});

describe('an agent freezes with its compositor (SIGSTOP), and wakes up when another has its broadcast', () => {
  const [ROOM = '', ...REST] = ROOMS;
  let frozen: ServerProcess;
  let child: number;
  let other: ServerProcess;

  test('delivery misses its parts and says so first: the other agent is given the broadcast', async () => {
    for (const room of REST) await fleet.api.stopBroadcast(room);
    [other, frozen] = [await fleet.again(fleet.compositor), fleet.agents[1] as ServerProcess];
    await announced();
    await more(1, [ROOM]);
    await eventually(() => bound(frozen).length === 1, 'one compositor is left');
    child = bound(frozen)[0] ?? 0;
    for (const pid of [frozen.pid, child]) process.kill(pid, 'SIGSTOP');
    const before = follower(ROOM).gaps.length;
    await follower(ROOM).until(({ gaps }) => gaps.length > before, 'the gap is marked');
    await more(2, [ROOM]);
    expect(bound(other).length).toBe(1);
    const [lost] = fleet.sfu.logs().filter(({ msg, reason }) => msg === 'compositor lost' && reason === 'unresponsive');
    expect(lost?.message).toBe('delivery gets no parts');
  });

  test('what it puts then is refused, and nothing of it is in the playlist', async () => {
    const gaps = follower(ROOM).gaps.at(-1) ?? 0;
    const listed = await segmentsAfter(ROOM, gaps);
    expect(listed.size).toBeGreaterThan(0);
    const refused = await metric(fleet.delivery, 'lianmai_delivery_puts_refused_total');
    const taken = () => fleet.delivery.logs().filter(({ msg }) => msg === 'take').length;
    const takes = taken();
    // Its agent still stands: nobody tells it to stop.
    process.kill(child, 'SIGCONT');
    await eventually(
      async () => (await metric(fleet.delivery, 'lianmai_delivery_puts_refused_total')) > refused,
      'delivery refuses something',
    );
    await more(2, [ROOM]);
    const now = await segmentsAfter(ROOM, gaps);
    for (const [name, bytes] of listed) expect([name, now.get(name)]).toEqual([name, bytes]);
    expect([follower(ROOM).gaps.at(-1), taken()]).toEqual([gaps, takes]);
    expect(await fleet.api.broadcast(ROOM)).toMatchObject({ state: 'live', restarts: 2 });
    expectUnbroken();
  });

  test('when its agent wakes up, too, it is ended, and the agent takes work again', async () => {
    frozen.child.kill('SIGCONT');
    await eventually(() => !isAlive(child), 'the compositor that stood still is gone');
    await eventually(async () => (await fleet.status(frozen, '/readyz')) === 200, 'the agent is ready');
    expect((await descendantsOf(frozen.pid)).some(({ pid }) => pid === child)).toBe(false);
  });
});

/** All whole segments after the segment `after` that are listed now, by name. */
async function segmentsAfter(room: string, after: number): Promise<Map<string, string>> {
  const { text, url } = follower(room);
  const names = [...text.matchAll(/^(\d+)\.m4s$/gm)].map(([, number]) => Number(number)).filter((k) => k > after);
  const read = async (k: number) => {
    const answer = await fetch(new URL(`${k}.m4s`, url));
    return [`${k} ${answer.status}`, Buffer.from(await answer.arrayBuffer()).toString('base64')] as const;
  };
  return new Map(await Promise.all(names.map(read)));
}
