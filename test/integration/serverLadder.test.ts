/** A broadcast with three video qualities, read back from its HLS output; its compositor dies on the way, and its encoder is not to be had. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { complaints, probe } from '../support/pipelineHarness.ts';
import { HlsRecorder } from '../support/program/HlsRecorder.ts';
import { descendantsOf, eventually, ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'ladder';
const FRAMES_A_SEGMENT = 60;
const TICKS_A_FRAME = 3000;

let folder: string;
let server: ServerProcess;
let api: ServerApi;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-ladder-'));
  // No test machine has a graphics card: libx264 stands in.
  server = await ServerProcess.start({ LIANMAI_VIDEO_ENCODER: 'h264_nvenc' });
  api = new ServerApi(server.url);
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('all qualities have the same frames and key frames, before and after a compositor was lost, and one init segment each', async () => {
  const swarm = new Swarm({ url: server.url, peers: 2, token: () => api.joinToken(ROOM, 'host') });
  await swarm.start();
  const started = await api.startBroadcast(ROOM, {
    video: { width: 640, height: 360, bitrate: 900_000 },
    renditions: [{ height: 144 }, { height: 240, bitrate: 400_000 }],
  });
  expect(started.renditions.map(({ id, width, height }) => [id, width, height])).toEqual([
    ['v360', 640, 360],
    ['v240', 426, 240],
    ['v144', 256, 144],
  ]);
  await server.waitForLog((line) => line.msg.includes('another stands in'));
  const recorder = await HlsRecorder.start({ url: `${server.url}${started.playlist}`, folder });
  await recorder.segments(3);
  const multivariant = await (await fetch(`${server.url}${started.playlist}`)).text();
  const variants = [...multivariant.matchAll(/#EXT-X-STREAM-INF:(.*)\n(.*)/g)].map(([, inf = '', uri = '']) => [
    uri.split('/')[1],
    /RESOLUTION=(\w+)/.exec(inf)?.[1],
    Number(/BANDWIDTH=(\d+)/.exec(inf)?.[1]),
  ]);
  expect(variants.map((variant) => variant.slice(0, 2))).toEqual([
    ['v360', '640x360'],
    ['v240', '426x240'],
    ['v144', '256x144'],
  ]);
  expect(variants.map(([, , bandwidth]) => bandwidth)).toEqual(
    variants.map(([, , bandwidth]) => bandwidth).sort((a, b) => Number(b) - Number(a)),
  );
  // Each playlist reports on all others.
  const media = await (
    await fetch(new URL(`${started.id}/v240/index.m3u8`, `${server.url}${started.playlist}`))
  ).text();
  const reported = [...media.matchAll(/RENDITION-REPORT:URI="\.\.\/(\w+)\//g)].map(([, id]) => id);
  expect(reported).toEqual(['v360', 'v144', 'a0', 'captions']);

  const compositors = (await descendantsOf(server.pid)).filter(({ command }) =>
    command.some((c) => c.endsWith('compositor/main.ts')),
  );
  const inUse = (await server.waitForLog((line) => line.msg === 'compositor opened')).pid;
  process.kill(Number(compositors.find(({ pid }) => pid === inUse)?.pid), 'SIGKILL');
  await eventually(async () => (await api.broadcast(ROOM)).restarts === 1, 'the compositor was replaced');
  const before = recorder.tracks[0]?.segments.length ?? 0;
  await recorder.segments(before + 3);
  await swarm.stop();
  await api.stopBroadcast(ROOM);
  await recorder.finished();

  const names = recorder.tracks.map((track) => track.name).sort();
  expect(names).toEqual(['a0', 'v144', 'v240', 'v360']);
  const gaps = recorder.tracks[0]?.gaps.map(numberOf);
  const times = recorder.tracks.map(({ name, file, inits, missed, gaps: lost, discontinuities }) => {
    expect([missed, discontinuities, inits.size, lost.map(numberOf)], name).toEqual([0, 0, 1, gaps]);
    if (name === 'a0') return null;
    const packets = probe(file, 'packets', 'pts,flags');
    const frames = packets.map((p) => Number(p.pts) / TICKS_A_FRAME);
    const keys = packets.flatMap((p) => (p.flags?.startsWith('K') ? [Number(p.pts) / TICKS_A_FRAME] : []));
    expect(keys, name).toEqual(frames.filter((n) => n % FRAMES_A_SEGMENT === 0));
    expect(complaints(file), name).toBe('');
    return frames;
  });
  const [first, ...others] = times.filter((frames) => frames !== null);
  expect(first?.length).toBeGreaterThan(5 * FRAMES_A_SEGMENT);
  for (const frames of others) expect(frames).toEqual(first);
  // Said once, although two compositors have worked: the second was told what to use.
  expect(server.logs().filter(({ msg }) => msg.includes('another stands in'))).toHaveLength(1);
  expect(server.logs().filter(({ msg }) => msg.includes('libx264 stands in'))).toHaveLength(1);
});

/** Segments of all renditions are named by their number. */
const numberOf = (uri: string): string => /(\d+)\.m4s$/.exec(uri)?.[1] ?? uri;
