/**
 * Ten minutes of a program for a server that takes nothing, and for one that takes 100 kbit/s: what waits for it is bounded. The program comes as fast as
 * it can be made, and nobody notices that the server hangs, since the clock by which that is judged stands still: the worst that can be.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { residentBytesOf } from '../../scripts/bench/support/residentBytes.ts';
import { monotonicClock } from '../../src/common/clock.ts';
import { destinationPolicy } from '../../src/delivery/destinationPolicy.ts';
import { PresetFiles } from '../../src/delivery/destinations/PresetFiles.ts';
import { ProgramFeed } from '../../src/delivery/destinations/ProgramFeed.ts';
import { PushConnection } from '../../src/delivery/destinations/PushConnection.ts';
import { parseInit } from '../../src/delivery/mp4/initSegment.ts';
import { FaultyProxy } from '../support/FaultyProxy.ts';
import { GRID, ProgramRun, SMALL, TestClip } from '../support/programParts.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { SlowLink } from '../support/SlowLink.ts';

const BITRATE = 2_500_000;
const PARTS_PER_MINUTE = 180;
const GOPS_PER_MINUTE = 30;
const LOOK_EVERY_PARTS = 30;
/** Until a server that has accepted the stream is told to be live, ms. */
const LIVE_MS = 5000;
/** What is held of nine minutes' 169 MB may grow by so much, octets: the queue has 8 s, 2.5 MB, before and after. */
const HELD_LIMIT_BYTES = 8 * 1024 * 1024;
/** And what is resident, of this process and its ffmpeg: what was freed is not given back at once. */
const RESIDENT_LIMIT_BYTES = 48 * 1024 * 1024;

/** The program is made some hundred times as fast as it is played: without this, what is measured is when the collector comes. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let clip: TestClip;
let server: RtmpServer;
beforeAll(async () => {
  clip = await TestClip.make('testsrc2', 'sine=f=440', { ...SMALL, bitrate: BITRATE });
  server = await RtmpServer.start();
});
afterAll(async () => {
  await server.close();
  clip.close();
});

/** A program that is pushed to `port`, made minute by minute. */
async function pushing(port: number) {
  const presets = await PresetFiles.create(server.folder);
  onTestFinished(() => presets.close());
  const feed = new ProgramFeed(GRID);
  for (const kind of ['video', 'audio'] as const)
    feed.setInit(kind, { bytes: clip.inits[kind], info: parseInit(clip.inits[kind]) });
  const startedAt = monotonicClock.now();
  const push = new PushConnection({
    destination: await destinationPolicy({ allowPrivate: true })(`rtmp://127.0.0.1:${port}/live/memory`),
    init: feed.init ?? Buffer.alloc(0),
    ffmpegPath: 'ffmpeg',
    presets,
    clock: { now: () => startedAt },
  });
  onTestFinished(() => push.close());
  const seen = { dropped: 0, bytes: 0, heldBytes: 0, residentBytes: 0 };
  feed.on('fragment', (fragment) => {
    seen.bytes += fragment.bytes.length;
    seen.dropped += push.push(fragment);
  });
  const run = new ProgramRun(clip, 0);
  onTestFinished(() => run.close());
  const look = async (): Promise<void> => {
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    seen.heldBytes = Math.max(seen.heldBytes, heapUsed + external);
    seen.residentBytes = Math.max(seen.residentBytes, rss + (await residentBytesOf(push.pid ?? 0)));
  };
  const minutes = async (count: number): Promise<void> => {
    for (let part = 0; part < count * PARTS_PER_MINUTE; part++) {
      const { segment, part: k, video, audio } = run.next();
      feed.program(segment, k, video, audio);
      if (part % 6 === 5) await turn();
      if (part % LOOK_EVERY_PARTS === 0 && push.state === 'live') await look();
    }
  };
  const live = new Promise<number>((resolve) => push.once('live', () => resolve(monotonicClock.now() - startedAt)));
  await push.start();
  return { push, seen, minutes, live };
}

test.each(['takes nothing (a zero window)', 'takes 100 kbit/s'])('a server that %s', async (what) => {
  const slow = what.includes('kbit') ? await SlowLink.start(server.port, 12_500) : undefined;
  const proxy = await FaultyProxy.start(() => slow?.port ?? server.port);
  onTestFinished(async () => {
    await proxy.close();
    await slow?.close();
  });
  const { push, seen, minutes, live } = await pushing(slow?.port ?? proxy.port);
  await minutes(1);
  // Though it has been given much more than it can take in that time.
  expect(await live).toBeLessThan(LIVE_MS);
  if (!slow) proxy.stall();
  await minutes(1);
  const before = { ...seen };
  await minutes(9);
  expect(seen.bytes - before.bytes).toBeGreaterThan((0.8 * 9 * 60 * BITRATE) / 8);
  expect(push.state).toBe('live');
  expect(seen.dropped - before.dropped).toBeGreaterThan(9 * GOPS_PER_MINUTE - 20);
  expect(seen.heldBytes - before.heldBytes).toBeLessThan(HELD_LIMIT_BYTES);
  expect(seen.residentBytes - before.residentBytes).toBeLessThan(RESIDENT_LIMIT_BYTES);
});
