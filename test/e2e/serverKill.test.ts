/**
 * kill -9 of the server while somebody watches: the page, which is never loaded again, plays on by itself. Twice: the whole server, and
 * the delivery role alone of a server whose roles run apart.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { RolesApart } from '../support/RolesApart.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';
import { PATIENCE_MS } from './pages.ts';

const ROOM = 'kill';
const INPUT = { video: { width: 320, height: 180, bitrate: 200_000 } };

let browser: TestBrowser;
const cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const timeOf = (page: Page) => page.locator('video').evaluate((v: HTMLVideoElement) => v.currentTime);

/** A person on stage, a broadcast, and a page that plays it. */
async function watched(origin: string, api: ServerApi): Promise<Page> {
  const swarm = new Swarm({ url: origin, peers: 1, token: () => api.joinToken(ROOM, 'host') });
  cleanUp.push(() => swarm.stop());
  await swarm.start();
  await api.startBroadcast(ROOM, INPUT);
  const page = await browser.browser.newPage();
  await page.goto(`${origin}/watch/${ROOM}`);
  await eventually(async () => (await timeOf(page)) > 2, 'the watch page plays', PATIENCE_MS);
  await page.evaluate(() => Object.assign(window, { notReloaded: true }));
  return page;
}

/** The picture goes on in real time, near the live edge, on the page that was there before. */
async function playsOn(page: Page): Promise<void> {
  const from = await timeOf(page);
  await expect.poll(() => timeOf(page), { timeout: PATIENCE_MS }).toBeGreaterThan(from + 4);
  const before = await timeOf(page);
  await expect.poll(() => timeOf(page), { timeout: PATIENCE_MS }).toBeGreaterThan(before + 1);
  expect(await page.evaluate(() => 'notReloaded' in window)).toBe(true);
}

describe('kill -9 while somebody watches', () => {
  test('the whole server: the same page plays the same broadcast on', async () => {
    let server = await ServerProcess.start({ LIANMAI_SFU_WORKERS: '1' });
    cleanUp.push(() => server.stop());
    const api = new ServerApi(server.url);
    const page = await watched(server.url, api);
    const { id } = await api.broadcast(ROOM);
    await server.kill();
    server = await server.again();
    await playsOn(page);
    expect(await api.broadcast(ROOM)).toMatchObject({ id, state: 'live' });
    await page.close();
  });

  test('delivery alone: the same page plays on, the compositor was not replaced', async () => {
    const roles = await RolesApart.start();
    cleanUp.push(() => roles.stop());
    const page = await watched(roles.origin, roles.api);
    const { id } = await roles.api.broadcast(ROOM);
    await roles.delivery.kill();
    await roles.again(roles.delivery);
    await playsOn(page);
    expect(await roles.api.broadcast(ROOM)).toMatchObject({ id, state: 'live', restarts: 0 });
    await page.close();
  });
});
