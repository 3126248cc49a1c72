/**
 * The main job as people do it: two browsers join by the studio page, the host goes live by its button, a third browser
 * watches, a real RTMP server receives the same program, and a third person comes and goes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import type { RoomSummary } from '../../src/contracts/api.ts';
import { gridLayout } from '../../src/layout/grid.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { type Colour, colourDistance, grabPicture, meanColour, packetsOf } from '../support/frames.ts';
import { HlsRecorder } from '../support/program/HlsRecorder.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'demo';
const STREAM_KEY = 'stream-key-of-the-test';
const WIDTH = 1280;
const HEIGHT = 720;
/** What 4:2:0, VP8 and x264 leave of a flat colour, in one channel of 255. */
const COLOUR_TOLERANCE = 40;
const ANN: Colour = [200, 30, 30];
const BOB: Colour = [30, 160, 40];
const hex = (c: Colour) => `0x${c.map((v) => v.toString(16).padStart(2, '0')).join('')}`;

let folder: string;
let server: ServerProcess;
let rtmp: RtmpServer;
const browsers: TestBrowser[] = [];
const pageErrors: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-e2e-'));
  rtmp = await RtmpServer.start();
  server = await ServerProcess.start({ LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' });
});

afterAll(async () => {
  for (const browser of browsers) await browser.close();
  await server?.stop();
  await rtmp?.close();
  await rm(folder, { recursive: true, force: true });
});

async function openPage(path: string, colour?: Colour): Promise<Page> {
  const browser = await launchBrowser(colour ? { colour: hex(colour) } : {});
  browsers.push(browser);
  const context = await browser.browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => pageErrors.push(`${path}: ${error.message}`));
  await page.goto(server.url + path);
  return page;
}

async function summary(): Promise<RoomSummary> {
  return (await (await fetch(`${server.url}/v1/rooms/${ROOM}`)).json()) as RoomSummary;
}

/** The colours of the program's cells for `count` people, read from the newest picture of the HLS program. */
async function cellsOf(input: string, count: number, options: string[] = []): Promise<Colour[]> {
  const picture = await grabPicture(input, WIDTH, HEIGHT, options);
  return gridLayout(count, WIDTH, HEIGHT).map((cell) => meanColour(picture, cell));
}

const near = (a: Colour | undefined, b: Colour) => a !== undefined && colourDistance(a, b) <= COLOUR_TOLERANCE;

test('two browsers go live; HLS and RTMP show both in their cells; a third comes and goes without a trace in the timing', async () => {
  const ann = await openPage('/', ANN);
  await ann.getByTestId('name').fill('Ann');
  await ann.getByTestId('room').fill(ROOM);
  await ann.getByTestId('start').click();
  await ann.getByTestId('join').click();

  const invitation = (await (
    await fetch(`${server.url}/v1/rooms/${ROOM}/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ role: 'cohost', name: 'Bob' }),
    })
  ).json()) as { path: string };
  const bob = await openPage(invitation.path, BOB);
  await bob.getByTestId('join').click();

  // Each sees the other.
  for (const page of [ann, bob]) {
    await expect.poll(() => page.getByTestId('tile').count(), { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
  }

  const watch = await openPage(`/watch/${ROOM}`);
  await expect.poll(() => watch.getByTestId('state').getAttribute('data-state'), { timeout: 20_000 }).toBe('idle');

  await ann.getByTestId('add-destination').click();
  await ann.getByTestId('destination-url').fill(rtmp.url);
  await ann.getByTestId('destination-key').fill(STREAM_KEY);
  await ann.getByTestId('go-live').click();
  await ann.getByTestId('live-state').waitFor({ timeout: 30_000 });

  const multivariant = `${server.url}/live/${ROOM}/index.m3u8`;
  await eventually(async () => (await fetch(multivariant)).ok, 'the multivariant playlist is there');
  const recorder = await HlsRecorder.start({ url: multivariant, folder });

  // The watch page plays: time goes on, the resolution is right, nothing fatal.
  const video = watch.locator('video');
  await expect.poll(() => video.evaluate((v: HTMLVideoElement) => v.videoWidth), { timeout: 30_000 }).toBe(WIDTH);
  const before = await video.evaluate((v: HTMLVideoElement) => v.currentTime);
  await expect
    .poll(() => video.evaluate((v: HTMLVideoElement) => v.currentTime), { timeout: 30_000 })
    .toBeGreaterThan(before + 4);
  await expect.poll(async () => (await summary()).broadcast?.destinations[0]?.state, { timeout: 20_000 }).toBe('live');

  // Both people are in their cells, in the order of their seats.
  await expect
    .poll(async () => (await cellsOf(multivariant, 2)).map((c, i) => near(c, i === 0 ? ANN : BOB)), { timeout: 30_000 })
    .toEqual([true, true]);

  // A third person joins: three cells.
  const api = new ServerApi(server.url);
  const swarm = new Swarm({ url: server.url, peers: 1, token: () => api.joinToken(ROOM, 'cohost', 'Cat') });
  await swarm.start();
  await expect
    .poll(
      async () => {
        const cells = await cellsOf(multivariant, 3);
        return near(cells[0], ANN) && near(cells[1], BOB) && !near(cells[2], ANN) && !near(cells[2], BOB);
      },
      { timeout: 30_000 },
    )
    .toBe(true);
  await swarm.stop();
  await expect
    .poll(async () => (await cellsOf(multivariant, 2)).map((c, i) => near(c, i === 0 ? ANN : BOB)), { timeout: 30_000 })
    .toEqual([true, true]);

  await ann.getByTestId('stop-live').click();
  await ann.getByTestId('confirm-stop').click();
  await expect.poll(() => watch.getByTestId('state').getAttribute('data-state'), { timeout: 30_000 }).toBe('ended');
  await recorder.finished();

  await checkTiming(recorder);
  await rtmp.waitFor((call) => call.call === 'record_done' && call.name === STREAM_KEY);
  expect(rtmp.publishes(STREAM_KEY)).toBe(1);
  const [flv = ''] = await rtmp.recordings();
  await checkRtmp(flv);
  const errors = await watch.evaluate(() => {
    const { lianmai } = window as unknown as { lianmai: { hls: { errors: { fatal: boolean; details: string }[] } } };
    return lianmai.hls.errors;
  });
  expect(errors.filter((error) => error.fatal)).toEqual([]);
  expect(pageErrors).toEqual([]);
});

/** Video frames exactly 1/30 s apart, audio without a hole, one init segment, media sequence never back. */
async function checkTiming(recorder: HlsRecorder): Promise<void> {
  expect(recorder.tracks.map((track) => track.name).sort()).toEqual(['a0', 'v720']);
  for (const track of recorder.tracks) {
    expect(track.inits.size).toBe(1);
    expect(track.sequences).toEqual(track.sequences.toSorted((a, b) => a - b));
    expect([track.gaps, track.missed, track.discontinuities]).toEqual([[], 0, 0]);
    expect(track.segments.length).toBeGreaterThan(3);
    const video = track.name === 'v720';
    const step = video ? 1 / 30 : 1024 / 48_000;
    const times = (await packetsOf(track.file, video ? 'v' : 'a')).map((p) => p.ptsS);
    const wrong = times.slice(1).filter((t, i) => Math.abs(t - (times[i] ?? 0) - step) > 2e-5);
    expect(wrong).toEqual([]);
  }
}

/** The RTMP server got the same program: its pictures show both people, its frames are a frame apart (FLV counts in ms). */
async function checkRtmp(file: string): Promise<void> {
  const cells = await cellsOf(file, 2, ['-ss', '3']);
  expect(cells.map((c, i) => near(c, i === 0 ? ANN : BOB))).toEqual([true, true]);
  const times = (await packetsOf(file, 'v')).map((p) => p.ptsS);
  expect(times.length).toBeGreaterThan(150);
  const wrong = times.slice(1).filter((t, i) => Math.abs(t - (times[i] ?? 0) - 1 / 30) > 0.0015);
  expect(wrong).toEqual([]);
}
