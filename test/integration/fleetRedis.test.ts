/** SFU, compositor agent and delivery as real processes that find each other in a real Redis, and Redis lost in mid-broadcast. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { PROTOCOL } from '../../src/contracts/ids.ts';
import { NodeInfo } from '../../src/directory/entries.ts';
import { RedisServer } from '../support/directory/RedisServer.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { RolesApart } from '../support/RolesApart.ts';
import { descendantsOf, eventually, type ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'fleet';
const PASSWORD = 'the-password-of-the-fleet';

let redis: RedisServer;
let roles: RolesApart;
let swarm: Swarm;
let follower: PlaylistFollower;

beforeAll(async () => {
  redis = await RedisServer.start({ password: PASSWORD });
  roles = await RolesApart.start({ LIANMAI_REDIS_URL: redis.url.reveal(), LIANMAI_MAX_BROADCASTS: '3' });
  swarm = new Swarm({ url: roles.sfu.url, peers: 1, token: () => roles.api.joinToken(ROOM, 'host') });
  await swarm.start();
});

afterAll(async () => {
  follower?.close();
  await swarm?.stop();
  await roles?.stop();
  await redis?.close();
});

const statusOf = async (server: ServerProcess, path: string): Promise<number> =>
  (await fetch(`${server.internalUrl}${path}`)).status;

/** The agent as Redis has it; null: not at all. */
async function announced(): Promise<{ info: NodeInfo; fence: string | undefined } | null> {
  const entry = await redis.ask((client) => client.hgetall(`lianmai:entry:node:${roles.compositor.internalUrl}`));
  return entry.data ? { info: NodeInfo.parse(JSON.parse(entry.data)), fence: entry.fence } : null;
}

async function untilReady(ready: boolean): Promise<void> {
  for (const server of [roles.sfu, roles.compositor]) {
    const status = ready ? 200 : 503;
    await eventually(async () => (await statusOf(server, '/readyz')) === status, `/readyz answers ${status}`);
  }
}

describe('a fleet', () => {
  let fence: string | undefined;

  test('an agent announces itself, and the SFU finds it there: no list of compositors is configured', async () => {
    await untilReady(true);
    await eventually(async () => (await announced()) !== null, 'the agent is announced');
    expect((await announced())?.info).toMatchObject({
      ...{ role: 'compositor', url: roles.compositor.internalUrl, capacity: 3, load: 0 },
      ...{ protocol: PROTOCOL, draining: false },
    });
    // A Redis that a busy machine makes slow to answer is told as such (503): one tries again in a moment.
    const start = () => roles.api.startBroadcast(ROOM, { video: { width: 320, height: 180, bitrate: 200_000 } });
    let playlist = '';
    await eventually(async () => {
      playlist = (await start().catch(() => null))?.playlist ?? '';
      return playlist !== '';
    }, 'it starts');
    follower = await PlaylistFollower.start(`${roles.delivery.url}${playlist}`);
    await follower.until(({ newest }) => newest >= 2, 'some segments');
    await eventually(async () => (await announced())?.info.load === 1, 'its load is known');
    fence = (await announced())?.fence;
  });

  test('Redis is killed: alive but not ready, and the live room does not notice, even when its compositor dies', async () => {
    await redis.kill();
    await untilReady(false);
    for (const server of [roles.sfu, roles.compositor]) expect(await statusOf(server, '/healthz')).toBe(200);
    const metrics = await (await fetch(`${roles.sfu.internalUrl}/metrics`)).text();
    expect(metrics).toMatch(/^lianmai_directory_up 0$/m);
    const children = await descendantsOf(roles.compositor.pid);
    // The one at work and the warm one: the next is found without Redis.
    for (const { pid, command } of children)
      if (command.join(' ').includes('compositor/main.ts')) process.kill(pid, 'SIGKILL');
    const killedAt = follower.newest;
    await follower.until(({ newest }) => newest >= killedAt + 4, 'the program with another compositor');
    const { state, restarts } = await roles.api.broadcast(ROOM);
    expect([state, restarts]).toEqual(['live', 1]);
    expect([follower.backwards, follower.discontinuities, follower.inits.size]).toEqual([[], 0, 1]);
  });

  test('it comes back empty: the agent is announced again, with the fence that it holds and what it has now', async () => {
    await redis.run({ empty: true });
    await untilReady(true);
    expect(await announced()).toMatchObject({ fence, info: { load: 1, draining: false } });
    const metrics = await (await fetch(`${roles.sfu.internalUrl}/metrics`)).text();
    expect(metrics).toMatch(/^lianmai_directory_up 1$/m);
    expect((await roles.api.broadcast(ROOM)).state).toBe('live');
  });

  test('an agent that is stopped takes itself out at once', async () => {
    await roles.api.stopBroadcast(ROOM);
    await roles.compositor.stop();
    expect(await announced()).toBeNull();
    expect(await roles.api.startBroadcast(ROOM, {})).toMatchObject({ state: 'pending', position: 1 });
  });

  test('no process has logged the password', () => {
    for (const { output } of [roles.sfu, roles.compositor, roles.delivery])
      expect(output.join('\n')).not.toContain(PASSWORD);
  });
});
