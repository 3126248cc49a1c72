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
import { eventually, ServerProcess } from '../support/ServerProcess.ts';
import { enter, expectPlaying, PATIENCE_MS, Pages, PHONE, scrollsSideways, tileOf } from './pages.ts';

const ROOM = 'monitor';
const CAMERA: Colour = [200, 30, 30];
/** What 4:2:0, VP8, H.264 and a canvas leave of a flat colour, in one channel of 255. */
const TOLERANCE = 40;
const PROGRAM = { width: 640, height: 360, fps: 30, bitrate: 800_000 } as const;
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
  ann = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=host`, { monitor: true });
  await enter(ann, 'Ann');
  bob = await pages.open(browser.browser, `${server.url}/studio/${ROOM}`, { monitor: true });
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

/** What the compositor was told last, by its own log. */
const returned = (): { video: boolean; listeners: number } | undefined => {
  const line = server.logs().findLast(({ msg }) => msg === 'program returned to the room');
  return line && { video: line.video === true, listeners: Number(line.listeners) };
};

/** Which of the page's players are to be heard. */
const audible = (page: Page): Promise<string[]> =>
  page
    .locator('audio')
    .evaluateAll((players: HTMLAudioElement[]) =>
      players.filter((player) => !player.muted).map((player) => player.dataset.testid ?? 'person'),
    );

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

test('who listens to the program hears it instead of the people, and goes back', async () => {
  expect(await audible(ann)).toEqual(['person']);
  expect(returned()).toEqual({ video: true, listeners: 0 });
  await ann.getByTestId('monitor-listen').click();
  await expect.poll(() => audible(ann), poll).toEqual(['monitor-sound']);
  await expectPlaying(ann.getByTestId('monitor-video'));
  const heard = () => ann.getByTestId('monitor-sound').evaluate((player: HTMLAudioElement) => player.currentTime);
  const before = await heard();
  await expect.poll(heard, poll).toBeGreaterThan(before);
  expect(returned()).toEqual({ video: true, listeners: 1 });
  // Of Bob's own fake beeps there is sound in it.
  const peak = () =>
    ann.getByTestId('monitor-sound').evaluate(async (player: HTMLAudioElement) => {
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(player.srcObject as MediaStream).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      let most = 0;
      for (let i = 0; i < 40 && most < 0.01; i++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        analyser.getFloatTimeDomainData(samples);
        most = Math.max(most, ...samples.map(Math.abs));
      }
      await context.close();
      return most;
    });
  await expect.poll(peak, poll).toBeGreaterThan(0.01);
  await ann.getByTestId('monitor-listen').click();
  await expect.poll(() => audible(ann), poll).toEqual(['person']);
  await eventually(() => returned()?.listeners === 0, 'the mix is not made any more');
});

test('kill -9 the compositor: the picture comes back by itself, and the last one stands meanwhile', async () => {
  const { restarts } = await api.broadcast(ROOM);
  await ann.evaluate(() => {
    const monitor = document.querySelector('[data-testid=monitor]');
    const states: { state: string; red: number }[] = [];
    const note = () => {
      const canvas = monitor?.querySelector('canvas.seen') as HTMLCanvasElement | null | undefined;
      const still = canvas?.getContext('2d')?.getImageData(canvas.width / 4, canvas.height / 2, 1, 1).data[0];
      // While a stream is seen its own video is.
      states.push({
        state: monitor?.getAttribute('data-state') ?? '',
        red: still ?? (monitor?.querySelector('video.seen') ? 255 : 0),
      });
    };
    new MutationObserver(note).observe(monitor as Element, { attributes: true, childList: true, subtree: true });
    Object.assign(window, { monitorStates: states });
  });
  const pid = server.logs().findLast(({ msg }) => msg === 'compositor bound')?.pid;
  process.kill(Number(pid), 'SIGKILL');
  await expect.poll(async () => (await api.broadcast(ROOM)).restarts, poll).toBe(restarts + 1);
  const states = () =>
    ann.evaluate(() => (window as unknown as { monitorStates: { state: string; red: number }[] }).monitorStates);
  await expect.poll(async () => (await states()).some((noted) => noted.state === 'recovering'), poll).toBe(true);
  await expect.poll(() => state(ann), poll).toBe('live');
  await expectPlaying(ann.getByTestId('monitor-video'));
  await expect.poll(() => showsBoth(ann), poll).toEqual([true, true]);
  // Never black: the last picture, of red cameras, stood until the next came.
  expect(Math.min(...(await states()).map(({ red }) => red))).toBeGreaterThan(100);
});

test('a co-host has it on demand, and who reloads finds it as it was left', async () => {
  expect(await bob.getByTestId('monitor').count()).toBe(0);
  await bob.getByTestId('monitor-toggle').click();
  await expect.poll(() => state(bob), poll).toBe('live');
  await expectPlaying(bob.getByTestId('monitor-video'));
  await bob.reload();
  await enter(bob, 'Bob');
  await expect.poll(() => state(bob), poll).toBe('live');
  await expectPlaying(bob.getByTestId('monitor-video'));
  await bob.setViewportSize(PHONE);
  // Tiles are a moment on their way to their new places.
  await expect.poll(() => scrollsSideways(bob), poll).toBe(false);
  await bob.getByTestId('monitor-hide').click();
  expect(await bob.getByTestId('monitor').count()).toBe(0);
});

test('what nobody looks at is not sent', async () => {
  await ann.keyboard.press('w');
  await eventually(() => returned()?.video === false, 'the program is not returned any more');
  expect(await ann.locator('.monitor video').count()).toBe(0);
  await ann.getByTestId('monitor-toggle').click();
  await expect.poll(() => state(ann), poll).toBe('live');
  await api.stopBroadcast(ROOM);
  await expect.poll(() => state(ann), poll).toBe('off');
  expect(pages.faults).toEqual([]);
});
