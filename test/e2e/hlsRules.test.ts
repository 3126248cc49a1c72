/**
 * A live broadcast of the real server, in which somebody joins and the compositor is killed, checked against all rules of HLS that we
 * know of, and read by everybody else's readers. One server, one broadcast; the tests look at what was seen.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CheckResult, checkPresentation, mediaUrlsOf } from '../../scripts/hlsCheck/checkPresentation.ts';
import { parsePlaylist } from '../../scripts/hlsCheck/parse/parsePlaylist.ts';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import {
  ffprobeOn,
  type GstreamerReading,
  gstreamerOn,
  hlsParserOn,
  m3u8ParserOn,
  type ProbedStream,
} from '../support/hls/otherReaders.ts';
import { decodeMedia } from '../support/program/decodeMedia.ts';
import { breaks } from '../support/program/timeline.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';
import { PATIENCE_MS, Pages } from './pages.ts';

const ROOM = 'rules';
const FPS = 24;
/** Small: two cores do all of it. */
const INPUT = {
  video: { width: 320, height: 180, fps: FPS, bitrate: 300_000 } as const,
  audio: { bitrate: 64_000 },
  captions: [{ language: 'en' }],
};
/** Long enough that a segment comes, is dropped from the list, and may go: 30 s are listed. */
const SECONDS = 24;
/** What GStreamer reads of each stream: of the sound alone, more than a segment. */
const BYTES = 20_000;
/**
 * What hls.js says, without being hurt, when the program is not there or not in time, because a compositor was killed. It waits for a
 * blocking reload no longer than for some parts.
 */
const STARVED = [
  ...['bufferStalledError', 'bufferNudgeOnStall', 'bufferSeekOverHole', 'fragGap'],
  ...['levelEmptyError', 'levelLoadTimeOut', 'audioTrackLoadTimeOut', 'aborted'],
];

interface PlayerStats {
  errors: { details: string; fatal: boolean }[];
  restarts: number;
  gaps: number;
}

let server: ServerProcess;
let api: ServerApi;
let swarm: Swarm;
let browser: TestBrowser;
let page: Page;
let live: CheckResult;
let ended: CheckResult;
let probed: { complaints: string; streams: ProbedStream[] };
let gstreamer: GstreamerReading;
let player: PlayerStats;
let folder: string;
/** Every playlist text that was seen, whole and delta, of all renditions. */
const texts = new Set<string>();
const pages = new Pages();

const textOf = async (url: string): Promise<string> => (await fetch(url)).text();

/** Keeps each version that has another segment, until the broadcast ends. */
async function collect(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const playlist = parsePlaylist(Buffer.from(await textOf(url)), () => undefined);
    if (playlist.kind !== 'media' || playlist.ended) return;
    const next = (playlist.segments.findLast(({ uri }) => uri !== null)?.msn ?? -1) + 1;
    for (const query of [`_HLS_msn=${next}`, `_HLS_msn=${next}&_HLS_part=1`, `_HLS_msn=${next}&_HLS_skip=YES`]) {
      const text = await textOf(`${url}?${query}`);
      if (text.startsWith('#EXTM3U')) texts.add(text);
    }
  }
}

/** Stays until the next one: over whatever segments come. */
const say = (text: string) => api.caption(ROOM, { text, durationMs: null });

async function killCompositor(): Promise<void> {
  const bound = server.logs().findLast(({ msg }) => msg === 'compositor bound');
  process.kill(Number(bound?.pid), 'SIGKILL');
  const ready = () => server.logs().filter(({ msg }) => msg === 'compositor ready').length >= 2;
  await eventually(ready, 'another compositor is ready', PATIENCE_MS);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-rules-'));
  server = await ServerProcess.start({ LIANMAI_LOG_LEVEL: 'info' });
  api = new ServerApi(server.url);
  const token = (n: number) => api.joinToken(ROOM, n === 0 ? 'host' : 'cohost');
  swarm = new Swarm({ url: server.url, peers: 2, present: 1, token });
  await swarm.start();
  browser = await launchBrowser();
  const { playlist } = await api.startBroadcast(ROOM, INPUT);
  const url = server.url + playlist;
  await eventually(async () => (await fetch(url)).ok, 'there is a playlist');
  const checking = checkPresentation({ url, seconds: SECONDS });
  page = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
  const multivariant = await textOf(url);
  texts.add(multivariant);
  const parsed = parsePlaylist(Buffer.from(multivariant), () => undefined);
  const medias = parsed.kind === 'multivariant' ? mediaUrlsOf(parsed, url) : [];
  const over = new AbortController();
  const collecting = medias.map((media) => collect(media, over.signal));
  const segments = (count: number) => textOf(`${medias[0]}?_HLS_msn=${count}`);
  await segments(2);
  await say('Hello <b>& welcome</b>');
  await swarm.join(1);
  await segments(4);
  await say('大家好 👋🏽');
  await killCompositor();
  live = await checking;
  [probed, gstreamer] = await Promise.all([ffprobeOn(url), gstreamerOn(url, folder, BYTES)]);
  player = await page.evaluate(() => (globalThis as unknown as { lianmai: { hls: PlayerStats } }).lianmai.hls);
  await api.stopBroadcast(ROOM);
  over.abort();
  await Promise.all(collecting);
  for (const each of [url, ...medias]) texts.add(await textOf(each));
  ended = await checkPresentation({ url, seconds: 5 });
});

afterAll(async () => {
  await browser?.close();
  await swarm?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('hls-check', () => {
  test('has no finding while somebody joins and a compositor is killed', () => {
    expect(live.findings).toEqual([]);
    // It was no idle look: all renditions, part by part, and what was lost.
    expect(live.renditions).toHaveLength(3);
    for (const { url, versions, seconds } of live.renditions) {
      // Captions have a new version a segment, the others one a part.
      expect(versions).toBeGreaterThan(url.includes('/captions/') ? 5 : 30);
      expect(seconds).toBeGreaterThan(10);
    }
    expect([...texts].some((text) => text.includes('#EXT-X-GAP'))).toBe(true);
    expect([...texts].some((text) => text.includes('#EXT-X-SKIP'))).toBe(true);
  });

  test('has no finding when the broadcast has ended', () => {
    expect(ended.findings).toEqual([]);
    expect([...texts].some((text) => text.includes('#EXT-X-ENDLIST'))).toBe(true);
  });
});

describe('read without complaint', () => {
  test('by hls-parser in strict mode', () => {
    for (const text of texts) expect(() => hlsParserOn(text), text).not.toThrow();
    expect(Math.max(...[...texts].map(hlsParserOn))).toBeGreaterThan(6);
  });

  test('by m3u8-parser', () => {
    // It wants LAST-PART of every report; the draft (4.4.5.4) only of renditions that have parts, and captions have none.
    const own = /^#EXT-X-RENDITION-REPORT #\d+ lacks required attribute\(s\): LAST-PART$/;
    for (const text of texts)
      expect(
        m3u8ParserOn(text).complaints.filter((complaint) => !own.test(complaint)),
        text,
      ).toEqual([]);
    expect(Math.max(...[...texts].map((text) => m3u8ParserOn(text).segments))).toBeGreaterThan(6);
  });

  test('by ffprobe', () => {
    // FFmpeg 5.1 has no WebVTT in HLS, and says so.
    expect(probed.complaints.replace(/^\[hls @ \w+\] Can't support the subtitle\(uri: \S+\)$/gm, '').trim()).toBe('');
    expect(probed.streams.map(({ codec_name }) => codec_name).sort()).toEqual(['aac', 'h264']);
    expect(probed.streams).toContainEqual({ codec_name: 'h264', width: INPUT.video.width, height: INPUT.video.height });
  });

  test('by GStreamer’s hlsdemux, frame after frame', async () => {
    expect(gstreamer.complaints).toEqual([]);
    const read = await Promise.all(gstreamer.files.map((file) => decodeMedia(file)));
    const packets = [read.find(({ video }) => video)?.video?.packets, read.find(({ audio }) => audio)?.audio?.packets];
    for (const spans of packets) {
      expect(spans?.length).toBeGreaterThan(FPS);
      expect(breaks(spans ?? [])).toEqual([]);
    }
  });

  test('by hls.js in Chromium', () => {
    expect(player.errors.filter(({ details, fatal }) => fatal || !STARVED.includes(details))).toEqual([]);
    expect(player.restarts).toBe(0);
    expect(pages.faults).toEqual([]);
  });
});
