/**
 * What the pages weigh, and how soon a viewer sees something. A real server with two simulated people, live; each page is opened in a
 * fresh browser context, so that nothing is cached.
 *
 *   watch_gzip_kb        all that the watch page loads until its first frame, gzip; media is not counted; ≤ 250
 *   watch_all_gzip_kb    and all that it loads later, every menu and the check before one asks for a seat opened; ≤ 330
 *   studio_gzip_kb       the studio, in the room
 *   first_frame_ms_p50   from opening the page of a live room until the first frame is presented; ≤ 1500
 *
 * --repeat N (7). kB are 1000 bytes, as gzip level 9 has them, which is what the server sends (client/vite.config.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../../test/support/browser.ts';
import { ServerProcess } from '../../test/support/ServerProcess.ts';
import type { Bench } from '../bench.ts';
import { ServerApi } from '../simulator/serverApi.ts';
import { SimulatorProcess } from './support/SimulatorProcess.ts';
import { spread } from './support/spread.ts';

const ROOM = 'bench';
const PEERS = 2;
/** As large as the goals are for; a phone loads the same. */
const VIEWPORT = { width: 1280, height: 800 };
const LIMIT_MS = 60_000;
/** Between two looks, ms; what is measured is noted in the page. */
const LOOK_MS = 50;
/** What is loaded late is on its way within this time after the first frame, ms. */
const LATE_MS = 3_000;

/** Notes when the first frame of the page's first video is presented, ms since the page was opened. */
const NOTE_FIRST_FRAME = `
  const note = () => {
    const video = document.querySelector('video');
    if (!video) return;
    watcher.disconnect();
    video.requestVideoFrameCallback((_now, { presentationTime }) => { window.firstFrameMs = presentationTime; });
  };
  const watcher = new MutationObserver(note);
  watcher.observe(document, { childList: true, subtree: true });
`;

/** What a page has loaded, by address: bytes as gzip has them. */
class Weight {
  readonly #bytes = new Map<string, Promise<number>>();

  constructor(page: Page) {
    page.on('response', (response) => {
      const url = new URL(response.url());
      if (!/^https?:$/.test(url.protocol) || /^\/(live|recordings|v1|socket\.io)\//.test(url.pathname)) return;
      const size = response.body().then(
        (body) => gzipSync(body, { level: 9 }).length,
        () => 0,
      );
      this.#bytes.set(url.pathname, size);
    });
  }

  /** kB until now. */
  async kilobytes(): Promise<number> {
    const all = await Promise.all(this.#bytes.values());
    return Number((all.reduce((sum, bytes) => sum + bytes, 0) / 1000).toFixed(1));
  }
}

/** Asked again and again: a string in `waitForFunction` is refused by the page's content security policy. */
async function firstFrameOf(page: Page): Promise<number> {
  for (const until = performance.now() + LIMIT_MS; performance.now() < until; await delay(LOOK_MS)) {
    const ms: unknown = await page.evaluate('window.firstFrameMs');
    if (typeof ms === 'number') return ms;
  }
  throw new Error('the watch page shows nothing');
}

async function opened(browser: Browser): Promise<{ context: BrowserContext; page: Page; weight: Weight }> {
  const context = await browser.newContext({ viewport: VIEWPORT, locale: 'en-GB' });
  context.setDefaultTimeout(LIMIT_MS);
  const page = await context.newPage();
  return { context, page, weight: new Weight(page) };
}

/** One viewer; `whole`: opens every menu afterwards, and the way to a seat. */
async function watch(browser: Browser, url: string, whole: boolean) {
  const { context, page, weight } = await opened(browser);
  await page.addInitScript(NOTE_FIRST_FRAME);
  await page.goto(`${url}/watch/${ROOM}`, { waitUntil: 'commit' });
  const firstFrameMs = await firstFrameOf(page);
  const untilFirst = await weight.kilobytes();
  if (whole) {
    await page.getByTestId('share').click();
    await page.getByTestId('embed-code').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('ask-to-join').click();
    await page.getByTestId('seat-panel').waitFor();
    await delay(LATE_MS);
  }
  const all = await weight.kilobytes();
  await context.close();
  return { firstFrameMs, untilFirst, all };
}

async function studio(browser: Browser, url: string): Promise<number> {
  const { context, page, weight } = await opened(browser);
  await page.goto(`${url}/studio/${ROOM}?role=host`);
  await page.getByTestId('prejoin-name').fill('Ann');
  await page.getByTestId('join').click();
  await page.getByTestId('leave').waitFor();
  await delay(LATE_MS);
  const kilobytes = await weight.kilobytes();
  await context.close();
  return kilobytes;
}

export const run: Bench = async ({ args, say, signal }) => {
  const { values } = parseArgs({ args, options: { repeat: { type: 'string', default: '7' } } });
  const repeat = Number(values.repeat);
  if (!(repeat >= 1)) throw new Error('--repeat 1 or more');
  await using stack = new AsyncDisposableStack();
  const server = await ServerProcess.start({ LIANMAI_LOG_LEVEL: 'info' });
  stack.defer(() => server.stop().then(() => {}));
  const simulator = await SimulatorProcess.start(['--url', server.url, '--room', ROOM, '--peers', String(PEERS)]);
  stack.defer(() => simulator.stop().then(() => {}));
  await simulator.joined(PEERS);
  const browser = await launchBrowser();
  stack.defer(() => browser.close());
  const api = new ServerApi(server.url);
  await api.startBroadcast(ROOM, { dvrSeconds: 600 });
  // The first one finds a program that has just begun, and a browser that has compiled nothing.
  await watch(browser.browser, server.url, false);
  const times: number[] = [];
  const untilFirst: number[] = [];
  for (let i = 0; i < repeat; i++) {
    signal.throwIfAborted();
    const seen = await watch(browser.browser, server.url, false);
    times.push(seen.firstFrameMs);
    untilFirst.push(seen.untilFirst);
    say(`first frame after ${Math.round(seen.firstFrameMs)} ms`);
  }
  const { all } = await watch(browser.browser, server.url, true);
  const studioKilobytes = await studio(browser.browser, server.url);
  await api.stopBroadcast(ROOM);
  const first = spread(times);
  return {
    watch_gzip_kb: Math.max(...untilFirst),
    watch_all_gzip_kb: all,
    studio_gzip_kb: studioKilobytes,
    first_frame_ms_p50: first?.p50 ?? null,
    first_frame_ms_max: first?.max ?? null,
    repeat,
  };
};
