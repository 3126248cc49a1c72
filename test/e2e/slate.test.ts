/**
 * A broadcast whose compositor is away for long, in hls.js as it comes: gap, slate, program. Once in low-latency mode and once as any
 * HLS player, side by side in one page, on a real delivery node with a compositor that the test drives.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { openRoom } from '../support/deliveryRooms.ts';
import { DeliveryStack, TestCompositor } from '../support/deliveryStack.ts';
import { TestClip } from '../support/programParts.ts';

const HLS_JS = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js');
const PLAYERS = ['low', 'plain'] as const;
const poll = { timeout: 60_000, interval: 200 };

let clip: TestClip;
let stack: DeliveryStack;
let site: Server;
let browser: TestBrowser;

beforeAll(async () => {
  clip = await TestClip.make();
  stack = await DeliveryStack.start();
  site = createServer((request, response) => {
    if (request.url === '/hls.js') void readFile(HLS_JS).then((script) => response.end(script));
    else response.setHeader('content-type', 'text/html').end(PAGE);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  site?.close();
  await stack?.close();
  clip?.close();
});

const PAGE = `<!doctype html><title>slate</title><script src="/hls.js"></script>
<video id="low" muted></video><video id="plain" muted></video>
<script>
  const url = new URLSearchParams(location.search).get('url');
  const fatal = [];
  for (const id of ['low', 'plain']) {
    const hls = new Hls({ lowLatencyMode: id === 'low', enableWorker: false });
    hls.on(Hls.Events.ERROR, (_, data) => data.fatal && fatal.push(id + ' ' + data.details));
    hls.loadSource(url);
    hls.attachMedia(document.getElementById(id));
    document.getElementById(id).play();
  }
  const timeOf = (id) => document.getElementById(id).currentTime;
  function brightness(id) {
    const canvas = new OffscreenCanvas(32, 18).getContext('2d');
    canvas.drawImage(document.getElementById(id), 0, 0, 32, 18);
    const { data } = canvas.getImageData(0, 0, 32, 18);
    return data.reduce((sum, value, i) => (i % 4 === 3 ? sum : sum + value), 0) / (32 * 18 * 3);
  }
</script>`;

/** Both players go on at the same time. */
const each = (look: (id: (typeof PLAYERS)[number]) => Promise<void>) => Promise.all(PLAYERS.map(look));

test('gap, then slate for as long as it takes, then the program: hls.js plays on by itself', async () => {
  const { controller, room } = await openRoom(stack);
  const first = new TestCompositor(stack, controller, clip, 1);
  await first.start(controller.nextSegment);
  await controller.waitFor('part', (p) => p.part === 5);
  const page = await (await browser.browser.newContext()).newPage();
  const { port } = site.address() as AddressInfo;
  await page.goto(`http://127.0.0.1:${port}/?url=${encodeURIComponent(`${stack.url}/live/${room}/index.m3u8`)}`);
  for (const id of PLAYERS) await expect.poll(() => timeOf(page, id), poll).toBeGreaterThan(3);
  for (const id of PLAYERS) expect(await brightness(page, id)).toBeGreaterThan(40);

  await first.stop();
  // The slate of the clip is black.
  for (const id of PLAYERS) await expect.poll(() => brightness(page, id), poll).toBeLessThan(5);
  await each(async (id) => {
    const from = await timeOf(page, id);
    await expect.poll(() => timeOf(page, id), poll).toBeGreaterThan(from + 5);
    expect(await brightness(page, id)).toBeLessThan(5);
  });
  expect(controller.of('gap')).toHaveLength(3);

  const second = new TestCompositor(stack, controller, clip, 2);
  await second.start(controller.nextSegment);
  await each(async (id) => {
    await expect.poll(() => brightness(page, id), poll).toBeGreaterThan(40);
    const from = await timeOf(page, id);
    await expect.poll(() => timeOf(page, id), poll).toBeGreaterThan(from + 2);
  });
  await second.stop();
  expect(await page.evaluate('fatal')).toEqual([]);
});

const timeOf = (page: Page, id: string): Promise<number> => page.evaluate(`timeOf('${id}')`);
/** Mean of red, green and blue, 0 to 255. */
const brightness = (page: Page, id: string): Promise<number> => page.evaluate(`brightness('${id}')`);
