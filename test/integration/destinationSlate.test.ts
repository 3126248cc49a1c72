/**
 * No compositor at all, seen from an RTMP server: three real processes, of which that with the compositors stands still, so that nobody can stand in.
 * compositorPause.test.ts has the one that is replaced.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { packetsOf, uneven } from '../support/flvPackets.ts';
import { readProgram } from '../support/program/readProgram.ts';
import type { Picture } from '../support/program/readTile.ts';
import { RolesApart } from '../support/RolesApart.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { descendantsOf, eventually } from '../support/ServerProcess.ts';

const ROOM = 'paused';
const KEY = 'slate-key';
const PAUSE_SECONDS = 8;
/** A part that is not there for 1 s is replaced; what was on its way, and the rest of a GOP that lost its key frame, may come before and after. */
const SETTLE_SECONDS = 2.5;
const FPS = 30;

let rtmp: RtmpServer;
let roles: RolesApart;
beforeAll(async () => {
  rtmp = await RtmpServer.start();
  roles = await RolesApart.start({ LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' });
});
afterAll(async () => {
  await roles?.stop();
  await rtmp?.close();
});

/** The compositor role and its children, as they are now. */
async function signal(name: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  const { pid } = roles.compositor;
  for (const one of [pid, ...(await descendantsOf(pid)).map((child) => child.pid)]) process.kill(one, name);
}

function meanLuma({ planes, strides, width, height }: Picture): number {
  let sum = 0;
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) sum += planes[0]?.[row * (strides[0] ?? 0) + column] ?? 0;
  return sum / (width * height);
}

test('while the compositor role stands still the RTMP server sees one publish, one still slate, and no hole', async () => {
  const { api } = roles;
  const swarm = new Swarm({ url: roles.sfu.url, peers: 1, token: () => api.joinToken(ROOM, 'host') });
  await swarm.start();
  const { startedAt } = await api.startBroadcast(ROOM, { destinations: [{ name: 'cdn', url: rtmp.url, key: KEY }] });
  const now = () => (Date.now() - (startedAt ?? 0)) / 1000;
  await rtmp.waitFor((c) => c.call === 'publish');
  await eventually(() => now() > 5, 'some seconds of the program are sent');
  const pausedAt = now();
  await signal('SIGSTOP');
  await delay(PAUSE_SECONDS * 1000);
  const resumedAt = now();
  await signal('SIGCONT');
  await eventually(
    async () => (await api.broadcast(ROOM)).state === 'live' && now() > resumedAt + 1,
    'it is live again',
  );
  const backAt = now() + SETTLE_SECONDS;
  await eventually(() => now() > backAt + 2, 'some seconds more');
  const [destination] = (await api.broadcast(ROOM)).destinations;
  expect(destination).toMatchObject({ state: 'live', connects: 1, droppedGops: 0 });
  await api.stopBroadcast(ROOM);
  await swarm.stop();
  const { fields } = await rtmp.waitFor((c) => c.call === 'record_done');
  expect(rtmp.publishes(KEY)).toBe(1);

  const { video, audio } = await packetsOf(fields.path ?? '');
  expect(video[0]).toBeLessThan(pausedAt);
  expect(video.at(-1)).toBeGreaterThan(backAt);
  expect(uneven(video, 1 / FPS)).toEqual([]);
  expect(uneven(audio, 1024 / 48_000)).toEqual([]);

  // Mean brightness of each picture.
  const pictures: { at: number; luma: number }[] = [];
  const program = await readProgram({
    inputs: [fields.path ?? ''],
    onPicture: (picture, at) => pictures.push({ at, luma: meanLuma(picture) }),
  });
  const seen = program.peers.get(0)?.sightings.map(({ at }) => at) ?? [];
  const during = (at: number): boolean => at > pausedAt + SETTLE_SECONDS && at < resumedAt;
  expect(seen.filter((at) => at < pausedAt).length).toBeGreaterThan(2 * FPS);
  expect(seen.filter(during)).toEqual([]);
  expect(seen.filter((at) => at > backAt).length).toBeGreaterThan(FPS);
  const slate = pictures.filter(({ at }) => during(at));
  expect(slate.length).toBeGreaterThan((PAUSE_SECONDS - SETTLE_SECONDS - 1) * FPS);
  // One still picture, and not a black one.
  const lumas = slate.map(({ luma }) => luma);
  expect(Math.max(...lumas) - Math.min(...lumas)).toBeLessThan(1.5);
  expect(Math.min(...lumas)).toBeGreaterThan(17);
});
