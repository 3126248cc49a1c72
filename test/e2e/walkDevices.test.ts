/**
 * The failure walk-through, first half: what a person reads and can do when a camera or microphone fails. Real Chromiums; what no flag
 * makes one do is done at its edge (deviceEdge.ts). The server is open, as one's own machine is. Second half: walkServer.test.ts.
 */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import type { RoomSummary } from '../../src/contracts/api.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { grabPicture, type Picture } from '../support/frames.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { SignalingClient } from '../support/SignalingClient.ts';
import { expectAccessible } from './axe.ts';
import { holdDevices, putDeviceEdge, unplugDevices } from './deviceEdge.ts';
import { enter, expectPlaying, expectReads, PATIENCE_MS, Pages, tileOf } from './pages.ts';

const DEVICES = '--use-fake-device-for-media-stream';
/** Between these two there is one whose pictures Chromium shows to oneself and sends to nobody: a depth camera's. */
const [FIRST, DEPTH, SECOND] = ['fake_device_0', 'fake_device_1', 'fake_device_2'];
/** All of them: labels are compared by how they begin. */
const CAMERAS = 'fake_device';
const poll = { timeout: PATIENCE_MS };
/** Shortest life of a token, and how much later than that the server still takes it, ms (Tokens.ts). */
const TOKEN_S = 10;
const TOLERANCE_MS = 6_000;

const pages = new Pages();
let server: ServerProcess;
let api: ServerApi;
/** Several cameras, and the browser asks before it gives one. */
let desk: TestBrowser;
/** No camera at all. */
let bare: TestBrowser;
/** Somebody's token that expires while the other tests run. */
let passing: { token: string; identity: string; deadAt: number };

beforeAll(async () => {
  server = await ServerProcess.start();
  api = new ServerApi(server.url);
  const without = ['--use-fake-ui-for-media-stream'];
  [desk, bare] = await Promise.all([
    launchBrowser({ without, flags: [`${DEVICES}=device-count=3,fps=10`] }),
    launchBrowser({ flags: [`${DEVICES}=device-count=0`] }),
  ]);
  const identity = 'web-passing';
  const answer = await fetch(`${server.url}/v1/rooms/passing/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ role: 'host', identity, expiresInSeconds: TOKEN_S }),
  });
  const { token } = (await answer.json()) as { token: string };
  passing = { token, identity, deadAt: Date.now() + TOKEN_S * 1000 + TOLERANCE_MS };
});

afterAll(async () => {
  for (const browser of [desk, bare]) await browser?.close();
  await server?.stop();
});

interface Person extends BrowserContextOptions {
  /** Devices that another program holds when the page is opened. */
  held?: string[];
}

/** The door of a room, with camera and microphone allowed unless `permissions` says otherwise. */
async function door(browser: TestBrowser, room: string, { held = [], ...options }: Person = {}): Promise<Page> {
  return pages.open(browser.browser, `${server.url}/studio/${room}?role=host`, {
    permissions: ['camera', 'microphone'],
    ...options,
    prepare: (page) => putDeviceEdge(page, held),
  });
}

async function sourcesOf(room: string, name: string): Promise<string[]> {
  const summary = (await (await fetch(`${server.url}/v1/rooms/${room}`)).json()) as RoomSummary;
  const person = summary.peers.find((peer) => peer.name === name);
  return (person?.sources ?? []).filter(({ paused }) => !paused).map(({ kind }) => kind);
}

test('no camera: reads so, at the door in both languages, and the microphone alone will do', async () => {
  const chinese = await door(bare, 'nocam', { locale: 'zh-CN' });
  await expectReads(chinese, 'no-camera', '没有找到摄像头', '接上摄像头并在此选择，或只用声音加入。');
  await chinese.context().close();

  const page = await door(bare, 'nocam');
  await expectReads(page, 'no-camera', 'No camera found', 'Plug one in and choose it here, or join with sound only.');
  await expectAccessible(page, 'few');
  await enter(page, 'Ann');
  await tileOf(page, 'Ann').locator('.initials').waitFor();
  await expect.poll(() => sourcesOf('nocam', 'Ann'), poll).toEqual(['microphone']);
  await page.context().close();
});

/** The disc with the initials stands in the middle of the picture, and nothing else does: neither a camera nor the slate's line. */
function isPlaceholder({ width, height, rgb }: Picture): boolean {
  const whites = (from: number, to: number): number => {
    let count = 0;
    for (let y = Math.round(height * 0.4); y < height * 0.6; y++)
      for (let x = Math.round(width * from); x < width * to; x++) {
        const at = (y * width + x) * 3;
        if (Math.min(...rgb.subarray(at, at + 3)) > 200) count++;
      }
    return count;
  };
  return whites(0.4, 0.6) > 0 && whites(0, 0.3) === 0 && whites(0.7, 1) === 0;
}

test('only audio: heard, and seen as a placeholder in the program', async () => {
  const room = 'sound';
  const page = await door(desk, room);
  await page.getByTestId('camera-select').selectOption({ label: 'No camera' });
  await page.getByText('Your camera is off').waitFor();
  await enter(page, 'Ann');
  expect(await page.getByTestId('camera').getAttribute('aria-label')).toBe('Turn camera on');
  await expect.poll(() => sourcesOf(room, 'Ann'), poll).toEqual(['microphone']);
  await api.startBroadcast(room, { video: { width: 640, height: 360, fps: 15, bitrate: 600_000 } });
  const playlist = `${server.url}/live/${room}/index.m3u8`;
  const look = async () => isPlaceholder(await grabPicture(playlist, 640, 360, ['-live_start_index', '-1']));
  await page.getByTestId('stop-live').waitFor();
  await expect.poll(() => look().catch(() => false), { ...poll, interval: 500 }).toBe(true);
  await api.stopBroadcast(room);
  // Turned on later, it is there.
  await page.getByTestId('camera').click();
  await expectPlaying(tileOf(page, 'Ann').locator('video'));
  await expect.poll(() => sourcesOf(room, 'Ann'), poll).toEqual(expect.arrayContaining(['camera', 'microphone']));
  await page.context().close();
});

test('camera busy: asking again works when it is free; in the room another camera can be taken', async () => {
  const page = await door(desk, 'busy', { held: [CAMERAS] });
  await expectReads(
    page,
    'camera-busy',
    'Your camera is in use',
    'Another program holds it. Close that program and try again, or choose another camera.',
  );
  await expectAccessible(page, 'few');
  await holdDevices(page);
  await page.getByRole('button', { name: 'Ask for the devices again' }).click();
  await expectPlaying(page.locator('.mirror video'));
  expect(await page.getByTestId('problem').count()).toBe(0);
  await enter(page, 'Ann');

  // Turned off for a while, and another program was faster.
  await page.getByTestId('camera').click();
  await tileOf(page, 'Ann').locator('.initials').waitFor();
  await holdDevices(page, FIRST);
  await page.getByTestId('camera').click();
  await expectReads(page, 'camera-busy', 'Your camera is in use', 'choose another camera.');
  await expectAccessible(page, 'few');
  await page.getByTestId('media-again').click();
  await expectReads(page, 'camera-busy', 'Your camera is in use', 'choose another camera.');
  await page.getByTestId('media-choose').click();
  await page.getByRole('dialog').getByTestId('camera-select').selectOption({ label: SECOND });
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await expectPlaying(tileOf(page, 'Ann').locator('video'));
  expect(await page.getByTestId('problem').count()).toBe(0);
  await page.context().close();
});

test('permission denied: says where to allow it; asking again then works, at the door and in the room', async () => {
  const page = await door(desk, 'denied', { permissions: [] });
  const remedy = 'Click the camera or lock sign beside the address, allow both for this page, then ask again here.';
  await expectReads(page, 'permission-denied', 'Camera and microphone are blocked', remedy);
  await expectAccessible(page, 'few');
  await enter(page, 'Ann');
  await expectReads(page, 'permission-denied', 'Camera and microphone are blocked', remedy);
  await expectAccessible(page, 'few');
  await page.context().grantPermissions(['camera', 'microphone']);
  await page.getByTestId('media-again').click();
  await expectPlaying(tileOf(page, 'Ann').locator('video'));
  await expect.poll(() => sourcesOf('denied', 'Ann'), poll).toEqual(expect.arrayContaining(['camera', 'microphone']));
  expect(await page.getByTestId('problem').count()).toBe(0);
  await page.context().close();

  const chinese = await door(desk, 'denied', { permissions: [], locale: 'zh-CN' });
  await expectReads(chinese, 'permission-denied', '摄像头和麦克风被阻止', '允许此页面使用，然后在这里重试。');
  await chinese.context().grantPermissions(['camera', 'microphone']);
  await chinese.getByRole('button', { name: '重新请求设备' }).click();
  await expectPlaying(chinese.locator('.mirror video'));
  await chinese.context().close();
});

test('unplugged in mid-call: the person reads it, the others see a placeholder; plugged in again it goes on', async () => {
  const ann = await door(desk, 'plug');
  await enter(ann, 'Ann');
  const bob = await door(bare, 'plug');
  await enter(bob, 'Bob');
  await expectPlaying(tileOf(bob, 'Ann').locator('video'));
  await unplugDevices(ann, CAMERAS);
  await expectReads(ann, 'device-unplugged', 'A device was disconnected', 'Plug it in and try again');
  await ann.getByText(FIRST).waitFor();
  await expectAccessible(ann, 'few');
  await tileOf(bob, 'Ann').locator('.initials').waitFor();
  await expect.poll(() => sourcesOf('plug', 'Ann'), poll).toEqual(['microphone']);

  await ann.getByTestId('media-again').click();
  await expectReads(ann, 'no-camera', 'No camera found', 'Plug one in');
  // Whatever is plugged in next is used by itself.
  await unplugDevices(ann, FIRST, DEPTH);
  await expectPlaying(tileOf(bob, 'Ann').locator('video'));
  expect(await ann.getByTestId('problem').count()).toBe(0);
  for (const page of [ann, bob]) await page.context().close();
});

test('token expired, on an open server: it is renewed by itself', async () => {
  const dead = async () =>
    Date.now() > passing.deadAt &&
    (await SignalingClient.connect(server.url, { token: passing.token }).then(
      () => false,
      ({ code }: { code: string }) => code === 'unauthorized',
    ));
  await expect.poll(dead, { ...poll, interval: 250 }).toBe(true);
  const page = await pages.open(bare.browser, `${server.url}/studio/passing?role=host`, {
    // A tab that has slept since its token was new.
    prepare: (tab) =>
      tab.addInitScript(({ token, identity }) => {
        if (sessionStorage.length > 0) return;
        sessionStorage.setItem('lianmai.identity', identity);
        sessionStorage.setItem('lianmai.token.passing', token);
      }, passing),
  });
  await enter(page, 'Ann');
  expect(await page.evaluate(() => sessionStorage.getItem('lianmai.token.passing'))).not.toBe(passing.token);
  expect(await page.getByText('This link is not valid any more').count()).toBe(0);
  await page.context().close();
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
