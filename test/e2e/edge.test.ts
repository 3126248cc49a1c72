/**
 * Viewers of a delivery node that owns nothing, before one that does: both as real servers, with TLS and playback tokens. The room is
 * empty: its program is the slate.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../src/common/Secret.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { Http2Client } from '../support/http2Get.ts';
import { httpSend } from '../support/httpGet.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { enter, expectProblem, PATIENCE_MS, Pages } from './pages.ts';

const ROOM = 'far';
const SECRET = 's'.repeat(40);
const poll = { timeout: PATIENCE_MS };

const tokens = Tokens.create([new Secret(SECRET)]);
const playToken = (seconds = 600): Promise<string> => tokens.sign({ aud: 'play', sub: 'viewer', room: ROOM }, seconds);

const pages = new Pages();
let owner: ServerProcess;
let edge: ServerProcess;
let browser: TestBrowser;
let certificate: Certificate;

beforeAll(async () => {
  certificate = await makeCertificate();
  const common = { LIANMAI_SECRET: SECRET, LIANMAI_TLS_CERT: certificate.cert, LIANMAI_TLS_KEY: certificate.key };
  owner = await ServerProcess.start(common);
  edge = await ServerProcess.start({
    ...common,
    LIANMAI_ROLE: 'delivery',
    LIANMAI_DELIVERY_ORIGIN: owner.internalUrl,
  });
  const input = { playback: 'token', video: { width: 640, height: 360, bitrate: 500_000 } };
  const authorization = `Bearer ${await tokens.sign({ aud: 'api', sub: 'test' }, 60)}`;
  const started = await httpSend(`${owner.url}/v1/rooms/${ROOM}/broadcast`, 'PUT', input, { authorization });
  expect(started.status).toBe(200);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await edge?.stop();
  await owner?.stop();
  await certificate?.remove();
});

/** Media playlists that the owner has been asked for. */
async function askedOfOwner(): Promise<number> {
  const metrics = await (await fetch(`${owner.internalUrl}/metrics`)).text();
  const lines = metrics.matchAll(/^lianmai_hls_requests_total\{kind="playlist",status="\w+"\} (\d+)$/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

test('50 viewers of the edge wait for part after part: the owner is asked once for each', async () => {
  const base = `/live/~${await playToken()}/${ROOM}`;
  const client = await Http2Client.connect(edge.url);
  const textOf = async (of: Http2Client, path: string): Promise<string> => (await of.get(path)).body.toString();
  let media = '';
  const findMedia = async (): Promise<string> => {
    media = /^b.*m3u8$/m.exec(await textOf(client, `${base}/index.m3u8`))?.[0] ?? '';
    return media;
  };
  await expect.poll(findMedia, poll).not.toBe('');
  const text = await textOf(client, `${base}/${media}`);
  const [, msn = '', part = ''] = /#EXT-X-PRELOAD-HINT:TYPE=PART,URI="(\d+)\.(\d+)\.m4s"/.exec(text) ?? [];
  const wanted = Array.from({ length: 6 }, (_, i) => {
    const position = Number(msn) * 6 + Number(part) + 1 + i;
    return [Math.floor(position / 6), position % 6];
  });
  const before = await askedOfOwner();
  const viewer = async (): Promise<string[]> => {
    const own = await Http2Client.connect(edge.url);
    const path = `/live/~${await playToken()}/${ROOM}/${media}`;
    const seen: string[] = [];
    for (const [k, p] of wanted) {
      const playlist = await textOf(own, `${path}?_HLS_msn=${k}&_HLS_part=${p}`);
      seen.push(playlist.includes(`URI="${k}.${p}.m4s"`) ? `${k}.${p}` : playlist);
    }
    own.close();
    return seen;
  };
  const seen = await Promise.all(Array.from({ length: 50 }, viewer));
  for (const parts of seen) expect(parts).toEqual(wanted.map(([k, p]) => `${k}.${p}`));
  expect((await askedOfOwner()) - before).toBe(wanted.length);
  client.close();
});

describe('the watch page of the edge', () => {
  const stateOf = (page: Page) => page.getByTestId('state').getAttribute('data-state');
  const timeOf = (page: Page) => page.locator('video').evaluate((v: HTMLVideoElement) => v.currentTime);
  /** Of all playlists and media. */
  const protocolsOf = (page: Page) =>
    page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter(({ name }) => name.includes('/live/'))
        .map((entry) => (entry as PerformanceResourceTiming).nextHopProtocol),
    );
  const stallsOf = (page: Page) => page.evaluate('window.lianmai.hls.stalls') as Promise<number>;

  const open = (path: string): Promise<Page> =>
    pages.open(browser.browser, edge.url + path, { ignoreHTTPSErrors: true });

  async function playsOn(page: Page, seconds: number): Promise<void> {
    await expect.poll(() => stateOf(page), poll).toBe('live');
    const from = await timeOf(page);
    await expect.poll(() => timeOf(page), poll).toBeGreaterThan(from + seconds);
  }

  test('plays without a stall, with the token of the fragment, which is not left there', async () => {
    const page = await open(`/watch/${ROOM}#token=${await playToken()}`);
    // What a player does in its first seconds is its own affair.
    await playsOn(page, 4);
    const stalls = await stallsOf(page);
    await playsOn(page, 6);
    expect(await stallsOf(page)).toBe(stalls);
    expect(new Set(await protocolsOf(page))).toEqual(new Set(['h2']));
    expect(page.url()).toBe(`${edge.url}/watch/${ROOM}`);
    await page.context().close();
  });

  test('takes the token out of the path, and has it still when it is loaded again', async () => {
    const page = await open(`/watch/~${await playToken()}/${ROOM}`);
    await playsOn(page, 0.5);
    expect(page.url()).toBe(`${edge.url}/watch/${ROOM}`);
    await page.reload();
    await playsOn(page, 0.5);
    await page.context().close();
  });

  test('without a token, or with an old one, it says what one needs; a good link mends it', async () => {
    const page = await open(`/watch/${ROOM}`);
    await expectProblem(page, 'invitation-needed');
    await page.goto(`${edge.url}/watch/${ROOM}#token=${await playToken(-60)}`);
    await expectProblem(page, 'unauthorized');
    await page.goto(`${edge.url}/watch/${ROOM}#token=${await playToken()}`);
    await playsOn(page, 0.5);
    await page.context().close();
  });

  test('ends when the token does, in the middle of the show', async () => {
    // Clocks may be off by 5 s: it is good for ten.
    const page = await open(`/watch/${ROOM}#token=${await playToken(5)}`);
    await playsOn(page, 0.2);
    await expectProblem(page, 'unauthorized');
    await page.context().close();
  });
});

test('the studio has its WebSocket on the port that speaks HTTP/2', async () => {
  const token = await tokens.sign({ aud: 'join', sub: 'ann', room: 'talk', role: 'host' }, 60);
  const page = await pages.open(browser.browser, `${owner.url}/studio/talk#token=${token}`, {
    ignoreHTTPSErrors: true,
  });
  await enter(page, 'Ann');
  const [document] = await page.evaluate(() => performance.getEntriesByType('navigation').map((e) => e.toJSON()));
  expect(document.nextHopProtocol).toBe('h2');
  await page.context().close();
});

test('no page did what it may not do', () => {
  expect(pages.faults).toEqual([]);
});
