/**
 * A rolling restart of a whole fleet, as an upgrade does it: each node of each role gets SIGTERM once, and is there again before it is the next one's turn. Two
 * SFU nodes, two delivery nodes, two agents, Redis and an RTMP server as processes. How fast it is, and frame by frame, is `bench rolling-restart`'s.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Swarm } from '../../scripts/simulator/Swarm.ts';
import type { BroadcastStatus } from '../../src/contracts/broadcast.ts';
import { FleetProcesses, type FleetRole, SMALL } from '../support/FleetProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { eventually, type ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'upgraded';
const KEY = 'a-key-through-an-upgrade';

let rtmp: RtmpServer;
let fleet: FleetProcesses;
let person: Swarm;
let started: BroadcastStatus;
let follower: PlaylistFollower;

beforeAll(async () => {
  const env = { LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' };
  const shape = { sfus: 2, deliveries: 2, agents: 2, redis: true, delivery: 'announced' } as const;
  [rtmp, fleet] = await Promise.all([RtmpServer.start(), FleetProcesses.start({ ...shape, env })]);
  for (const role of ['sfu', 'delivery', 'compositor'] as const)
    for (const node of fleet.nodes(role)) await eventually(() => fleet.announced(node), 'the node is announced');
  person = await fleet.person(ROOM);
  const destinations = [{ url: rtmp.url, key: KEY }];
  started = await fleet.api.startBroadcast(ROOM, { video: SMALL, destinations });
  follower = await PlaylistFollower.start(`${fleet.origin}${started.playlist}`);
  await rtmp.waitFor(({ call }) => call === 'publish');
  await follower.until(({ newest }) => newest >= 1, 'some segments');
});

afterAll(async () => {
  follower?.close();
  await fleet?.stop();
  await rtmp?.close();
});

/** Of all nodes of the role, those that have said it. */
const saying = (nodes: readonly ServerProcess[], text: string) =>
  nodes.filter((node) => node.logs().some(({ msg, room }) => msg === text && room === ROOM));

/** One after the other; answers the processes that have ended. */
async function restartAll(role: FleetRole): Promise<ServerProcess[]> {
  const ended = [...fleet.nodes(role)];
  for (const node of ended) {
    node.child.kill('SIGTERM');
    expect(await node.ended()).toBe(0);
    await eventually(async () => !(await fleet.announced(node)), 'it is announced no more');
    const next = await fleet.again(node);
    await eventually(async () => (await fleet.status(next, '/readyz')) === 200, 'it is ready');
    await eventually(() => fleet.announced(next), 'it is announced again');
  }
  return ended;
}

/** The same broadcast under the same URL, and its playlist is one. */
async function expectOne(): Promise<void> {
  const { newest, sequence } = follower;
  await follower.until((now) => now.newest >= newest + 2, 'further segments');
  expect(follower.sequence).toBeGreaterThanOrEqual(sequence);
  const { backwards, discontinuities, ended, inits } = follower;
  expect({ backwards, discontinuities, ended, inits: inits.size }).toEqual({
    ...{ backwards: [], discontinuities: 0, ended: false, inits: 1 },
  });
  await eventually(async () => (await fleet.api.broadcast(ROOM)).state === 'live', 'live');
  const { id, startedAt, playlist } = await fleet.api.broadcast(ROOM);
  expect({ id, startedAt, playlist }).toEqual({
    ...{ id: started.id, startedAt: started.startedAt, playlist: started.playlist },
  });
}

test('every compositor agent: the program goes on, and the destination stays connected', async () => {
  await restartAll('compositor');
  await expectOne();
  expect(rtmp.publishes(KEY)).toBe(1);
});

test('every delivery node: the same playlist, and for each move the destination is connected once more, never twice at a time', async () => {
  const ended = await restartAll('delivery');
  await expectOne();
  const moves = saying(ended, 'broadcast moved to another node').length;
  expect(moves).toBeGreaterThanOrEqual(1);
  await eventually(() => rtmp.publishes(KEY) === 1 + moves, 'one publish for each move');
  expect(rtmp.mostPublishers(KEY)).toBe(1);
});

test('every SFU node: people are back by themselves, and the destination stays connected', async () => {
  const [publishes, published] = [rtmp.publishes(KEY), person.peer(0)?.counters().published ?? 0];
  await restartAll('sfu');
  await expectOne();
  await eventually(() => (person.peer(0)?.counters().published ?? 0) > published, 'the person is back');
  expect([rtmp.publishes(KEY), rtmp.mostPublishers(KEY)]).toEqual([publishes, 1]);
});
