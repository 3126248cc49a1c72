/**
 * What can go wrong while a broadcast goes from one compositor agent to another. Real processes: SFU, delivery, two agents, a simulated person. The
 * tests go on from each other: the broadcast is one, from the first to the last. A handoff without an accident is handoff.test.ts's.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentsOf, bound, handoffs, metricsOf } from '../support/agentsAtWork.ts';
import { isAlive } from '../support/childProcesses.ts';
import { SMALL } from '../support/FleetProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { RolesApart } from '../support/RolesApart.ts';
import { eventually } from '../support/ServerProcess.ts';

const ROOM = 'accident';

let roles: RolesApart;
let follower: PlaylistFollower;

beforeAll(async () => {
  roles = await RolesApart.start({ LIANMAI_DRAIN_SECONDS: '4' }, 2);
  await roles.person(ROOM, roles.sfu.url);
  const { playlist } = await roles.api.startBroadcast(ROOM, { video: SMALL });
  follower = await PlaylistFollower.start(`${roles.delivery.url}${playlist}`);
  await follower.until(({ newest }) => newest >= 1, 'some segments');
});

afterAll(async () => {
  follower?.close();
  await roles?.stop();
});

test('the successor is killed before it has the broadcast: nothing happens', async () => {
  const [first, second] = agentsOf(roles);
  const before = bound(second).length;
  const asked = roles.api.handOver(ROOM);
  asked.catch(() => {});
  await eventually(() => bound(second).length > before, 'a successor');
  process.kill(bound(second).at(-1) ?? 0, 'SIGKILL');
  await expect(asked).rejects.toThrow('409');
  const { newest } = follower;
  await follower.until((now) => now.newest >= newest + 2, 'the program goes on');
  expect(await roles.api.broadcast(ROOM)).toMatchObject({ state: 'live', restarts: 0 });
  expect([follower.gaps, isAlive(bound(first).at(-1) ?? 0), await handoffs(roles, 'failed')]).toEqual([[], true, 1]);
});

test('somebody asks for a handoff by the API: done', async () => {
  expect(await roles.api.handOver(ROOM)).toMatchObject({ state: 'live', restarts: 0 });
  const { newest } = follower;
  await follower.until((now) => now.newest >= newest + 2, 'the program goes on');
  expect([follower.gaps, await handoffs(roles, 'done')]).toEqual([[], 1]);
});

test('the compositor is killed while its successor warms up: that one takes what it can', async () => {
  const [second, first] = agentsOf(roles);
  const before = bound(first).length;
  const asked = roles.api.handOver(ROOM);
  asked.catch(() => {});
  await eventually(() => bound(first).length > before, 'a successor');
  process.kill(bound(second).at(-1) ?? 0, 'SIGKILL');
  await expect(asked).rejects.toThrow('409');
  const { newest } = follower;
  await follower.until((now) => now.newest >= newest + 2, 'the program goes on');
  expect(await roles.api.broadcast(ROOM)).toMatchObject({ state: 'live', restarts: 1 });
  expect([bound(first).length - before, await handoffs(roles, 'rescued')]).toEqual([1, 1]);
  expect(follower.gaps.length).toBeLessThanOrEqual(3);
  expect([follower.discontinuities, follower.inits.size, follower.backwards]).toEqual([0, 1, []]);
});

test('there is no place elsewhere: after the limit the agent ends all the same; the broadcast comes back when there is one', async () => {
  const [first, second] = agentsOf(roles);
  expect(await second.stop('SIGTERM')).toBe(0);
  const lost = (await metricsOf(roles.sfu)).lianmai_lost_frames_total ?? 0;
  expect(await first.stop('SIGTERM')).toBe(0);
  expect(first.logs().find(({ msg }) => msg === 'broadcasts had no place elsewhere')).toMatchObject({ left: 1 });
  await eventually(async () => (await roles.api.broadcast(ROOM)).state === 'recovering', 'the loss is seen');
  // At the head of the queue, under a slate, until there is a place.
  await eventually(async () => (await roles.api.broadcast(ROOM)).position === 1, 'it waits');
  const { newest } = follower;
  roles.agents[roles.agents.indexOf(second)] = await second.again();
  await eventually(async () => (await roles.api.broadcast(ROOM)).state === 'live', 'it is live again');
  await follower.until((now) => now.newest >= newest + 2, 'the program goes on');
  expect((await roles.api.broadcast(ROOM)).restarts).toBe(2);
  await eventually(
    async () => ((await metricsOf(roles.sfu)).lianmai_lost_frames_total ?? 0) > lost,
    'counted as lost frames',
  );
  expect([follower.discontinuities, follower.inits.size, follower.backwards]).toEqual([0, 1, []]);
});
