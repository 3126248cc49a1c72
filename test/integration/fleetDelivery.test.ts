/** Two delivery nodes of one fleet, as real processes: either answers for both, and one that goes hands on what it has. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NodeInfo } from '../../src/directory/entries.ts';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { eventually, type ServerProcess } from '../support/ServerProcess.ts';

const KEY = 'the-key-of-a-fleet';
const DRAIN_SECONDS = 30;

let rtmp: RtmpServer;
let fleet: FleetProcesses;
const followers: PlaylistFollower[] = [];
/** By room. */
const owners = new Map<string, ServerProcess>();

beforeAll(async () => {
  [rtmp, fleet] = await Promise.all([
    RtmpServer.start(),
    FleetProcesses.start({
      deliveries: 2,
      redis: true,
      delivery: 'announced',
      env: { LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true', LIANMAI_DRAIN_SECONDS: String(DRAIN_SECONDS) },
    }),
  ]);
  await Promise.all(['plain', 'kept'].map((room) => fleet.person(room)));
});

afterAll(async () => {
  for (const follower of followers) follower.close();
  await fleet?.stop();
  await rtmp?.close();
});

async function infoOf({ internalUrl }: ServerProcess): Promise<NodeInfo | null> {
  const entry = await fleet.redis?.ask((client) => client.hgetall(`lianmai:entry:node:${internalUrl}`));
  return entry?.data ? NodeInfo.parse(JSON.parse(entry.data)) : null;
}

/** Starts a broadcast and waits until its node says that it has one more. */
async function start(room: string, input: Parameters<typeof fleet.api.startBroadcast>[1]): Promise<PlaylistFollower> {
  const loads = async () => Promise.all(fleet.deliveries.map(async (node) => (await infoOf(node))?.load ?? -1));
  await eventually(async () => (await loads()).every((load) => load >= 0), 'both nodes are announced');
  const before = await loads();
  const started = await fleet.api.startBroadcast(room, { video: SMALL, ...input });
  let owner: ServerProcess | undefined;
  await eventually(async () => {
    const now = await loads();
    owner = fleet.deliveries.find((_, n) => (now[n] ?? 0) > (before[n] ?? 0));
    return owner !== undefined;
  }, 'one of the nodes has it');
  if (owner) owners.set(room, owner);
  const follower = await PlaylistFollower.start(`${fleet.origin}${started.playlist}`);
  followers.push(follower);
  return follower;
}

const ownerOf = (room: string): ServerProcess => {
  const owner = owners.get(room);
  if (!owner) throw new Error('no broadcast was started there');
  return owner;
};

/** Nothing that a viewer would notice. */
function expectUnbroken(follower: PlaylistFollower): void {
  const { gaps, backwards, discontinuities, ended, inits } = follower;
  expect({ gaps, backwards, discontinuities, ended, inits: inits.size }).toEqual({
    ...{ gaps: [], backwards: [], discontinuities: 0, ended: false, inits: 1 },
  });
}

/** Asks the node for one blocking reload after the other until it says that it goes; the statuses, and the segment after the newest that it told of. */
async function reloadUntilGone(node: ServerProcess, path: string, from: number) {
  const statuses: number[] = [];
  let segment = from;
  try {
    for (;;) {
      const response = await fetch(`${node.url}${path}?_HLS_msn=${segment}&_HLS_part=0`);
      if (response.status === 503) return { statuses, segment };
      statuses.push(response.status);
      const text = await response.text();
      if (response.ok)
        segment = Math.max(segment, ...[...text.matchAll(/(\d+)\.\d+\.m4s/g)].map((m) => Number(m[1]))) + 1;
    }
  } catch {
    return { statuses, segment };
  }
}

describe('two delivery nodes', () => {
  test('a broadcast goes to the one with the fewest', async () => {
    const plain = await start('plain', { destinations: [{ url: rtmp.url, key: KEY }] });
    const kept = await start('kept', { dvrSeconds: 120, record: true });
    expect(ownerOf('kept')).not.toBe(ownerOf('plain'));
    await rtmp.waitFor(({ call }) => call === 'publish');
    await Promise.all([plain, kept].map((f) => f.until(({ newest }) => newest >= 2, 'some segments')));
  });

  test('either answers for both: the same playlists and the same bytes, and its own viewers need know nothing of it', async () => {
    for (const follower of followers) {
      const { pathname } = new URL(follower.url);
      const bytesOf = async (file: string): Promise<Buffer[]> =>
        Promise.all(
          fleet.deliveries.map(async ({ url }) => {
            const response = await fetch(`${url}${new URL(file, `${url}${pathname}`).pathname}`);
            expect(response.status).toBe(200);
            return Buffer.from(await response.arrayBuffer());
          }),
        );
      const [init] = follower.inits;
      for (const file of [`${follower.newest}.m4s`, String(init), '../../index.m3u8']) {
        const [one, other] = await bytesOf(file);
        expect(one?.length).toBeGreaterThan(0);
        expect(other?.equals(one ?? Buffer.alloc(0)), file).toBe(true);
      }
    }
    for (const { url } of fleet.deliveries)
      expect(await (await fetch(`${url}/live/nobody/state.json`)).json()).toMatchObject({ state: 'idle' });
  });
});

describe('SIGTERM on one of them', () => {
  let gone: ServerProcess;

  test('it says that it goes, hands its broadcast on, and is gone with code 0; who waits there is answered until then', async () => {
    gone = ownerOf('plain');
    const [plain] = followers as [PlaylistFollower];
    const reloads = reloadUntilGone(gone, new URL(plain.url).pathname, plain.newest + 1);
    const ended = gone.ended();
    gone.child.kill('SIGTERM');
    await gone.waitForLog(({ msg }) => msg === 'broadcast moved to another node');
    const moved = await gone.waitForLog(({ msg }) => msg === 'broadcast is yielded');
    expect(await ended).toBe(0);
    const { statuses, segment } = await reloads;
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(segment).toBeGreaterThanOrEqual(Number(moved.from));
    await eventually(async () => (await infoOf(gone)) === null, 'it is announced no more');
  });

  test('HLS goes on unbroken', async () => {
    const [plain] = followers as [PlaylistFollower];
    const { newest } = plain;
    await plain.until((now) => now.newest >= newest + 3, 'the program from the other node');
    expectUnbroken(plain);
  });

  test('its destination was connected once more, the second after the first, and no frame is missing', async () => {
    await eventually(() => rtmp.publishes(KEY) === 2, 'a second publish');
    const calls = rtmp.calls.filter(({ name, call }) => name === KEY && call.startsWith('publish'));
    expect(calls.map(({ call }) => call)).toEqual(['publish', 'publish_done', 'publish']);
    expect(rtmp.mostPublishers(KEY)).toBe(1);
    await eventually(async () => (await fleet.api.broadcast('plain')).destinations[0]?.state === 'live', 'live again');
    const { state, restarts, destinations } = await fleet.api.broadcast('plain');
    expect([state, restarts, destinations[0]?.connects]).toEqual(['live', 0, 2]);
    expect(await fleet.metrics(fleet.sfu)).toMatch(/^lianmai_lost_frames_total 0$/m);
  });

  test('a recorded broadcast with a time shift is handed on whole: window, recording, and what was handed on before', async () => {
    const next = await fleet.again(gone);
    await eventually(async () => (await infoOf(next)) !== null, 'it is announced again');
    // It knows of it what the directory knows, a moment after it is there.
    const asked = async () => (await fetch(`${next.url}/live/plain/index.m3u8`)).status;
    await eventually(async () => (await asked()) === 200, 'the program of the other node');
    const [plain, kept] = followers as [PlaylistFollower, PlaylistFollower];
    const before = kept.sequence;
    const old = ownerOf('kept');
    expect(await old.stop()).toBe(0);
    const newest = Math.max(plain.newest, kept.newest);
    for (const follower of [plain, kept]) {
      await follower.until((now) => now.newest >= newest + 3, 'the program from the first node again');
      expectUnbroken(follower);
    }
    expect(kept.sequence).toBe(before);
    expect((await fetch(new URL(`${before}.m4s`, kept.url))).status).toBe(200);
    const { recording } = await fleet.api.stopBroadcast('kept');
    await eventually(async () => {
      const all = await fleet.api.recordings();
      const [one] = all;
      if (one?.state !== 'finished') return false;
      expect(all.map(({ id }) => id)).toEqual([recording?.id]);
      expect(one).toMatchObject({ complete: true, slateSegments: 0 });
      expect(one.durationSeconds).toBeGreaterThan(2 * newest);
      return true;
    }, 'the recording is finished');
    // The node that does not have it answers for it, too.
    const other = await fleet.again(old);
    await eventually(async () => (await infoOf(other)) !== null, 'it is announced again');
    const ranges = await Promise.all(
      fleet.deliveries.map(async ({ url }) => {
        const headers = { range: 'bytes=0-99' };
        const response = await fetch(`${url}/recordings/${recording?.id}/program.mp4`, { headers });
        expect([response.status, response.headers.get('content-type')]).toEqual([206, 'video/mp4']);
        return Buffer.from(await response.arrayBuffer()).toString('hex');
      }),
    );
    expect(ranges[0]).toHaveLength(200);
    expect(new Set(ranges).size).toBe(1);
    expect(await other.stop()).toBe(0);
  });
});

describe('SIGTERM on the only one', () => {
  test('nothing is ended: it is back on its disk, and playlists and destination go on', async () => {
    const [plain] = followers as [PlaylistFollower];
    const only = fleet.deliveries.find(({ child }) => child.exitCode === null);
    if (!only) throw new Error('there is no delivery node');
    const ended = only.ended();
    only.child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(await readdir(join(only.dataDir, 'delivery'))).toHaveLength(1);
    const { newest } = plain;
    await fleet.again(only);
    await plain.until((now) => now.newest >= newest + 3, 'the program after the restart');
    const { backwards, discontinuities } = plain;
    expect({ backwards, discontinuities, ended: plain.ended }).toEqual({
      backwards: [],
      discontinuities: 0,
      ended: false,
    });
    await eventually(async () => (await fleet.api.broadcast('plain')).destinations[0]?.state === 'live', 'live again');
    expect(rtmp.mostPublishers(KEY)).toBe(1);
    expect((await fleet.api.broadcast('plain')).restarts).toBe(0);
  });
});
