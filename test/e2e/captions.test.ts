/**
 * Captions from who says them to who reads them: a host types in the studio, a recogniser posts by the API, and a viewer who has turned captions on reads
 * them on the watch page, at their time of the program. One server, one small broadcast, one browser.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import type { BroadcastStatus } from '../../src/contracts/broadcast.ts';
import { CaptionAnswer } from '../../src/contracts/captions.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { expectAccessible } from './axe.ts';
import { enter, PATIENCE_MS, Pages, WIDE } from './pages.ts';

const ROOM = 'words';
const SEGMENT_MS = 2000;
const INPUT = {
  video: { width: 320, height: 180, fps: 15, bitrate: 300_000 } as const,
  captions: [{ language: 'en' }, { language: 'zh-Hans' }],
  // Nothing is dropped from the list meanwhile: media times begin with its first segment.
  dvrSeconds: 600,
};
const poll = { timeout: PATIENCE_MS };

const pages = new Pages();
let server: ServerProcess;
let browser: TestBrowser;
let host: Page;
let viewer: Page;
let status: BroadcastStatus;

async function post(body: unknown): Promise<Response> {
  return fetch(`${server.url}/v1/rooms/${ROOM}/captions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

const sceneCaptions = async (): Promise<string> => {
  const answer = await (await fetch(`${server.url}/v1/rooms/${ROOM}/scene`)).json();
  return (answer as { scene: { captions: string } }).scene.captions;
};

/** What is drawn over the picture now. */
const shown = (page: Page): Promise<string[]> =>
  page
    .locator('video')
    .evaluate((video: HTMLVideoElement) =>
      [...video.textTracks]
        .filter(({ mode }) => mode === 'showing')
        .flatMap(({ activeCues }) => [...(activeCues ?? [])].map((cue) => (cue as VTTCue).text)),
    );

/** When a line is shown, program time in ms, by the viewer's media; undefined: it has not come. */
async function spanOf(page: Page, text: string): Promise<{ start: number; end: number } | undefined> {
  const playlist = await (await fetch(`${server.url}/live/${ROOM}/${status.id}/captions/en/index.m3u8`)).text();
  const first = Number(/MEDIA-SEQUENCE:(\d+)/.exec(playlist)?.[1]) * SEGMENT_MS;
  const cues = await page.locator('video').evaluate(
    (video: HTMLVideoElement, wanted) =>
      [...video.textTracks]
        .flatMap((track) => [...(track.cues ?? [])] as VTTCue[])
        .filter((cue) => cue.text === wanted)
        .map(({ startTime, endTime }) => ({ start: startTime * 1000, end: endTime * 1000 })),
    text,
  );
  if (cues.length === 0) return undefined;
  return { start: Math.min(...cues.map((c) => c.start)) + first, end: Math.max(...cues.map((c) => c.end)) + first };
}

async function type(words: string): Promise<void> {
  await host.getByTestId('scene-captions').fill(words);
  await host.getByTestId('scene-captions').press('Enter');
}

beforeAll(async () => {
  server = await ServerProcess.start();
  browser = await launchBrowser({ colour: '0x305080', width: 320, height: 180, fps: 10 });
  host = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=host`, { viewport: WIDE });
  await enter(host, 'Ann');
  await host.getByTestId('tab-scene').click();
  await host.getByTestId('scene-captions').waitFor();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test('before the show a line is on the picture, and is taken off by hand', async () => {
  expect(await host.getByTestId('captions-place').locator('option').allTextContents()).toEqual(['Picture only']);
  await host.getByTestId('captions-stay').selectOption('next');
  await type('Soon');
  await expect.poll(sceneCaptions, poll).toBe('Soon');
  await host.getByText('Shown now: Soon').waitFor();
  await host.getByTestId('captions-hide').click();
  await expect.poll(sceneCaptions, poll).toBe('');
  expect((await post({ text: 'to nobody' })).status).toBe(404);
});

describe('while it is live', () => {
  test('a viewer finds them off, and turns them on', async () => {
    status = await new ServerApi(server.url).startBroadcast(ROOM, INPUT);
    viewer = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`, { viewport: WIDE });
    await expect.poll(() => viewer.getByTestId('state').getAttribute('data-state'), poll).toBe('live');
    const menu = viewer.getByTestId('captions');
    await menu.waitFor();
    expect(await menu.locator('option').allTextContents()).toEqual(['Captions off', 'English', '简体中文']);
    expect(await menu.inputValue()).toBe('-1');
    await menu.selectOption('English');
  });

  test('what a host types is on the picture and is read by the viewer, until it is taken off', async () => {
    await host.getByTestId('captions-place').selectOption('both');
    await type('Hello <b>world</b> & 大家好 👋🏽');
    expect(await host.getByTestId('scene-captions').inputValue()).toBe('');
    await expect.poll(sceneCaptions, poll).toBe('Hello <b>world</b> & 大家好 👋🏽');
    // As it was written, not as markup: the cue's text is what was escaped.
    await expect.poll(() => shown(viewer), poll).toEqual(['Hello &lt;b&gt;world&lt;/b&gt; &amp; 大家好 👋🏽']);
    const drawn = await viewer
      .locator('video')
      .evaluate((video: HTMLVideoElement) =>
        [...video.textTracks].flatMap(({ activeCues }) =>
          [...(activeCues ?? [])].map((cue) => (cue as VTTCue).getCueAsHTML().textContent),
        ),
      );
    expect(drawn).toEqual(['Hello <b>world</b> & 大家好 👋🏽']);
    await type('The next line');
    await expect.poll(() => shown(viewer), poll).toEqual(['The next line']);
    await host.getByTestId('captions-hide').click();
    await expect.poll(() => shown(viewer), poll).toEqual([]);
    expect(await sceneCaptions()).toBe('');
  });

  test('what a recogniser posts is at its time of the program, for as long as it says', async () => {
    const at = Date.now() + 2_500;
    const answer = await post({ text: 'Exactly then', at, durationMs: 3000 });
    expect(answer.status).toBe(201);
    expect(CaptionAnswer.parse(await answer.json())).toMatchObject({ language: 'en', durationMs: 3000 });
    const wanted = at - (status.startedAt ?? 0);
    await expect.poll(async () => (await spanOf(viewer, 'Exactly then'))?.end, poll).toBeCloseTo(wanted + 3000, -2);
    expect((await spanOf(viewer, 'Exactly then'))?.start).toBeCloseTo(wanted, -2);
    // It is not on the picture.
    expect(await sceneCaptions()).toBe('');
  });

  test('on the picture it goes by itself; in another language only who chose that reads it', async () => {
    expect((await post({ text: 'For a moment', place: 'picture', durationMs: 500 })).status).toBe(201);
    await expect.poll(sceneCaptions, poll).toBe('');
    await post({ text: '你好', language: 'zh-Hans', durationMs: null });
    await post({ text: 'English only', durationMs: null });
    await expect.poll(() => shown(viewer), poll).toEqual(['English only']);
    await viewer.getByTestId('captions').selectOption('简体中文');
    await expect.poll(() => shown(viewer), poll).toEqual(['你好']);
  });

  test('what is malformed is refused, with a sentence', async () => {
    for (const body of [{ text: 'x'.repeat(201) }, { text: 'Hi', at: 7 }, {}]) {
      const answer = await post(body);
      expect([answer.status, JSON.stringify(await answer.json())]).toEqual([400, expect.stringContaining('message')]);
    }
    expect((await post({ text: 'Bonjour', language: 'fr' })).status).toBe(409);
  });

  test('the choice is remembered, and a key turns captions off and on; the live edge is where it was', async () => {
    await viewer.reload();
    await expect.poll(() => shown(viewer), poll).toEqual(['你好']);
    expect(await viewer.getByTestId('captions').inputValue()).toBe('1');
    await expect.poll(() => viewer.getByTestId('back-to-live').getAttribute('data-live'), poll).toBe('true');
    await viewer.locator('body').press('c');
    await expect.poll(() => shown(viewer), poll).toEqual([]);
    await viewer.locator('body').press('c');
    await expect.poll(() => shown(viewer), poll).not.toEqual([]);
    const { errors } = await viewer.evaluate(
      () => (globalThis as unknown as { lianmai: { hls: { errors: { fatal: boolean }[] } } }).lianmai.hls,
    );
    expect(errors.filter(({ fatal }) => fatal)).toEqual([]);
  });

  test('axe finds nothing in the form and on the watch page', async () => {
    await expectAccessible(host);
    await expectAccessible(viewer, 'few');
    expect(pages.faults).toEqual([]);
  });
});
