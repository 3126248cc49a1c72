/**
 * The watch page through a room's life, in a browser with the autoplay rule that people have: nothing sounds before a click.
 * One server, two simulated people on stage, one viewer whose page is never loaded again.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { CutProxy } from '../support/CutProxy.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { Onlooker, PATIENCE_MS, Pages, PHONE, scrollsSideways, tabTo } from './pages.ts';

const ROOM = 'show';
const poll = { timeout: PATIENCE_MS };
const INPUT = { video: { width: 640, height: 360, bitrate: 800_000 }, dvrSeconds: 600, record: true };

const pages = new Pages();
let server: ServerProcess;
let api: ServerApi;
let swarm: Swarm;
let browser: TestBrowser;
let page: Page;
let phone: Page;
let onlooker: Onlooker;

beforeAll(async () => {
  server = await ServerProcess.start();
  api = new ServerApi(server.url);
  swarm = new Swarm({ url: server.url, peers: 2, token: (n) => api.joinToken(ROOM, n === 0 ? 'host' : 'cohost') });
  await swarm.start();
  browser = await launchBrowser({ flags: ['--autoplay-policy=document-user-activation-required'] });
});

afterAll(async () => {
  await browser?.close();
  await swarm?.stop();
  await server?.stop();
});

/** In a page: what the room does, in words. */
const STATE = 'document.querySelector("[data-testid=state]")';
const stateOf = (of: Page) => of.getByTestId('state').getAttribute('data-state');
const read = <T>(get: (video: HTMLVideoElement) => T): Promise<T> => page.locator('video').evaluate(get as never);
const time = () => read((v) => v.currentTime);
const atLive = () => page.getByTestId('back-to-live').getAttribute('data-live');

async function playsOn(seconds = 1): Promise<void> {
  const from = await time();
  await expect.poll(time, poll).toBeGreaterThan(from + seconds);
}

describe('a room’s life, without a reload', () => {
  test('not live yet: says so, and to stay', async () => {
    page = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
    onlooker = await Onlooker.of(page);
    phone = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`, {
      ...{ viewport: PHONE, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
    });
    await onlooker.ask('window.neverReloaded = true');
    await expect.poll(() => stateOf(phone), poll).toBe('idle');
    await phone.getByText('it starts by itself').waitFor();
    expect(await scrollsSideways(phone)).toBe(false);
    await expect.poll(() => onlooker.ask(`${STATE}.dataset.state`), poll).toBe('idle');
    expect(await onlooker.ask(`${STATE}.textContent`)).toContain('Not live yet');
    expect(await onlooker.scrollsSideways()).toBe(false);
  });

  test('live: plays by itself, without sound until a click', async () => {
    await api.startBroadcast(ROOM, INPUT);
    await expect.poll(() => onlooker.ask(`${STATE}.dataset.state`), poll).toBe('live');
    const quietTime = () => onlooker.ask<number>('document.querySelector("video").currentTime');
    const from = await quietTime();
    await expect.poll(quietTime, poll).toBeGreaterThan(from + 1);
    expect(await onlooker.ask('document.querySelector("video").muted')).toBe(true);
    expect(await onlooker.ask('document.querySelector("video").videoWidth')).toBe(INPUT.video.width);
    expect(await onlooker.scrollsSideways()).toBe(false);
    await expect.poll(() => stateOf(phone), poll).toBe('live');
    expect(await scrollsSideways(phone)).toBe(false);

    await page.getByTestId('unmute').click();
    await expect.poll(() => read((v) => v.muted || v.volume === 0 || v.paused), poll).toBe(false);
    await page.getByTestId('unmute').waitFor({ state: 'detached' });
    await playsOn();
  });
});

/** What the server says of the room. */
async function serverState(): Promise<{ viewers: number; recording: string | null }> {
  const answer = await fetch(`${server.url}/live/${ROOM}/state.json`);
  return (await answer.json()) as { viewers: number; recording: string | null };
}

describe('while it is live', () => {
  test('two pages behind one address are two viewers, and the server knows how they watch', async () => {
    await expect.poll(async () => (await serverState()).viewers, poll).toBe(2);
    await expect.poll(() => page.getByTestId('viewers').textContent(), poll).toContain('2 watching');
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/lianmai_viewer_beacons_total\{result="counted"\} [1-9]/);
    expect(metrics).toMatch(/lianmai_viewer_latency_seconds_count [1-9]/);
  });

  test('it is at the live edge and says how far behind', async () => {
    await expect.poll(atLive, poll).toBe('true');
    await expect.poll(() => page.getByTestId('latency').textContent(), poll).toMatch(/^\d+\.\d s$/);
  });

  test('pause with k or Space, and back to live', async () => {
    await page.locator('body').press('k');
    await expect.poll(() => read((v) => v.paused), poll).toBe(true);
    expect(await atLive()).toBe('false');
    expect(await page.getByTestId('back-to-live').getAttribute('aria-label')).toBe('Back to live');
    await page.getByTestId('back-to-live').click();
    await expect.poll(atLive, poll).toBe('true');
    await playsOn();
    await page.getByTestId('back-to-live').blur();
    await page.locator('body').press(' ');
    await expect.poll(() => read((v) => v.paused), poll).toBe(true);
    await page.locator('body').press(' ');
    await expect.poll(() => read((v) => v.paused), poll).toBe(false);
  });

  test('back to live after seeking back', async () => {
    await read((v) => {
      v.currentTime -= 6;
    });
    await expect.poll(atLive, poll).toBe('false');
    await page.getByTestId('back-to-live').click();
    await expect.poll(atLive, poll).toBe('true');
    await playsOn();
  });

  test('m turns the sound off and on', async () => {
    await page.getByTestId('back-to-live').blur();
    await page.locator('body').press('m');
    await expect.poll(() => read((v) => v.muted), poll).toBe(true);
    await page.locator('body').press('m');
    await expect.poll(() => read((v) => v.muted), poll).toBe(false);
  });

  test('full screen by its button, and by f', async () => {
    const isFull = () => page.evaluate(() => document.fullscreenElement !== null);
    await page.locator('media-fullscreen-button').click();
    await expect.poll(isFull, poll).toBe(true);
    await page.locator('media-controller[mediaisfullscreen]').waitFor();
    await page.locator('media-fullscreen-button').click();
    await expect.poll(isFull, poll).toBe(false);
    await page.locator('media-fullscreen-button').blur();
    await page.locator('body').press('f');
    await page.locator('media-controller[mediaisfullscreen]').waitFor();
    await page.locator('body').press('f');
    await expect.poll(isFull, poll).toBe(false);
  });

  test('the quality can be chosen', async () => {
    const menu = page.getByTestId('quality');
    await expect.poll(() => menu.locator('option').allTextContents(), poll).toEqual(['Auto (360p)', '360p']);
    await menu.selectOption('360p');
    await playsOn();
    expect(await menu.inputValue()).toBe('0');
    await menu.selectOption({ index: 0 });
    await playsOn();
  });

  test('the bar goes back in time, by the keyboard, with a picture of each moment', async () => {
    await page.getByTestId('time-bar').waitFor();
    await tabTo(page, 'time-bar');
    const bar = page.getByTestId('time-bar');
    expect(await bar.getAttribute('aria-valuetext')).toBe('At the live edge');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(atLive, poll).toBe('false');
    await expect.poll(() => bar.getAttribute('aria-valuetext'), poll).toMatch(/^At −0:\d\d$/);
    await playsOn();
    const box = await bar.boundingBox();
    if (!box) throw new Error('the bar has no place');
    // The track is fetched at the first look, and shown at a later one.
    const point = async (): Promise<number> => {
      await page.mouse.move(box.x + box.width * (0.2 + Math.random() / 100), box.y + box.height / 2);
      return page.getByTestId('thumbnail').count();
    };
    await expect.poll(point, poll).toBe(1);
    const picture = await page.getByTestId('thumbnail').evaluate((of: HTMLElement) => of.style.backgroundImage);
    expect(picture).toContain(`/live/${ROOM}/`);
    await tabTo(page, 'back-to-live');
    await page.keyboard.press('Enter');
    await expect.poll(atLive, poll).toBe('true');
    await playsOn();
  });

  test('the volume is remembered', async () => {
    await read((v) => {
      v.volume = 0.4;
    });
    await expect.poll(() => page.evaluate(() => localStorage.getItem('lianmai.volume')), poll).toBe('0.40');
    const again = await page.context().newPage();
    await again.goto(`${server.url}/watch/${ROOM}`);
    await expect.poll(() => stateOf(again), poll).toBe('live');
    expect(await again.locator('video').evaluate((v: HTMLVideoElement) => v.volume)).toBeCloseTo(0.4);
    await again.close();
  });

  test('the link and the code to embed can be copied', async () => {
    await tabTo(page, 'share');
    await page.keyboard.press('Enter');
    const code = page.getByTestId('embed-code');
    await expect.poll(() => code.inputValue(), poll).toContain(`<lianmai-player room="${ROOM}">`);
    expect(await code.inputValue()).toContain(`${server.url.replace(/\/$/, '')}/embed/player.js`);
    await page.getByTestId('embed-iframe').check();
    await expect.poll(() => code.inputValue(), poll).toContain(`/embed/${ROOM}"`);
    await page.getByTestId('copy-embed').click();
    await page.getByText('Copied').first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('<lianmai-player> plays in a page of somebody else; no other page of ours lets itself be framed', async () => {
    const script = `<script src="${new URL('/embed/player.js', server.url).href}" async></script>`;
    // A server of its own, and no page that Playwright makes up: Chromium lets such a page ask nothing of this machine.
    const site = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>Site</title>${script}<lianmai-player room="${ROOM}"></lianmai-player>`);
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void site.close());
    const address = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
    const foreign = await (await browser.browser.newContext()).newPage();
    const asked = new Set<string>();
    foreign.on('request', (request) => asked.add(new URL(request.url()).host));
    await foreign.goto(address);
    const framed = foreign.frameLocator('lianmai-player iframe');
    await expect.poll(() => framed.getByTestId('state').getAttribute('data-state'), poll).toBe('live');
    expect(await framed.getByTestId('embed-title').getAttribute('href')).toBe(`/watch/${ROOM}`);
    expect([...asked].sort()).toEqual([new URL(address).host, new URL(server.url).host].sort());
    await foreign.context().close();
    const policy = async (path: string) =>
      (await fetch(`${server.url}${path}`)).headers.get('content-security-policy') ?? '';
    expect(await policy(`/embed/${ROOM}`)).toContain('frame-ancestors *');
    for (const path of ['/', `/watch/${ROOM}`, `/studio/${ROOM}`, `/embed/${ROOM}`]) {
      const text = await policy(path);
      expect(text).toContain("default-src 'self'");
      expect(text).not.toContain('unsafe-');
      if (!path.startsWith('/embed/')) expect(text).toContain("frame-ancestors 'self'");
    }
  });

  test('a network that was gone: says so, and is live again at the edge by itself', async () => {
    const proxy = await CutProxy.start(Number(new URL(server.url).port));
    const far = await pages.open(browser.browser, `${proxy.url}/watch/${ROOM}`);
    await expect.poll(() => stateOf(far), poll).toBe('live');
    proxy.cut();
    await expect.poll(() => stateOf(far), poll).toBe('reconnecting');
    await far.getByText('The picture comes back by itself').waitFor();
    // The last picture stays behind the words, also while everything is being built anew.
    await far.getByTestId('still').waitFor();
    const light = await far.getByTestId('still').evaluate((of: HTMLCanvasElement) => {
      const pixels = of.getContext('2d')?.getImageData(0, 0, of.width, of.height).data ?? new Uint8ClampedArray();
      return pixels.reduce((most, value, i) => (i % 4 === 3 ? most : Math.max(most, value)), 0);
    });
    expect(light).toBeGreaterThan(60);
    proxy.mend();
    await expect.poll(() => stateOf(far), poll).toBe('live');
    await expect.poll(() => far.getByTestId('back-to-live').getAttribute('data-live'), poll).toBe('true');
    expect(await far.getByTestId('still').isVisible()).toBe(false);
    await far.context().close();
    await proxy.close();
  });

  test('without MSE the browser’s own player gets the playlist', async () => {
    const native = await browser.browser.newPage();
    pages.watch(native, new URL(server.url).host);
    await native.addInitScript(() => {
      for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource'])
        Reflect.deleteProperty(window, name);
      const { canPlayType } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.canPlayType = function (type) {
        return type === 'application/vnd.apple.mpegurl' ? 'maybe' : canPlayType.call(this, type);
      };
    });
    await native.goto(`${server.url}/watch/${ROOM}`);
    const source = () => native.locator('video').getAttribute('src');
    await expect.poll(source, poll).toBe(`/live/${ROOM}/index.m3u8`);
    expect(await native.getByTestId('problem').count()).toBe(0);
    await native.close();
  });

  test('without any player: says what to do', async () => {
    const old = await browser.browser.newPage();
    pages.watch(old, new URL(server.url).host);
    await old.addInitScript(() => {
      for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource'])
        Reflect.deleteProperty(window, name);
      HTMLMediaElement.prototype.canPlayType = () => '';
    });
    await old.goto(`${server.url}/watch/${ROOM}`);
    await old.locator('[data-problem=no-player]').getByText('Use a current Chrome').waitFor();
    await old.close();
  });
});

describe('the end, and the next show', () => {
  test('ended: says so, to who watched and to who comes late', async () => {
    await api.stopBroadcast(ROOM);
    const late = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
    for (const each of [page, phone, late]) {
      await expect.poll(() => stateOf(each), poll).toBe('ended');
      await each.getByText('The broadcast has ended').waitFor();
      expect(await scrollsSideways(each)).toBe(false);
    }
    await page.getByText('It lasted').waitFor();
    await late.context().close();
  });

  test('what was recorded can be watched there', async () => {
    await expect.poll(async () => (await serverState()).recording, poll).toMatch(/^r/);
    await page.getByTestId('replay').click();
    await expect.poll(() => stateOf(page), poll).toBe('recorded');
    await playsOn();
    expect(await page.getByTestId('recorded-time').textContent()).toMatch(/^0:\d\d \/ \d:\d\d$/);
    expect(await page.getByTestId('back-to-live').count()).toBe(0);
    const bar = page.getByTestId('time-bar');
    await bar.press('End');
    await expect.poll(() => read((v) => v.ended || v.currentTime > v.duration - 3), poll).toBe(true);
  });

  test('live again: the next broadcast starts by itself, with the sound as it was', async () => {
    await api.startBroadcast(ROOM, INPUT);
    for (const each of [page, phone]) await expect.poll(() => stateOf(each), poll).toBe('live');
    await playsOn();
    expect(await read((v) => v.muted)).toBe(false);
    expect(await page.evaluate(() => 'neverReloaded' in window)).toBe(true);
    const fatal = await page.evaluate(() => {
      const { lianmai } = window as unknown as { lianmai: { hls: { errors: { fatal: boolean }[] } } };
      return lianmai.hls.errors.filter((error) => error.fatal);
    });
    expect(fatal).toEqual([]);
    await api.stopBroadcast(ROOM);
  });
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
