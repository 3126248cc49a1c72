/** Pages as people have them, with a note of all that no page may do: script errors, CSP violations, requests elsewhere. */
import type { Browser, BrowserContextOptions, CDPSession, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { gridLayout } from '../../src/layout/grid.ts';
import { type Colour, colourDistance, grabPicture, meanColour } from '../support/frames.ts';

/** Pages, workers and encoders share two cores: only a hang meets this, ms. */
export const PATIENCE_MS = 60_000;

export const WIDE = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Unless the person has chosen in this test; a page without an origin has no storage. */
const HIDE_MONITOR = `try { localStorage['lianmai.monitor'] ??= 'off'; } catch {}`;

/** Opens pages and keeps account of them; one for each test file. */
export class Pages {
  /** What went wrong in any of the pages; a test expects it to be empty. */
  readonly faults: string[] = [];
  /** Console messages that a test provokes on purpose are no faults. */
  readonly #expected: readonly RegExp[];

  constructor(expected: readonly RegExp[] = []) {
    this.#expected = expected;
  }

  /**
   * A page in a context of its own: another person. `prepare`: before the page is loaded. `monitor`: a host begins with the program on show, as it
   * comes; else as somebody who has hidden it, since each one costs the machine another decoder.
   */
  async open(
    browser: Browser,
    url: string,
    {
      prepare,
      monitor = false,
      ...options
    }: BrowserContextOptions & { prepare?: (page: Page) => Promise<unknown>; monitor?: boolean } = {},
  ): Promise<Page> {
    const context = await browser.newContext({ locale: 'en-GB', viewport: WIDE, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    if (!monitor) await context.addInitScript(HIDE_MONITOR);
    const page = await context.newPage();
    this.watch(page, new URL(url).host);
    await prepare?.(page);
    await page.goto(url);
    return page;
  }

  watch(page: Page, host: string): void {
    const fault = (what: string, text: string): void => {
      if (!this.#expected.some((pattern) => pattern.test(text))) this.faults.push(`${what}: ${text}`);
    };
    page.on('pageerror', (error) => fault('script error', error.message));
    page.on('console', (message) => {
      if (/content security policy|refused to/i.test(message.text())) fault('CSP', message.text());
    });
    const check = (url: string): void => {
      if (!/^(blob|data|about):/.test(url) && new URL(url).host !== host) fault('request elsewhere', url);
    };
    page.on('request', (request) => check(request.url()));
    page.on('websocket', (socket) => check(socket.url()));
  }
}

/** Fills in the door and goes in; resolves in the room. */
export async function enter(page: Page, name: string): Promise<void> {
  const field = page.getByTestId('prejoin-name');
  await field.waitFor();
  if (await field.isEditable()) await field.fill(name);
  await page.getByTestId('join').click();
  await page.getByTestId('leave').waitFor();
}

/** The tile of somebody else (or of oneself) by name. */
export const tileOf = (page: Page, name: string, source = 'camera'): Locator =>
  page.locator(`[data-testid=tile][data-source=${source}]`).filter({ hasText: name });

/** Waits until a video's time goes on, and its picture has a size. */
export async function expectPlaying(video: Locator): Promise<void> {
  const time = () => video.evaluate((v: HTMLVideoElement) => (v.videoWidth > 0 ? v.currentTime : 0));
  await expect.poll(time, { timeout: PATIENCE_MS }).toBeGreaterThan(0);
  const before = await time();
  await expect.poll(time, { timeout: PATIENCE_MS }).toBeGreaterThan(before + 0.5);
}

/** Waits until a page has this problem on show; its title, and the sentence that says what to do. */
export async function expectProblem(page: Page, code: string): Promise<{ title: string; remedy: string }> {
  const problem = page.locator(`[data-testid=problem][data-problem="${code}"]`);
  await problem.waitFor();
  const title = await problem.locator('strong, .problem-title').first().textContent();
  const remedy = await problem.locator('strong + span, .problem-title + p').first().textContent();
  expect(title?.length).toBeGreaterThan(10);
  expect(remedy?.length).toBeGreaterThan(20);
  return { title: title ?? '', remedy: remedy ?? '' };
}

/** Waits until a page has this problem on show in these words: its title whole, and of the remedy at least a part. */
export async function expectReads(page: Page, code: string, title: string, remedy: string): Promise<void> {
  const problem = page.locator(`[data-testid=problem][data-problem="${code}"]`);
  await problem.getByText(title, { exact: true }).waitFor();
  await problem.getByText(remedy).waitFor();
}

/** The numbers that `getStats` has of what a studio page receives, by kind. */
export interface Received {
  kind: 'audio' | 'video';
  frameWidth: number;
  framesDecoded: number;
  totalAudioEnergy: number;
}

/** Remembers each RTCPeerConnection of a page, so that `received` can ask it. Before the page is loaded. */
export async function keepConnections(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const kept: RTCPeerConnection[] = [];
    Object.assign(window, { keptConnections: kept });
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...args: ConstructorParameters<typeof RTCPeerConnection>) {
        super(...args);
        kept.push(this);
      }
    };
  });
}

export function received(page: Page): Promise<Received[]> {
  return page.evaluate(async () => {
    const { keptConnections } = window as unknown as { keptConnections: RTCPeerConnection[] };
    const open = keptConnections.filter((connection) => connection.connectionState === 'connected');
    const reports = await Promise.all(open.map((connection) => connection.getStats()));
    return reports.flatMap((report) =>
      [...report.values()]
        .filter((stats) => stats.type === 'inbound-rtp')
        .map(({ kind, frameWidth = 0, framesDecoded = 0, totalAudioEnergy = 0 }) => ({
          ...{ kind, frameWidth, framesDecoded, totalAudioEnergy },
        })),
    );
  });
}

/** Presses Tab until the element with this test id has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, testId: string): Promise<void> {
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? '');
  for (let presses = 0; presses < 60; presses++) {
    if ((await focused()) === testId) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`60 times Tab do not lead to ${testId}`);
}

const SIDEWAYS = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';

/** Whether the page can be scrolled sideways. */
export const scrollsSideways = (page: Page): Promise<boolean> => page.evaluate(SIDEWAYS);

/** Asks a page without touching it: Playwright's own questions count as a click for the browser's autoplay rule. */
export class Onlooker {
  readonly #session: CDPSession;

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  static async of(page: Page): Promise<Onlooker> {
    return new Onlooker(await page.context().newCDPSession(page));
  }

  async ask<T>(expression: string): Promise<T> {
    const { result } = await this.#session.send('Runtime.evaluate', { expression, returnByValue: true });
    return result.value as T;
  }

  scrollsSideways = (): Promise<boolean> => this.ask(SIDEWAYS);
}

/** What 4:2:0, VP8 and x264 leave of a flat colour, in one channel of 255. */
const COLOUR_TOLERANCE = 40;

/** For each of `count` cells of the program, as it is now: whether it shows this colour. */
export async function cellsShow(playlist: string, count: number, colour: Colour): Promise<boolean[]> {
  // From the newest segment on, not the third newest.
  const picture = await grabPicture(playlist, 640, 360, ['-live_start_index', '-1']);
  return gridLayout(count, picture.width, picture.height).map(
    (cell) => colourDistance(meanColour(picture, cell), colour) <= COLOUR_TOLERANCE,
  );
}
