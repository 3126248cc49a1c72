/** kill -9 of the whole server (role all) in mid-broadcast, and its restart on the same data directory. */
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import type { BroadcastStatus } from '../../src/contracts/broadcast.ts';
import { Recording } from '../../src/contracts/recording.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { HlsRecorder } from '../support/program/HlsRecorder.ts';
import { readProgram } from '../support/program/readProgram.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { descendantsOf, eventually, listProcesses, ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'phoenix';
const KEY = 'server-kill-key';

let rtmp: RtmpServer;
let server: ServerProcess;
let swarm: Swarm;
let api: ServerApi;
let follower: PlaylistFollower;
let started: BroadcastStatus;
let peerBefore: string | null | undefined;
let folder: string;

beforeAll(async () => {
  [rtmp, server] = await Promise.all([
    RtmpServer.start(),
    ServerProcess.start({ LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true', LIANMAI_SFU_WORKERS: '1' }),
  ]);
  api = new ServerApi(server.url);
  swarm = new Swarm({ url: server.url, peers: 1, token: () => api.joinToken(ROOM, 'host') });
  await swarm.start();
  peerBefore = swarm.peer(0)?.id;
  folder = await mkdtemp(join(tmpdir(), 'lianmai-phoenix-'));
});

afterAll(async () => {
  follower?.close();
  await swarm?.stop();
  await server?.stop('SIGKILL');
  await rtmp?.close();
  await rm(folder, { recursive: true, force: true });
});

const scene = async () => {
  const answer = await fetch(`${server.url}/v1/rooms/${ROOM}/scene`);
  return { version: answer.headers.get('etag'), scene: (await answer.json()) as { scene?: unknown } };
};

describe('kill -9 of role all', () => {
  test('a broadcast with a scene and a destination runs', async () => {
    const version = (await scene()).version ?? '';
    const body = JSON.stringify({ background: '#123456', layout: { type: 'spotlight' } });
    const put = await fetch(`${server.url}/v1/rooms/${ROOM}/scene`, {
      method: 'PUT',
      body,
      headers: { 'content-type': 'application/json', 'if-match': version },
    });
    expect(put.status).toBe(200);
    started = await api.startBroadcast(ROOM, {
      destinations: [{ name: 'nginx', url: rtmp.url, key: KEY }],
      video: { width: 320, height: 180, bitrate: 200_000 },
      record: true,
    });
    follower = await PlaylistFollower.start(`${server.url}${started.playlist}`);
    await rtmp.waitFor((call) => call.call === 'publish');
    await follower.until(({ newest }) => newest >= 2, 'some segments');
  });

  test('it goes on: the same broadcast, URL, epoch, grid and encoding; numbers never go back', async () => {
    const before = await scene();
    const children = await descendantsOf(server.pid);
    expect(children.length).toBeGreaterThan(2);
    await server.kill();
    const killedAt = follower.newest;
    // A start that fails leaves everything to the next one.
    const squatter = createServer((socket) => socket.destroy()).listen(Number(new URL(server.url).port), '127.0.0.1');
    await once(squatter, 'listening');
    await expect(server.again()).rejects.toThrow(/is in use/);
    await new Promise((resolve) => squatter.close(resolve));
    server = await server.again();
    await follower.until(({ newest }) => newest >= killedAt + 6, 'the program after the restart');
    expect(follower.backwards).toEqual([]);
    expect(follower.discontinuities).toBe(0);
    expect(follower.inits.size).toBe(1);
    expect(follower.gaps.length).toBeGreaterThan(0);
    // Delivery goes on with holes and slate by itself: that its compositor is there may take a moment longer.
    const same = { id: started.id, state: 'live', playlist: started.playlist };
    await expect.poll(() => api.broadcast(ROOM), { timeout: 30_000 }).toMatchObject(same);
    const status = await api.broadcast(ROOM);
    expect(Math.abs((status.startedAt ?? 0) - (started.startedAt ?? 0))).toBeLessThan(1);
    expect(await scene()).toEqual(before);
    const metrics = await (await fetch(`${server.internalUrl}/metrics`)).text();
    expect(metrics).toContain('lianmai_broadcasts_resumed_total 1');
    expect(metrics).toMatch(/^lianmai_compositor_demand (?!0$)[0-9.]+$/m);
    const alive = await listProcesses();
    const orphans = children.filter((c) => alive.some((p) => p.pid === c.pid && p.command.join() === c.command.join()));
    expect(orphans).toEqual([]);
  });

  test('program time is where the wall clock has it', async () => {
    const text = follower.text;
    const [, date, number] =
      /#EXT-X-PROGRAM-DATE-TIME:(\S+)\n(?:#EXT-X-PART.*\n)*#EXTINF:[\d.]+,\n(\d+)\.m4s\n*(?!.*#EXTINF)/.exec(text) ??
      [];
    expect(Date.parse(date ?? '') - Number(number) * 2000).toBe(started.startedAt);
    const newestMs = (started.startedAt ?? 0) + follower.newest * 2000;
    expect(Math.abs(Date.now() - newestMs)).toBeLessThan(8_000);
  });

  test('people come back by themselves, as who they were, and are in the program', async () => {
    await eventually(() => (swarm.peer(0)?.counters().published ?? 0) >= 2, 'published again');
    const answer = await fetch(`${server.url}/v1/rooms/${ROOM}`);
    const room = (await answer.json()) as { peers: { id: string }[] };
    expect(room.peers.map((p) => p.id)).toEqual([peerBefore]);
    const recorder = await HlsRecorder.start({ url: `${server.url}${started.playlist}`, folder });
    const from = follower.newest;
    await follower.until(({ newest }) => newest >= from + 2, 'two more segments');
    await recorder.stop();
    const track = (name: string) => recorder.tracks.find((t) => t.name === name)?.file ?? '';
    const program = await readProgram({ inputs: [track('v180'), track('a0')] });
    expect(program.peers.get(0)?.sightings.length).toBeGreaterThan(30);
    expect(program.peers.get(0)?.beeps.length).toBeGreaterThan(0);
  });

  test('the destination is there again, one publisher after the other; its key is in no file', async () => {
    await eventually(() => rtmp.publishes(KEY) === 2, 'a second publish');
    const calls = rtmp.calls.filter((c) => c.name === KEY && c.call.startsWith('publish')).map((c) => c.call);
    expect(calls).toEqual(['publish', 'publish_done', 'publish']);
    await eventually(async () => (await api.broadcast(ROOM)).destinations[0]?.state === 'live', 'live again');
    expect((await api.broadcast(ROOM)).destinations).toMatchObject(
      started.destinations.map(({ id, name, target }) => ({ id, name, target })),
    );
    for (const entry of await readdir(server.dataDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      expect(await readFile(join(entry.parentPath, entry.name), 'latin1'), entry.name).not.toContain(KEY);
    }
  });

  test('stopped afterwards it ends properly, and nothing is kept: the next start has no broadcast', async () => {
    await api.stopBroadcast(ROOM);
    await follower.until(({ ended }) => ended, 'EXT-X-ENDLIST');
    for (const kept of ['delivery', 'broadcasts']) expect(await readdir(join(server.dataDir, kept))).toEqual([]);
  });

  test('its recording is one, from the first frame to the last: what was lost is slate', async () => {
    const url = `${server.url}/v1/recordings/r${started.id.slice(1)}`;
    const recording = async () => Recording.parse(await (await fetch(url)).json());
    await eventually(async () => (await recording()).state === 'finished', 'the recording is finished');
    const { startedAt, endedAt, durationSeconds, slateSegments } = await recording();
    expect(startedAt).toBe(started.startedAt);
    const lasted = ((endedAt ?? 0) - startedAt) / 1000;
    expect(durationSeconds).toBeGreaterThan(lasted - 2);
    expect(durationSeconds).toBeLessThan(lasted + 1);
    // The hole: from the kill to the new compositor.
    expect(slateSegments).toBeGreaterThan(0);
    expect(slateSegments).toBeLessThanOrEqual(8);
  });
});
