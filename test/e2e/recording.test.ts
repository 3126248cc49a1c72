/** A recording of the whole server: made with a compositor that is killed in it, opened with ffprobe and in Chromium. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Recording, RecordingList } from '../../src/contracts/recording.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { decode, probe } from '../support/mediaFiles.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'recorded';
const HEAL_MS = 60_000;
const FRAME_SECONDS = 1 / 30;
const PART_SECONDS = 1 / 3;
const SEGMENT_MS = 2_000;
/** How long it goes on after the kill. A real length, five minutes: TEST_RECORDED_SEGMENTS=150. */
const SEGMENTS_AFTER_KILL = Number(process.env.TEST_RECORDED_SEGMENTS ?? 3);
const HLS_JS = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js');

let folder: string;
let server: ServerProcess;
let api: ServerApi;
let swarm: Swarm;
let browser: TestBrowser;
let page: Page;
let recording: Recording;

const newestSegment = async (): Promise<number> => {
  const { playlist } = await api.broadcast(ROOM);
  const multivariant = await (await fetch(`${server.url}${playlist}`)).text();
  const media = await (
    await fetch(new URL(multivariant.match(/^b.*index\.m3u8$/m)?.[0] ?? '', `${server.url}${playlist}`))
  ).text();
  return Math.max(-1, ...[...media.matchAll(/^(\d+)\.m4s$/gm)].map((m) => Number(m[1])));
};

async function showMore(segments: number): Promise<void> {
  const from = await newestSegment();
  await eventually(
    async () => (await newestSegment()) >= from + segments,
    `${segments} segments more`,
    HEAL_MS + segments * SEGMENT_MS,
  );
}

beforeAll(
  async () => {
    folder = process.env.TEST_PICTURE_FOLDER ?? (await mkdtemp(join(tmpdir(), 'lianmai-recording-')));
    server = await ServerProcess.start();
    api = new ServerApi(server.url);
    swarm = new Swarm({ url: server.url, peers: 2, token: () => api.joinToken(ROOM, 'host') });
    await swarm.start();
    const status = await api.startBroadcast(ROOM, { record: true, dvrSeconds: 120, renditions: [{ height: 360 }] });
    expect(status.recording).toMatchObject({ id: `r${status.id.slice(1)}`, state: 'recording', complete: true });
    await eventually(async () => (await newestSegment()) >= 3, 'the program runs', HEAL_MS);
    const lines = server.logs().filter((line) => line.msg === 'compositor bound');
    process.kill(Number(lines.at(-1)?.pid), 'SIGKILL');
    await eventually(async () => (await api.broadcast(ROOM)).restarts === 1, 'the compositor is replaced', HEAL_MS);
    await eventually(async () => (await api.broadcast(ROOM)).state === 'live', 'the program goes on', HEAL_MS);
    await showMore(SEGMENTS_AFTER_KILL);
    await savePicture(`${server.url}/live/${ROOM}/${status.id}/poster.jpg`, 'live.jpg');
    await fetch(`${server.url}/v1/rooms/${ROOM}/broadcast`, { method: 'DELETE' });
    const of = async (): Promise<Recording> =>
      Recording.parse(await (await fetch(`${server.url}/v1/recordings/r${status.id.slice(1)}`)).json());
    await eventually(async () => !['recording', 'processing'].includes((await of()).state), 'it is finished', HEAL_MS);
    recording = await of();
    browser = await launchBrowser();
    page = await browser.browser.newPage();
    // Any page of the server's own origin, without a content security policy.
    await page.goto(`${server.url}/openapi.json`);
    await page.addScriptTag({ path: HLS_JS });
  },
  2 * HEAL_MS + SEGMENTS_AFTER_KILL * SEGMENT_MS,
);

afterAll(async () => {
  await browser?.close();
  await swarm?.stop();
  await server?.stop();
  if (!process.env.TEST_PICTURE_FOLDER) await rm(folder, { recursive: true, force: true });
});

async function savePicture(url: string, name: string): Promise<string> {
  const picture = await fetch(url);
  expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  const path = join(folder, name);
  await writeFile(path, Buffer.from(await picture.arrayBuffer()));
  return path;
}

test('it is finished, and in the list of its room', async () => {
  expect(recording).toMatchObject({ state: 'finished', complete: true, room: ROOM });
  expect(recording.slateSegments).toBeGreaterThanOrEqual(1);
  const list = await (await fetch(`${server.url}/v1/recordings?room=${ROOM}`)).json();
  expect(RecordingList.parse(list).recordings).toEqual([recording]);
  await expect.poll(async () => (await api.broadcast(ROOM)).recording?.state).toBe('finished');
});

test('ffprobe: HLS and MP4 have the same duration, right to one frame, and no frame is missing over the kill', async () => {
  for (const path of [recording.mp4, recording.playlist]) {
    const source = `${server.url}${path}`;
    const { format } = await probe(source);
    expect(Math.abs(format.duration - recording.durationSeconds)).toBeLessThan(FRAME_SECONDS);
    const { complaints, times } = await decode(source);
    expect(complaints).toBe('');
    // In place of a slate that was not made yet there is one picture a part.
    const steps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(Math.max(...steps)).toBeLessThan(PART_SECONDS + 0.002);
    expect(times.length).toBeGreaterThan((recording.durationSeconds - 2 * recording.slateSegments) * 30 - 1);
    expect(Math.abs((times.at(-1) ?? 0) - (times[0] ?? 0) - recording.durationSeconds)).toBeLessThan(2 * FRAME_SECONDS);
  }
});

/** Plays the first second, then jumps near the end, and plays to it; where the video says that it is over, s. */
async function playThrough(): Promise<{ duration: number; end: number }> {
  return page.evaluate(async () => {
    const video = document.querySelector('video') as HTMLVideoElement;
    const once = (name: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        video.addEventListener(name, resolve, { once: true });
        video.addEventListener('error', () => reject(new Error(video.error?.message)), { once: true });
      });
    video.muted = true;
    await video.play();
    while (video.currentTime < 1) await once('timeupdate');
    video.currentTime = video.duration - 2;
    await once('seeked');
    await video.play();
    if (!video.ended) await once('ended');
    return { duration: video.duration, end: video.currentTime };
  });
}

test('Chromium plays the MP4, seeks in it, and comes to its end', async () => {
  await page.evaluate((url) => {
    document.body.innerHTML = '<video></video>';
    (document.querySelector('video') as HTMLVideoElement).src = url;
  }, `${server.url}${recording.mp4}`);
  const { duration, end } = await playThrough();
  expect(Math.abs(duration - recording.durationSeconds)).toBeLessThan(FRAME_SECONDS);
  expect(Math.abs(end - duration)).toBeLessThan(FRAME_SECONDS);
});

test('Chromium plays the HLS with hls.js, with both qualities, and comes to its end', async () => {
  const levels = await page.evaluate(async (url) => {
    document.body.innerHTML = '<video></video>';
    // biome-ignore lint/suspicious/noExplicitAny: hls.js as a global of the page
    const { Hls } = window as any;
    const hls = new Hls();
    hls.loadSource(url);
    hls.attachMedia(document.querySelector('video'));
    await new Promise((resolve, reject) => {
      hls.on(Hls.Events.FRAG_BUFFERED, resolve);
      hls.on(Hls.Events.ERROR, (_: unknown, data: { fatal: boolean; details: string }) => {
        if (data.fatal) reject(new Error(data.details));
      });
    });
    return hls.levels.map((level: { height: number }) => level.height);
  }, `${server.url}${recording.playlist}`);
  expect(levels.toSorted((a: number, b: number) => a - b)).toEqual([360, 720]);
  const { duration } = await playThrough();
  expect(Math.abs(duration - recording.durationSeconds)).toBeLessThan(2 * FRAME_SECONDS);
});

test('poster and thumbnails show the program', async () => {
  const poster = await probe(await savePicture(`${server.url}${recording.poster}`, 'poster.jpg'));
  expect(poster.streams[0]).toMatchObject({ width: 1280, height: 720 });
  const track = await (await fetch(`${server.url}${recording.thumbnails}`)).text();
  expect(track).toContain('thumbnails/0.jpg#xywh=0,0,160,90');
  const sheet = new URL('thumbnails/0.jpg', `${server.url}${recording.thumbnails}`).href;
  // Ten in a row.
  const height = 90 * Math.ceil((track.match(/thumbnails\/0\.jpg#/g)?.length ?? 0) / 10);
  expect((await probe(await savePicture(sheet, 'sheet.jpg'))).streams[0]).toMatchObject({ width: 1600, height });
});

test('deleted by the API, it is gone', async () => {
  expect((await fetch(`${server.url}/v1/recordings/${recording.id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await fetch(`${server.url}/v1/recordings/${recording.id}`)).status).toBe(404);
  expect((await fetch(`${server.url}${recording.mp4}`)).status).toBe(404);
});
