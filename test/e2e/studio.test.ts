/**
 * The studio as two people have it: devices, seeing and hearing each other, mute, camera, screen, the broadcast's panel,
 * leaving. One server and one browser; each person is a context of its own, and the tests follow each other as in a show.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import type { Colour } from '../support/frames.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { dragOver } from './deskHand.ts';
import { cellsShow, enter, expectPlaying, keepConnections, PATIENCE_MS, Pages, received, tileOf } from './pages.ts';

const ROOM = 'studio';
const CAMERA: Colour = [200, 30, 30];
/** Pixels of the fake camera: two simulcast layers, 320 and 640 wide. */
const CAPTURE = { width: 640, height: 360, fps: 15 };
const poll = { timeout: PATIENCE_MS };

const pages = new Pages();
let server: ServerProcess;
let rtmp: RtmpServer;
let browser: TestBrowser;
let ann: Page;
let bob: Page;

beforeAll(async () => {
  rtmp = await RtmpServer.start();
  // One broadcast at a time: the next one waits.
  server = await ServerProcess.start({ LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true', LIANMAI_MAX_BROADCASTS: '1' });
  browser = await launchBrowser({ colour: '0xc81e1e', ...CAPTURE });
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await rtmp?.close();
});

/** What a facts panel says under this name. */
const fact = async (page: Page, name: string): Promise<string> => {
  const row = page.getByTestId('live-facts').locator('div').filter({ hasText: name });
  return (await row.locator('dd').textContent()) ?? '';
};

/** For each of two cells of the program: whether a camera is seen there. */
const camerasInProgram = () => cellsShow(`${server.url}/live/${ROOM}/index.m3u8`, 2, CAMERA);

describe('the door', () => {
  test('camera and microphone can be chosen, with preview and a level meter that moves', async () => {
    const two = await launchBrowser({ flags: ['--use-fake-device-for-media-stream=device-count=2,fps=10'] });
    const page = await pages.open(two.browser, `${server.url}/studio/door`);
    const preview = page.locator('.mirror video');
    await expectPlaying(preview);
    const level = async () => Number(await page.getByTestId('level').getAttribute('aria-valuenow'));
    await expect.poll(level, poll).toBeGreaterThan(0);

    const camera = page.getByTestId('camera-select');
    const labels = (await camera.locator('option').allInnerTexts()).filter((text) => text.startsWith('fake_device'));
    expect(labels).toEqual(['fake_device_0', 'fake_device_1']);
    const shown = () =>
      preview.evaluate((v: HTMLVideoElement) => (v.srcObject as MediaStream).getVideoTracks()[0]?.label ?? '');
    expect(await shown()).toBe('fake_device_0');
    await camera.selectOption({ label: 'fake_device_1' });
    await expect.poll(() => shown().catch(() => ''), poll).toBe('fake_device_1');
    await expectPlaying(preview);
    await camera.selectOption({ label: 'No camera' });
    await preview.waitFor({ state: 'detached' });
    await page.getByText('Your camera is off').waitFor();

    const microphone = page.getByTestId('microphone-select');
    await microphone.selectOption({ label: 'No microphone' });
    await expect.poll(level, poll).toBe(0);
    await microphone.selectOption({ label: 'Fake Audio Input 1' });
    await expect.poll(level, poll).toBeGreaterThan(0);
    await two.close();
  });

  test('a name is asked for, and asked for again when it is missing', async () => {
    ann = await pages.open(browser.browser, `${server.url}/studio/${ROOM}`);
    await keepConnections(ann);
    await ann.reload();
    await ann.getByTestId('join').click();
    expect(await ann.getByTestId('prejoin-name').getAttribute('aria-invalid')).toBe('true');
    expect(await ann.getByTestId('prejoin-name').evaluate((field) => field === document.activeElement)).toBe(true);
    // The first in a room is its host.
    await ann.getByText('You join as the host.').waitFor();
    await enter(ann, 'Ann');
  });
});

describe('two people', () => {
  test('see and hear each other', async () => {
    bob = await pages.open(browser.browser, `${server.url}/studio/${ROOM}`);
    await keepConnections(bob);
    await bob.reload();
    await bob.getByText('You join as a co-host.').waitFor();
    await enter(bob, 'Bob');
    for (const [page, other] of [
      [ann, 'Bob'],
      [bob, 'Ann'],
    ] as const) {
      await expectPlaying(tileOf(page, other).locator('video'));
      const energy = async () =>
        Math.max(0, ...(await received(page)).filter((r) => r.kind === 'audio').map((r) => r.totalAudioEnergy));
      await expect.poll(energy, poll).toBeGreaterThan(0);
      // It comes out of an element that plays.
      const plays = () => page.locator('audio').evaluateAll((all) => (all as HTMLAudioElement[]).map((a) => !a.paused));
      await expect.poll(plays, poll).toEqual([true]);
    }
  });

  test('get the layer that fits the tile, and another one when the window changes', async () => {
    // A stream that was never decoded is the one that the bandwidth is probed with.
    const widths = async () => (await received(bob)).filter((r) => r.framesDecoded > 0).map((r) => r.frameWidth);
    await bob.setViewportSize({ width: 1600, height: 1000 });
    await expect.poll(widths, poll).toEqual([CAPTURE.width]);
    await bob.setViewportSize({ width: 390, height: 500 });
    await expect.poll(widths, poll).toEqual([CAPTURE.width / 2]);
    await bob.setViewportSize({ width: 1280, height: 800 });
    await expect.poll(widths, poll).toEqual([CAPTURE.width]);
  });

  test('mute shows at the other, and silences', async () => {
    const plate = tileOf(ann, 'Bob').locator('.nameplate');
    expect(await plate.textContent()).not.toContain('muted');
    await bob.getByTestId('mute').click();
    await plate.getByText('Bob is muted').waitFor({ state: 'attached' });
    const person = ann.getByTestId('person').filter({ hasText: 'Bob' });
    await person.getByText('microphone off').waitFor({ state: 'attached' });
    expect(await bob.getByTestId('mute').getAttribute('data-state')).toBe('off');
    await bob.getByTestId('mute').click();
    await plate.getByText('Bob is muted').waitFor({ state: 'detached' });
  });

  test('share the screen: the other sees it beside the person', async () => {
    await bob.getByTestId('screen').click();
    const screen = tileOf(ann, 'Bob', 'screen');
    await expectPlaying(screen.locator('video'));
    await screen.getByText('Screen of Bob').waitFor();
    await expectPlaying(tileOf(ann, 'Bob').locator('video'));
    await bob.getByTestId('screen').click();
    await screen.waitFor({ state: 'detached' });
  });
});

describe('the broadcast', () => {
  test('with no compositor free the host sees where the broadcast waits, and can give it up; a co-host sees it, too', async () => {
    const api = new ServerApi(server.url);
    await api.startBroadcast('elsewhere', { video: { width: 320, height: 180 }, emptyGraceSeconds: 3600 });
    await ann.getByTestId('go-live').click();
    for (const page of [ann, bob]) {
      await expect.poll(() => page.getByTestId('live-waiting').textContent(), poll).toContain('position 1');
      expect(await page.getByTestId('live-state').getAttribute('data-state')).toBe('pending');
    }
    expect(await bob.getByTestId('stop-waiting').count()).toBe(0);
    await ann.getByTestId('stop-waiting').click();
    await ann.getByTestId('go-live').waitFor();
    expect(await api.broadcast(ROOM)).toMatchObject({ state: 'ended', endReason: 'stopped' });
    await api.stopBroadcast('elsewhere');
  });

  test('a host goes live and sees that: time, frames, bitrate, link; a co-host sees it too and has no buttons', async () => {
    expect(await ann.getByTestId('live-state').getAttribute('data-state')).toBe('off');
    expect(await bob.getByTestId('go-live').count()).toBe(0);
    await ann.getByTestId('go-live').click();
    for (const page of [ann, bob]) {
      const state = page.getByTestId('live-state');
      await expect.poll(() => state.getAttribute('data-state'), poll).toBe('live');
      await expect.poll(() => fact(page, 'Time'), poll).toMatch(/^0:0[1-9]/);
      await expect.poll(async () => Number(await fact(page, 'Frames/s')), poll).toBeGreaterThan(0);
      await expect.poll(() => fact(page, 'Bitrate'), poll).toMatch(/^[1-9][\d.]* [kM]bit\/s$/);
      expect(await page.getByTestId('watch-link').getAttribute('href')).toBe(`${server.url}/watch/${ROOM}`);
    }
    expect(await bob.getByTestId('stop-live').count()).toBe(0);
    expect(await bob.getByTestId('add-destination').count()).toBe(0);
  });

  test('a host adds a destination while it is live, sees its state, and removes it', async () => {
    const key = 'added-while-live';
    await ann.getByTestId('add-destination').click();
    await ann.getByTestId('destination-url').fill('http://not.an.rtmp.server/');
    await ann.getByTestId('start-destination').click();
    expect(await ann.getByTestId('destination-url').getAttribute('aria-invalid')).toBe('true');
    await ann.getByTestId('destination-url').fill(rtmp.url);
    await ann.getByTestId('destination-key').fill(key);
    await ann.getByTestId('start-destination').click();
    await rtmp.waitFor((call) => call.call === 'publish' && call.name === key);
    for (const page of [ann, bob])
      await expect.poll(() => page.getByTestId('destination-state').getAttribute('data-state'), poll).toBe('live');
    // The key is nobody's to see.
    expect(await ann.content()).not.toContain(key);
    await ann.getByTestId('remove-destination').click();
    await ann.getByTestId('confirm-remove').click();
    await rtmp.waitFor((call) => call.call === 'publish_done' && call.name === key);
    await ann.getByTestId('destination').waitFor({ state: 'detached' });
    expect(await ann.getByTestId('live-state').getAttribute('data-state')).toBe('live');
  });

  test('camera off is a placeholder, in the other studio and in the program', async () => {
    await expect.poll(camerasInProgram, { ...poll, interval: 500 }).toEqual([true, true]);
    await bob.getByTestId('camera').click();
    const tile = tileOf(ann, 'Bob');
    await tile.locator('.initials').waitFor();
    expect(await tile.locator('video').count()).toBe(0);
    await expect.poll(camerasInProgram, { ...poll, interval: 500 }).toEqual([true, false]);
  });

  test('a tile that the host drags to another place: the program’s cells change their order; undone by Ctrl+Z', async () => {
    await dragOver(ann, tileOf(ann, 'Bob'), tileOf(ann, 'Ann'));
    await ann.mouse.up();
    await expect.poll(camerasInProgram, { ...poll, interval: 500 }).toEqual([false, true]);
    await ann.keyboard.press('Control+z');
    await expect.poll(camerasInProgram, { ...poll, interval: 500 }).toEqual([true, false]);
    await bob.getByTestId('camera').click();
    await expectPlaying(tileOf(ann, 'Bob').locator('video'));
    await expect.poll(camerasInProgram, { ...poll, interval: 500 }).toEqual([true, true]);
  });

  test('leaving: the tile is gone at once, and the way back is one click', async () => {
    await bob.getByTestId('leave').click();
    await bob.getByTestId('left').waitFor();
    await tileOf(ann, 'Bob').waitFor({ state: 'detached' });
    expect(await ann.getByTestId('tile').count()).toBe(1);
    await bob.getByTestId('again').click();
    await enter(bob, 'Bob');
    await expectPlaying(tileOf(ann, 'Bob').locator('video'));
  });

  test('a host ends it only after a second thought', async () => {
    await ann.getByTestId('stop-live').click();
    await ann.getByText('Stay live').click();
    expect((await new ServerApi(server.url).broadcast(ROOM)).state).toBe('live');
    await ann.getByTestId('stop-live').click();
    await ann.getByTestId('confirm-stop').click();
    for (const page of [ann, bob]) {
      await expect.poll(() => page.getByTestId('live-state').getAttribute('data-state'), poll).toBe('off');
      await page.getByText('The broadcast was ended.').waitFor();
    }
    expect((await new ServerApi(server.url).broadcast(ROOM)).endReason).toBe('stopped');
  });
});

test('chat: a viewer takes a name and writes; the host answers, pauses and lets write again; all see it', async () => {
  await ann.getByTestId('tab-chat').click();
  const viewer = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
  await viewer.getByTestId('chat-name').fill('Vic');
  await viewer.getByTestId('chat-join').click();
  await viewer.getByTestId('chat-text').fill('<b>Hello</b> from 上海');
  await viewer.keyboard.press('Enter');
  const hello = ann.getByTestId('chat-message').filter({ hasText: '<b>Hello</b> from 上海' });
  await hello.getByText('Vic').waitFor();
  await bob.getByTestId('news-chat').waitFor();
  await ann.getByTestId('chat-text').fill('Welcome');
  await ann.getByTestId('chat-send').click();
  await viewer.getByTestId('chat-message').filter({ hasText: 'Welcome' }).getByText('Host').waitFor();
  await expect.poll(() => viewer.getByTestId('chat-announcer').textContent(), poll).toContain('Ann: Welcome');
  const floats = ann.locator('[data-testid=floating] [data-reaction=heart]').first().waitFor({ state: 'attached' });
  await viewer.getByTestId('react-heart').click();
  await floats;
  await hello.getByTestId('chat-more').click();
  await ann.getByTestId('chat-pause-600').click();
  await viewer.getByTestId('chat-out').waitFor();
  await viewer.getByTestId('chat-timeout').getByText('Vic').waitFor();
  await viewer.getByText('Message deleted').waitFor();
  await ann.getByTestId('chat-lift').click();
  await viewer.getByTestId('chat-text').fill('Sorry');
  await viewer.keyboard.press('Enter');
  await ann.getByTestId('chat-message').filter({ hasText: 'Sorry' }).waitFor();
  // The same person after a reload, and what was said is there.
  await viewer.reload();
  await viewer.getByText('As Vic').waitFor();
  await viewer.getByTestId('chat-message').filter({ hasText: 'Sorry' }).waitFor();
  await viewer.context().close();
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
