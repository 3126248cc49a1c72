/** Watches as a viewer does: the watch page for minutes, and fresh joins of hls.js without low latency. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { FirstSeen } from './FirstSeen.ts';
import { PictureReader } from './PictureReader.ts';
import type { SentLog } from './SentLog.ts';

/** What starts is over then, ms (the 5 s). */
const SETTLE_MS = 5_000;
/** Looks pile up in the page until they are taken, ms. */
const TAKE_EVERY_MS = 5_000;
/** Of a fresh join so much is looked at, ms. */
const JOIN_MS = 4_000;
const START_LIMIT_MS = 60_000;

export interface Watched {
  ages: number[];
  unknown: number;
  /** `waiting` events and BUFFER_STALLED errors after the first 5 s. */
  stalls: number;
  /** When, s after the first picture. */
  stalledAt: number[];
}

export interface WatchOptions {
  browser: Browser;
  url: string;
  peers: number;
  size: { width: number; height: number };
  log: SentLog;
  signal: AbortSignal;
}

interface PlayerStats {
  errors: { at: number; details: string }[];
}

async function firstPicture(reader: PictureReader, signal: AbortSignal): Promise<number> {
  for (const until = performance.now() + START_LIMIT_MS; ; ) {
    const { firstMs } = await reader.marks();
    if (firstMs !== null) return firstMs;
    if (performance.now() > until) throw new Error('the player shows nothing');
    await delay(100, undefined, { signal });
  }
}

/** The watch page, from its first picture on. */
export async function watchPage(options: WatchOptions, room: string, seconds: number): Promise<Watched> {
  const { browser, url, peers, size, log, signal } = options;
  // As large as the picture, so that the player takes the largest quality.
  const page = await browser.newPage({ viewport: { width: size.width, height: size.height } });
  await page.goto(`${url}/watch/${room}`);
  await page.locator('video').waitFor({ state: 'attached' });
  const reader = await PictureReader.start(page, peers, size);
  const firstMs = await firstPicture(reader, signal);
  const fromMs = firstMs + SETTLE_MS;
  const seen = new FirstSeen(log);
  const take = async () => {
    log.update();
    for (const { peer, counter, seenMs } of await reader.take()) if (seenMs >= fromMs) seen.add(peer, counter, seenMs);
  };
  for (const until = performance.now() + SETTLE_MS + seconds * 1000; performance.now() < until; ) {
    await delay(Math.min(TAKE_EVERY_MS, until - performance.now()), undefined, { signal });
    await take();
  }
  const { waits } = await reader.marks();
  const errors = await page.evaluate(
    () => (globalThis as unknown as { lianmai: { hls: PlayerStats } }).lianmai.hls.errors,
  );
  await page.close();
  const stalls = [...waits, ...errors.filter(({ details }) => details === 'bufferStalledError').map(({ at }) => at)]
    .filter((at) => at >= fromMs)
    .sort((a, b) => a - b);
  const stalledAt = stalls.map((at) => Math.round(at - firstMs) / 1000);
  return { ages: seen.ages, unknown: seen.unknown, stalls: stalls.length, stalledAt };
}

/** One join of a page that has nothing but hls.js with `lowLatencyMode: false`; the median age of what it shows first, ms. */
export async function plainJoin(options: WatchOptions, playlist: string): Promise<number> {
  const { browser, url, peers, size, log, signal } = options;
  const page = await browser.newPage({ viewport: { width: 640, height: 360 } });
  try {
    await servePlainPage(page, `${url}/plain.html`, playlist);
    const reader = await PictureReader.start(page, peers, size);
    await page.evaluate(() => (globalThis as unknown as { begin: () => void }).begin());
    await firstPicture(reader, signal);
    await delay(JOIN_MS, undefined, { signal });
    log.update();
    const seen = new FirstSeen(log);
    for (const { peer, counter, seenMs } of await reader.take()) seen.add(peer, counter, seenMs);
    const ages = seen.ages.toSorted((a, b) => a - b);
    const median = ages[Math.floor(ages.length / 2)];
    if (median === undefined) throw new Error('no code could be read');
    return median;
  } finally {
    await page.close();
  }
}

/** A page under the server's own address, which lets in no other; the browser gets it from here. */
async function servePlainPage(page: Page, address: string, playlist: string): Promise<void> {
  const script = await readFile(createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js'), 'utf8');
  const begin = `globalThis.begin = () => {
    const hls = new Hls({ lowLatencyMode: false });
    hls.attachMedia(document.querySelector('video'));
    hls.loadSource(${JSON.stringify(playlist)});
  };`;
  const body = `<!doctype html><video muted autoplay width="640"></video><script>${script}</script><script>${begin}</script>`;
  await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body }));
  await page.goto(address);
}
