/**
 * What goes wrong at the studio's door and inside, beyond the walk-through (walkDevices.test.ts, walkServer.test.ts), and that the page
 * says what to do. The server has a secret, as one has that others can reach; tokens are made here with the same one.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../src/common/Secret.ts';
import type { Role } from '../../src/contracts/tokens.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { CutProxy } from '../support/CutProxy.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { enter, expectPlaying, expectProblem, PATIENCE_MS, Pages, tileOf } from './pages.ts';

const SECRET = 'the secret of the failures test is long enough';
const HOUR_S = 3600;
/** Not loopback by its name, so that the browser takes its pages for insecure. */
const PLAIN_HOST = 'studio.test';
const FAKE_DEVICES = '--use-fake-device-for-media-stream';
const poll = { timeout: PATIENCE_MS };

const tokens = Tokens.create([new Secret(SECRET)]);
const pages = new Pages();
let server: ServerProcess;
let browser: TestBrowser;

beforeAll(async () => {
  server = await ServerProcess.start({ LIANMAI_SECRET: SECRET });
  browser = await launchBrowser({
    ...{ colour: '0xc81e1e', width: 320, height: 180, fps: 10 },
    flags: [`--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`],
  });
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

async function link(room: string, sub: string, role: Role = 'host', seconds = HOUR_S, by = tokens): Promise<string> {
  const token = await by.sign({ aud: 'join', sub, role, room, name: sub }, seconds);
  return `${server.url}/studio/${room}#token=${token}`;
}

describe('devices', () => {
  test('neither camera nor microphone: one sentence about both, and one can join without', async () => {
    const without = await launchBrowser({ without: [FAKE_DEVICES] });
    const page = await pages.open(without.browser, await link('nothing', 'Ann'));
    const { remedy } = await expectProblem(page, 'no-device');
    expect(remedy).toContain('join without');
    await enter(page, 'Ann');
    await tileOf(page, 'Ann').locator('.initials').waitFor();
    await without.close();
  });

  test('a page outside a secure context: says that https is missing', async () => {
    const url = (await link('plain', 'Ann')).replace('127.0.0.1', PLAIN_HOST);
    const page = await pages.open(browser.browser, url);
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    const { remedy } = await expectProblem(page, 'insecure-context');
    expect(remedy).toContain('https://');
    expect(remedy).toContain('LIANMAI_TLS_CERT');
    await page.context().close();
  });
});

describe('who may come in', () => {
  const foreign = Tokens.create([new Secret('another secret of another server altogether')]);

  test.each([
    ['of another server', () => link('door', 'Ann', 'host', HOUR_S, foreign)],
    ['no token at all', async () => `${server.url}/studio/door#token=nonsense`],
  ])('a token that is %s: ask for a new link', async (_what, url) => {
    const page = await pages.open(browser.browser, await url());
    await page.getByTestId('prejoin-name').waitFor();
    if (await page.getByTestId('prejoin-name').isEditable()) await page.getByTestId('prejoin-name').fill('Ann');
    await page.getByTestId('join').click();
    const { remedy } = await expectProblem(page, 'unauthorized');
    expect(remedy).toContain('Ask for a new link');
    // The bad token is forgotten: trying again asks for an invitation.
    await page.getByTestId('again').click();
    await expectProblem(page, 'invitation-needed');
    await page.context().close();
  });

  test('without a token: an invitation is needed, in the studio and on the start page', async () => {
    const page = await pages.open(browser.browser, `${server.url}/studio/door`);
    const { remedy } = await expectProblem(page, 'invitation-needed');
    expect(remedy).toContain('Ask the host');
    await page.getByText('To the start page').click();
    await page.getByTestId('name').fill('Ann');
    await page.getByTestId('start').click();
    await expectProblem(page, 'invitation-needed');
    await page.context().close();
  });

  test('the same person twice: the newer one wins, the older is told why and can take over', async () => {
    const url = await link('twice', 'Ann');
    const older = await pages.open(browser.browser, url);
    await enter(older, 'Ann');
    const newer = await pages.open(browser.browser, url);
    await enter(newer, 'Ann');
    const { remedy } = await expectProblem(older, 'joined-elsewhere');
    expect(remedy).toContain('take over here');
    await expect.poll(() => newer.getByTestId('tile').count(), poll).toBe(1);

    // Watching, or being there as audience, in another tab evicts nobody.
    const audience = await pages.open(browser.browser, await link('twice', 'Ann', 'audience'));
    await enter(audience, 'Ann');
    await audience.getByTestId('audience').waitFor();
    const watching = await pages.open(browser.browser, url.replace('/studio/', '/watch/'));
    await expect.poll(() => watching.getByTestId('state').getAttribute('data-state'), poll).toBe('idle');
    expect(await newer.getByTestId('problem').count()).toBe(0);
    expect(await newer.getByTestId('mute').count()).toBe(1);

    await older.getByTestId('again').click();
    await enter(older, 'Ann');
    await expectProblem(newer, 'joined-elsewhere');
    for (const page of [older, newer, audience, watching]) await page.context().close();
  });
});

describe('a connection that is lost', () => {
  let ann: Page;
  let bob: Page;
  let proxy: CutProxy;

  const peerOf = (page: Page, name: string) => tileOf(page, name).getAttribute('data-peer');
  const order = (page: Page) =>
    page.getByTestId('tile').evaluateAll((tiles) => tiles.map((tile) => tile.getAttribute('data-peer')));

  beforeAll(async () => {
    proxy = await CutProxy.start(Number(new URL(server.url).port));
    ann = await pages.open(browser.browser, (await link('lost', 'Ann')).replace(server.url, proxy.url));
    await enter(ann, 'Ann');
    bob = await pages.open(browser.browser, await link('lost', 'Bob', 'cohost'));
    await enter(bob, 'Bob');
  });

  afterAll(() => proxy?.close());

  test('comes back by itself, with the same seat and the same tile', async () => {
    await expectPlaying(tileOf(bob, 'Ann').locator('video'));
    await expectPlaying(tileOf(ann, 'Bob').locator('video'));
    const before = { peer: await peerOf(bob, 'Ann'), order: await order(bob) };
    proxy.cut();
    await ann.getByTestId('reconnecting').waitFor();
    expect(await ann.getByTestId('reconnecting').textContent()).toContain('Your seat is kept');
    await tileOf(bob, 'Ann').getByText('seat kept').waitFor();
    proxy.mend();
    await ann.getByTestId('reconnecting').waitFor({ state: 'detached' });
    await ann.getByTestId('media-building').waitFor({ state: 'detached' });
    await tileOf(bob, 'Ann').getByText('seat kept').waitFor({ state: 'detached' });
    await expectPlaying(tileOf(bob, 'Ann').locator('video'));
    await expectPlaying(tileOf(ann, 'Bob').locator('video'));
    expect({ peer: await peerOf(bob, 'Ann'), order: await order(bob) }).toEqual(before);
    expect(await peerOf(ann, 'Ann')).toBe(before.peer);
  });
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
