/**
 * Every page by axe-core (WCAG 2.2 A and AA, and its best practices), in light and dark, on a phone and on a wide screen;
 * and a host's whole way by the keyboard alone.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { expectAccessible } from './axe.ts';
import { enter, PATIENCE_MS, Pages, tabTo } from './pages.ts';

const ROOM = 'everybody';
const poll = { timeout: PATIENCE_MS };

const pages = new Pages();
let server: ServerProcess;
let api: ServerApi;
let swarm: Swarm;
let browser: TestBrowser;

beforeAll(async () => {
  server = await ServerProcess.start();
  api = new ServerApi(server.url);
  swarm = new Swarm({ url: server.url, peers: 1, token: () => api.joinToken(ROOM, 'cohost') });
  await swarm.start();
  browser = await launchBrowser({ colour: '0x305080', width: 320, height: 180, fps: 10 });
});

afterAll(async () => {
  await browser?.close();
  await swarm?.stop();
  await server?.stop();
});

describe('axe finds nothing on', () => {
  let studio: Page;

  test('the start page, also with its mistakes shown', async () => {
    const page = await pages.open(browser.browser, `${server.url}/`);
    await page.getByTestId('start').waitFor();
    await expectAccessible(page);
    await page.getByTestId('room').fill('No Room');
    await page.getByTestId('start').click();
    await page.getByRole('alert').first().waitFor();
    await expectAccessible(page);
    await page.context().close();
  });

  test('the studio’s door', async () => {
    studio = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=host`, { monitor: true });
    await studio.locator('.mirror video').waitFor();
    await expectAccessible(studio);
  });

  test('the studio, off air and live, with its dialogs and somebody who asks for a seat', async () => {
    await enter(studio, 'Ann');
    await studio.locator('.tile video').nth(1).waitFor();
    const guest = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=audience`);
    await enter(guest, 'Gus');
    await guest.getByTestId('seat-request').click();
    await studio.getByTestId('grant-seat').waitFor();
    await studio.getByTestId('add-destination').click();
    await expectAccessible(studio);
    await studio.getByTestId('devices').click();
    await expectAccessible(studio);
    await studio.keyboard.press('Escape');
    await studio.getByRole('dialog').waitFor({ state: 'detached' });
    await expectAccessible(guest);
    await guest.context().close();

    await studio.getByTestId('destination-url').fill('rtmp://192.0.2.1/live');
    const waiting = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
    await expect.poll(() => waiting.getByTestId('state').getAttribute('data-state'), poll).toBe('idle');
    await studio.getByTestId('tab-chat').click();
    await studio.getByTestId('chat-text').fill('Hello everybody');
    await studio.keyboard.press('Enter');
    await waiting.getByTestId('chat-message').waitFor();
    await expectAccessible(waiting);
    await studio.getByTestId('chat-more').click();
    await expectAccessible(studio);
    await studio.getByTestId('tab-show').click();
    await waiting.getByTestId('ask-to-join').click();
    await waiting.getByTestId('seat-panel').locator('video').waitFor();
    await expectAccessible(waiting);
    await waiting.getByTestId('seat-name').fill('Wendy');
    await waiting.getByTestId('seat-ask').click();
    await waiting.getByTestId('seat-place').waitFor();
    await expectAccessible(waiting);
    await waiting.context().close();
    const video = { width: 640, height: 360, bitrate: 800_000 };
    await api.startBroadcast(ROOM, { video, dvrSeconds: 600, record: true });
    await studio.getByTestId('stop-live').waitFor();
    await studio.getByTestId('monitor-listen').click();
    await studio.getByTestId('add-destination').click();
    await expectAccessible(studio);
    await studio.getByTestId('stop-live').click();
    await expectAccessible(studio);
    await studio.keyboard.press('Escape');
  });

  test('the watch page and the embedded player, live, ended and with the recording; and the pages of problems', async () => {
    const page = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
    const state = (of: Page) => of.getByTestId('state').getAttribute('data-state');
    await expect.poll(() => state(page), poll).toBe('live');
    await page.getByTestId('time-bar').waitFor();
    await expectAccessible(page);
    await page.getByTestId('share').click();
    await page.getByTestId('embed-code').waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    const embedded = await pages.open(browser.browser, `${server.url}/embed/${ROOM}`);
    await expect.poll(() => state(embedded), poll).toBe('live');
    await expectAccessible(embedded);
    await embedded.context().close();
    await api.stopBroadcast(ROOM);
    await page.getByTestId('replay').waitFor();
    await expectAccessible(page);
    await page.getByTestId('replay').click();
    await expect.poll(() => state(page), poll).toBe('recorded');
    await expectAccessible(page);
    await page.context().close();
    await studio.getByTestId('leave').click();
    await studio.getByTestId('left').waitFor();
    await expectAccessible(studio);
    await studio.context().close();
    const lost = await pages.open(browser.browser, `${server.url}/studio/other#token=nonsense`);
    await lost.getByTestId('prejoin-name').fill('Ann');
    await lost.getByTestId('join').click();
    await lost.getByTestId('problem').waitFor();
    await expectAccessible(lost);
    await lost.context().close();
  });
});

test('by the keyboard alone: start a room, join, go live, stop', async () => {
  const page = await pages.open(browser.browser, `${server.url}/`);
  await tabTo(page, 'name');
  await page.keyboard.type('Keyboard Kay');
  await tabTo(page, 'room');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('keys');
  await tabTo(page, 'start');
  await page.keyboard.press('Enter');
  await page.getByTestId('prejoin-name').waitFor();
  await tabTo(page, 'join');
  await page.keyboard.press('Space');
  await page.getByTestId('leave').waitFor();
  await tabTo(page, 'mute');
  await page.keyboard.press('Space');
  await expect.poll(() => page.getByTestId('mute').getAttribute('data-state'), poll).toBe('off');
  await tabTo(page, 'go-live');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.getByTestId('live-state').getAttribute('data-state'), poll).toBe('live');
  await tabTo(page, 'stop-live');
  await page.keyboard.press('Enter');
  // The dialog has the focus, and Escape lets everything stay as it is.
  await tabTo(page, 'confirm-stop');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await tabTo(page, 'stop-live');
  await page.keyboard.press('Enter');
  await tabTo(page, 'confirm-stop');
  await page.keyboard.press('Space');
  await expect.poll(() => page.getByTestId('live-state').getAttribute('data-state'), poll).toBe('off');
  await page.getByText('The broadcast was ended.').waitFor();
  await page.context().close();
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
