/**
 * The program as it goes out, in the studio: a host sees and hears it there, with somebody else in it, and it comes back by itself when the compositor
 * is killed. One server and one browser; the tests follow each other as in a show.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { gridLayout } from '../../src/layout/grid.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { type Colour, colourDistance } from '../support/frames.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { enter, expectPlaying, keepConnections, PATIENCE_MS, Pages, tileOf } from './pages.ts';

const ROOM = 'monitor';
const CAMERA: Colour = [200, 30, 30];
/** What 4:2:0, VP8, H.264 and a canvas leave of a flat colour, in one channel of 255. */
const TOLERANCE = 40;
const PROGRAM = { width: 640, height: 360, fps: 30, bitrate: 800_000 };
const poll = { timeout: PATIENCE_MS };

const pages = new Pages();
let server: ServerProcess;
let api: ServerApi;
let browser: TestBrowser;
let ann: Page;
let bob: Page;

beforeAll(async () => {
  server = await ServerProcess.start();
  api = new ServerApi(server.url);
  browser = await launchBrowser({ colour: '0xc81e1e', width: 320, height: 180, fps: 10 });
  ann = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?as=host`);
  await enter(ann, 'Ann');
  bob = await pages.open(browser.browser, `${server.url}/studio/${ROOM}`);
  await enter(bob, 'Bob');
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const state = (page: Page) => page.getByTestId('monitor').getAttribute('data-state');

/** Whether the monitor shows a camera's colour in the middle of each cell that two people have. */
async function showsBoth(page: Page): Promise<boolean[]> {
  const cells = gridLayout(2, PROGRAM.width, PROGRAM.height);
  const colours = await page.getByTestId('monitor-video').evaluate(
    (video: HTMLVideoElement, [of, { width, height }]) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d');
      context?.drawImage(video, 0, 0, width, height);
      return of.map((cell) => [
        ...(context?.getImageData(cell.x + cell.width / 2, cell.y + cell.height / 2, 1, 1).data ?? []),
      ]);
    },
    [cells, PROGRAM] as const,
  );
  return colours.map(([r = 0, g = 0, b = 0]) => colourDistance([r, g, b], CAMERA) <= TOLERANCE);
}

test('before the show the monitor says that nothing is live', async () => {
  expect(await state(ann)).toBe('off');
  await ann.getByText('Once you go live, you see here what your viewers see.').waitFor();
});

test('a host sees the program as it goes out, with a second person in it', async () => {
  await expectPlaying(tileOf(ann, 'Bob').locator('video'));
  await api.startBroadcast(ROOM, { video: PROGRAM });
  await expect.poll(() => state(ann), poll).toBe('live');
  await expectPlaying(ann.getByTestId('monitor-video'));
  await expect.poll(() => showsBoth(ann), poll).toEqual([true, true]);
});
