/** kill -9 of the delivery role in mid-broadcast, and its restart: three real processes, people, a compositor and an RTMP server. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Secret } from '../../src/common/Secret.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'kill';
const SECRET = 'a-secret-that-three-processes-share';
const KEY = 'delivery-kill-key';
const COMMON = { LIANMAI_SECRET: SECRET, LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' };

let rtmp: RtmpServer;
let compositor: ServerProcess;
let delivery: ServerProcess;
let sfu: ServerProcess;
let swarm: Swarm;
let api: ServerApi;
let follower: PlaylistFollower;

beforeAll(async () => {
  const role = (name: string, more: Record<string, string> = {}) =>
    ServerProcess.start({ ...COMMON, LIANMAI_ROLE: name, ...more });
  [rtmp, compositor, delivery] = await Promise.all([RtmpServer.start(), role('compositor'), role('delivery')]);
  sfu = await role('sfu', {
    LIANMAI_COMPOSITOR_URLS: compositor.internalUrl,
    LIANMAI_DELIVERY_URL: delivery.internalUrl,
    LIANMAI_SFU_WORKERS: '1',
  });
  const token = await Tokens.create([new Secret(SECRET)]).sign({ aud: 'api', sub: 'test' }, 3600);
  api = new ServerApi(sfu.url, token);
  swarm = new Swarm({ url: sfu.url, peers: 1, token: () => api.joinToken(ROOM, 'host') });
  await swarm.start();
});

afterAll(async () => {
  follower?.close();
  await swarm?.stop();
  for (const server of [sfu, delivery, compositor]) await server?.stop('SIGKILL');
  await rtmp?.close();
});

describe('kill -9 of delivery', () => {
  test('a broadcast with a destination runs', async () => {
    const started = await api.startBroadcast(ROOM, {
      destinations: [{ url: rtmp.url, key: KEY }],
      video: { width: 320, height: 180, bitrate: 200_000 },
    });
    follower = await PlaylistFollower.start(`${delivery.url}${started.playlist}`);
    await rtmp.waitFor((call) => call.call === 'publish');
    await follower.until(({ newest }) => newest >= 3, 'some segments');
  });

  test('the playlist goes on under the same URL, its numbers never go back, and only what was lost is GAP', async () => {
    await delivery.kill();
    const killedAt = follower.newest;
    delivery = await delivery.again();
    await follower.until(({ newest }) => newest >= killedAt + 4, 'the program after the restart');
    expect(follower.backwards).toEqual([]);
    expect(follower.discontinuities).toBe(0);
    expect(follower.inits.size).toBe(1);
    expect(follower.gaps.length).toBeGreaterThan(0);
    // What was in memory, and what nobody was there to take; from then on nothing is missing.
    expect(Math.max(...follower.gaps)).toBeLessThanOrEqual(killedAt + 3);
  });

  test('the compositor was not replaced', async () => {
    const { state, restarts } = await api.broadcast(ROOM);
    expect([state, restarts]).toEqual(['live', 0]);
  });

  test('the destination is there again, one publisher after the other', async () => {
    await eventually(() => rtmp.publishes(KEY) === 2, 'a second publish');
    const calls = rtmp.calls.filter((c) => c.name === KEY && c.call.startsWith('publish')).map((c) => c.call);
    expect(calls).toEqual(['publish', 'publish_done', 'publish']);
    await eventually(async () => (await api.broadcast(ROOM)).destinations[0]?.state === 'live', 'live again');
  });

  test('the stream key is in no file', async () => {
    for (const { dataDir } of [delivery, sfu]) {
      for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        expect(await readFile(join(entry.parentPath, entry.name), 'latin1'), entry.name).not.toContain(KEY);
      }
    }
  });

  test('stopped afterwards it ends properly, and nothing is kept', async () => {
    await api.stopBroadcast(ROOM);
    await follower.until(({ ended }) => ended, 'EXT-X-ENDLIST');
    expect(await readdir(join(delivery.dataDir, 'delivery'))).toEqual([]);
  });
});
