/**
 * A handoff at 1280x720 while somebody watches: for hls.js in a real Chromium nothing happens. The player is some seconds behind the live edge, so
 * that what it plays depends on the program and not on how fast this machine is.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { FleetProcesses } from '../support/FleetProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { eventually } from '../support/ServerProcess.ts';
import { PATIENCE_MS } from './pages.ts';

const ROOM = 'moved';
const VIDEO = { width: 1280, height: 720, fps: 15, bitrate: 800_000 } as const;
/** So far behind the live edge, segments of 2 s. */
const BEHIND_SEGMENTS = 3;

let browser: TestBrowser;
let fleet: FleetProcesses;
let follower: PlaylistFollower | undefined;

beforeAll(async () => {
  [browser, fleet] = await Promise.all([launchBrowser(), FleetProcesses.start({ agents: 2 })]);
});

afterAll(async () => {
  follower?.close();
  await browser?.close();
  await fleet?.stop();
});

/** What the player has counted (client/watch/player/HlsEngine.ts). */
interface Counted {
  stalls: number;
  gaps: number;
  restarts: number;
  errors: { details: string; fatal: boolean }[];
}

const look = (page: Page) =>
  page.locator('video').evaluate((video: HTMLVideoElement) => {
    const none: Counted = { stalls: 0, gaps: 0, restarts: 0, errors: [] };
    const hls = (window as unknown as { lianmai?: { hls?: Counted } }).lianmai?.hls ?? none;
    const ends = Array.from({ length: video.buffered.length }, (_, i) => video.buffered.end(i));
    return { hls, time: video.currentTime, width: video.videoWidth, ranges: ends.length, end: ends.at(-1) ?? 0 };
  });

test('a handoff: no stall, no gap, one unbroken stretch of media', async () => {
  await fleet.person(ROOM);
  const { playlist } = await fleet.api.startBroadcast(ROOM, { video: VIDEO });
  follower = await PlaylistFollower.start(`${fleet.origin}${playlist}`);
  const page = await browser.browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${fleet.origin}/watch/${ROOM}`);
  await eventually(async () => (await look(page)).time > 2, 'the watch page plays', PATIENCE_MS);
  await page.locator('video').evaluate((video: HTMLVideoElement) => video.pause());
  const { newest } = follower;
  await follower.until((now) => now.newest >= newest + BEHIND_SEGMENTS, 'it is behind');
  await page.locator('video').evaluate((video: HTMLVideoElement) => video.play());
  const before = await look(page);
  expect(await fleet.api.handOver(ROOM)).toMatchObject({ state: 'live', restarts: 0 });
  // Loaded by then: what the successor made.
  const { end } = await look(page);
  await eventually(async () => (await look(page)).time > end + 4, 'it plays what the successor made', PATIENCE_MS);
  const after = await look(page);
  expect(after.width).toBe(VIDEO.width);
  expect([after.hls.stalls, after.hls.gaps, after.hls.restarts]).toEqual([
    ...[before.hls.stalls, before.hls.gaps, before.hls.restarts],
  ]);
  expect(after.hls.errors.slice(before.hls.errors.length)).toEqual([]);
  expect(after.ranges).toBe(1);
  expect([follower.gaps, follower.discontinuities, follower.inits.size, follower.backwards]).toEqual([[], 0, 1, []]);
  const metrics = await fleet.metrics(fleet.sfu);
  expect(metrics).toMatch(/^lianmai_handoffs_total\{[^}]*outcome="done"[^}]*\} 1$/m);
  expect(metrics).toMatch(/^lianmai_lost_frames_total 0$/m);
});
