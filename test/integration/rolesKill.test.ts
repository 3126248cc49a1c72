/** kill -9 of delivery, and then of the SFU, in mid-broadcast, and their restart: three real processes, people, a compositor and an RTMP server. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { RolesApart } from '../support/RolesApart.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { eventually } from '../support/ServerProcess.ts';

const ROOM = 'kill';
const KEY = 'delivery-kill-key';

let rtmp: RtmpServer;
let roles: RolesApart;
let swarm: Swarm;
let follower: PlaylistFollower;

beforeAll(async () => {
  [rtmp, roles] = await Promise.all([
    RtmpServer.start(),
    RolesApart.start({ LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' }),
  ]);
  swarm = new Swarm({ url: roles.sfu.url, peers: 1, token: () => roles.api.joinToken(ROOM, 'host') });
  await swarm.start();
});

afterAll(async () => {
  follower?.close();
  await swarm?.stop();
  await roles?.stop();
  await rtmp?.close();
});

describe('kill -9 of delivery', () => {
  test('a broadcast with a destination runs', async () => {
    const started = await roles.api.startBroadcast(ROOM, {
      destinations: [{ url: rtmp.url, key: KEY }],
      video: { width: 320, height: 180, bitrate: 200_000 },
      dvrSeconds: 60,
    });
    follower = await PlaylistFollower.start(`${roles.delivery.url}${started.playlist}`);
    await rtmp.waitFor((call) => call.call === 'publish');
    await follower.until(({ newest }) => newest >= 3, 'some segments');
  });

  test('the playlist goes on under the same URL, its numbers never go back, and only what was lost is GAP', async () => {
    await roles.delivery.kill();
    const killedAt = follower.newest;
    await roles.again(roles.delivery);
    await follower.until(({ newest }) => newest >= killedAt + 4, 'the program after the restart');
    expect(follower.backwards).toEqual([]);
    expect(follower.discontinuities).toBe(0);
    expect(follower.inits.size).toBe(1);
    // Older segments are on the disk; only what nobody was there to take can be missing.
    for (const gap of follower.gaps) {
      expect(gap).toBeGreaterThan(killedAt);
      expect(gap).toBeLessThanOrEqual(killedAt + 3);
    }
    expect((await fetch(new URL(`${killedAt}.m4s`, follower.url))).status).toBe(200);
  });

  test('the compositor was not replaced', async () => {
    const { state, restarts } = await roles.api.broadcast(ROOM);
    expect([state, restarts]).toEqual(['live', 0]);
  });

  test('the destination is there again, one publisher after the other', async () => {
    await eventually(() => rtmp.publishes(KEY) === 2, 'a second publish');
    const calls = rtmp.calls.filter((c) => c.name === KEY && c.call.startsWith('publish')).map((c) => c.call);
    expect(calls).toEqual(['publish', 'publish_done', 'publish']);
    await eventually(async () => (await roles.api.broadcast(ROOM)).destinations[0]?.state === 'live', 'live again');
  });

  test('the stream key is in no file', async () => {
    for (const { dataDir } of [roles.delivery, roles.sfu]) {
      for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        expect(await readFile(join(entry.parentPath, entry.name), 'latin1'), entry.name).not.toContain(KEY);
      }
    }
  });
});

describe('kill -9 of the SFU', () => {
  test('it takes its broadcast over again: the same playlist, another compositor, people back by themselves', async () => {
    const before = await roles.api.broadcast(ROOM);
    const published = swarm.peer(0)?.counters().published ?? 0;
    const gaps = follower.gaps.length;
    await roles.sfu.kill();
    const killedAt = follower.newest;
    await roles.again(roles.sfu);
    await follower.until(({ newest }) => newest >= killedAt + 4, 'the program after the restart');
    expect(follower.backwards).toEqual([]);
    expect([follower.discontinuities, follower.inits.size]).toEqual([0, 1]);
    expect(follower.gaps.length - gaps).toBeLessThanOrEqual(3);
    const { id, state, startedAt } = await roles.api.broadcast(ROOM);
    expect([id, state, startedAt]).toEqual([before.id, 'live', before.startedAt]);
    await eventually(() => (swarm.peer(0)?.counters().published ?? 0) > published, 'published again');
  });

  test('the destination never noticed', async () => {
    expect(rtmp.publishes(KEY)).toBe(2);
    await eventually(async () => (await roles.api.broadcast(ROOM)).destinations[0]?.state === 'live', 'still live');
    expect((await roles.api.broadcast(ROOM)).destinations[0]?.connects).toBe(1);
  });

  test('stopped afterwards it ends properly, and nothing is kept', async () => {
    await roles.api.stopBroadcast(ROOM);
    await follower.until(({ ended }) => ended, 'EXT-X-ENDLIST');
    expect(await readdir(join(roles.delivery.dataDir, 'delivery'))).toEqual([]);
  });

  test('what was used is known at the SFU, over the deaths of both: time, output, what the RTMP server received, and its viewers', async () => {
    const { id, startedAt, endedAt } = await roles.api.broadcast(ROOM);
    const { usage, complete } = await roles.api.usage({ by: 'room,broadcast' });
    expect([complete, usage.length, usage[0]?.broadcast]).toEqual([true, 1, id]);
    const { activeMs = 0, output = [], egressBytes = 0, viewerBytes = 0 } = usage[0] ?? {};
    // All but the hole from the SFU's death to the next compositor.
    const lastedMs = (endedAt ?? 0) - (startedAt ?? 0);
    expect(activeMs).toBeLessThanOrEqual(lastedMs + 100);
    expect(activeMs).toBeGreaterThan(lastedMs - 12_000);
    expect(output.map((o) => o.rendition)).toEqual(['a0', 'v180']);
    for (const { ms } of output) {
      expect(ms).toBeLessThanOrEqual(activeMs);
      expect(ms).toBeGreaterThan(activeMs - 12_000);
    }
    const received = Number(/<bytes_in>(\d+)/.exec(await rtmp.stat())?.[1] ?? 0);
    expect(Math.abs(egressBytes / received - 1)).toBeLessThan(0.1);
    expect(viewerBytes).toBeGreaterThan(10_000);
    expect((await fetch(`${roles.sfu.url}/v1/usage`)).status).toBe(401);
  });
});
