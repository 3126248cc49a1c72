/**
 * Handoffs as a viewer has them: for hls.js in a real Chromium nothing happens; and one at 1280x720, frame by frame. The player is some seconds behind the
 * live edge, so that what it plays depends on the program and not on how fast this machine is.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { HlsRecorder } from '../support/program/HlsRecorder.ts';
import { readProgram } from '../support/program/readProgram.ts';
import { breaks, cadence } from '../support/program/timeline.ts';
import { eventually } from '../support/ServerProcess.ts';
import { PATIENCE_MS } from './pages.ts';

/** So far behind the live edge, segments of 2 s. */
const BEHIND_SEGMENTS = 3;

let folder: string;
let browser: TestBrowser;
let fleet: FleetProcesses;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-handoff-'));
  [browser, fleet] = await Promise.all([launchBrowser(), FleetProcesses.start({ agents: 2 })]);
});

afterAll(async () => {
  await browser?.close();
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What the player has counted (client/watch/player/HlsEngine.ts), and how often it had nothing left to play. */
interface Counted {
  gaps: number;
  restarts: number;
  errors: { details: string; fatal: boolean }[];
}
interface Watching {
  lianmai?: { hls?: Counted };
  starved?: number;
}

/** From now on it is counted how often the player is at the end of what it has. */
const watchBuffer = (page: Page) =>
  page.locator('video').evaluate((video: HTMLVideoElement) => {
    const holder = window as unknown as Watching;
    holder.starved = 0;
    setInterval(() => {
      const ends = Array.from({ length: video.buffered.length }, (_, i) => video.buffered.end(i));
      if (!ends.some((end) => end > video.currentTime + 0.1)) holder.starved = (holder.starved ?? 0) + 1;
    }, 50);
  });

const look = (page: Page) =>
  page.locator('video').evaluate((video: HTMLVideoElement) => {
    const { lianmai, starved = 0 } = window as unknown as Watching;
    const { gaps = 0, restarts = 0, errors = [] } = lianmai?.hls ?? {};
    const fatal = errors.filter((error) => error.fatal).length;
    const end = video.buffered.length > 0 ? video.buffered.end(video.buffered.length - 1) : 0;
    return { harm: { starved, gaps, restarts, fatal }, ranges: video.buffered.length, time: video.currentTime, end };
  });

test('hls.js: never without media, no gap, one unbroken stretch', async () => {
  const room = 'watched';
  await fleet.person(room);
  const { playlist } = await fleet.api.startBroadcast(room, { video: SMALL });
  const follower = await PlaylistFollower.start(`${fleet.origin}${playlist}`);
  const page = await browser.browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${fleet.origin}/watch/${room}`);
  await eventually(async () => (await look(page)).time > 2, 'the watch page plays', PATIENCE_MS);
  await page.locator('video').evaluate((video: HTMLVideoElement) => video.pause());
  const { newest } = follower;
  await follower.until((now) => now.newest >= newest + BEHIND_SEGMENTS, 'it is behind');
  await page.locator('video').evaluate((video: HTMLVideoElement) => video.play());
  await watchBuffer(page);
  const { harm } = await look(page);
  expect(await fleet.api.handOver(room)).toMatchObject({ state: 'live', restarts: 0 });
  // What is loaded after this the successor has made.
  const { end } = await look(page);
  await eventually(async () => (await look(page)).time > end + 4, 'it plays what the successor made', PATIENCE_MS);
  const after = await look(page);
  expect([after.harm, after.ranges]).toEqual([{ ...harm, starved: 0 }, 1]);
  expect([follower.gaps, follower.discontinuities, follower.inits.size, follower.backwards]).toEqual([[], 0, 1, []]);
  follower.close();
  await page.close();
  await fleet.api.stopBroadcast(room);
});

test('at 1280x720: every frame of the grid once, the sound without a hole', async () => {
  const [room, fps] = ['large', 15 as const];
  await fleet.person(room);
  const video = { width: 1280, height: 720, fps, bitrate: 1_000_000 } as const;
  const { playlist } = await fleet.api.startBroadcast(room, { video });
  const recorder = await HlsRecorder.start({ url: `${fleet.origin}${playlist}`, folder });
  await recorder.segments(2);
  expect(await fleet.api.handOver(room)).toMatchObject({ state: 'live', restarts: 0 });
  await recorder.segments((recorder.tracks[0]?.segments.length ?? 0) + 3);
  await fleet.api.stopBroadcast(room);
  await recorder.finished();
  for (const { gaps, missed, discontinuities, inits } of recorder.tracks)
    expect([gaps, missed, discontinuities, inits.size]).toEqual([[], 0, 0, 1]);
  const file = (name: string) => recorder.tracks.find((track) => track.name === name)?.file ?? '';
  const program = await readProgram({ inputs: [file('v720'), file('a0')] });
  expect(cadence(program.videoTimes, fps)).toMatchObject({ missing: 0, doubled: 0, offGrid: 0 });
  expect(breaks(program.audioPackets)).toEqual([]);
  const metrics = await fleet.metrics(fleet.sfu);
  expect(metrics).toMatch(/^lianmai_handoffs_total\{[^}]*outcome="done"[^}]*\} 2$/m);
  expect(metrics).toMatch(/^lianmai_lost_frames_total 0$/m);
});
