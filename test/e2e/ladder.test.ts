/** The watch page with several video qualities: each can be chosen, and plays. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { PATIENCE_MS, Pages } from './pages.ts';

const ROOM = 'ladder';
const poll = { timeout: PATIENCE_MS };
const INPUT = { video: { width: 640, height: 360, bitrate: 800_000 }, renditions: [{ height: 240 }, { height: 144 }] };

const pages = new Pages();
let server: ServerProcess;
let swarm: Swarm;
let browser: TestBrowser;
let page: Page;

beforeAll(async () => {
  server = await ServerProcess.start();
  const api = new ServerApi(server.url);
  swarm = new Swarm({ url: server.url, peers: 2, token: () => api.joinToken(ROOM, 'host') });
  await swarm.start();
  await api.startBroadcast(ROOM, INPUT);
  browser = await launchBrowser();
  page = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
});

afterAll(async () => {
  await browser?.close();
  await swarm?.stop();
  await server?.stop();
});

const read = <T>(get: (video: HTMLVideoElement) => T): Promise<T> => page.locator('video').evaluate(get as never);

test('the menu has all qualities; each plays on in its own size, without a stall or an error, and automatic again', async () => {
  const menu = page.getByTestId('quality');
  await expect
    .poll(async () => (await menu.locator('option').allTextContents()).slice(1).sort(), poll)
    .toEqual(['144p', '240p', '360p']);
  await expect.poll(() => read((v) => v.currentTime > 0 && !v.paused), poll).toBe(true);
  for (const height of [144, 360, 240]) {
    await menu.selectOption(`${height}p`);
    await expect.poll(() => read((v) => v.videoHeight), poll).toBe(height);
    const from = await read((v) => v.currentTime);
    await expect.poll(() => read((v) => v.currentTime), poll).toBeGreaterThan(from + 1);
    expect(await menu.inputValue()).not.toBe('-1');
  }
  await menu.selectOption({ index: 0 });
  const from = await read((v) => v.currentTime);
  await expect.poll(() => read((v) => v.currentTime), poll).toBeGreaterThan(from + 2);
  const stats = await page.evaluate(
    () => (window as unknown as { lianmai: { hls: { errors: { fatal: boolean }[] } } }).lianmai.hls,
  );
  expect(stats.errors.filter(({ fatal }) => fatal)).toEqual([]);
  expect(pages.faults).toEqual([]);
});
