/**
 * The failure walk-through, second half: what a person reads and can do when the way to the server, or the server itself, says no. The
 * server has a secret, and stands behind a firewall that lets only TCP through: what it announces for media is an address of which
 * nothing but a TCP forwarder listens. First half: walkDevices.test.ts.
 */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Secret } from '../../src/common/Secret.ts';
import { MAX_SEATS } from '../../src/contracts/job.ts';
import type { Role } from '../../src/contracts/tokens.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { CutProxy } from '../support/CutProxy.ts';
import { freePort } from '../support/freePorts.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { SignalingClient } from '../support/SignalingClient.ts';
import { expectAccessible } from './axe.ts';
import { enter, expectPlaying, expectReads, keepConnections, PATIENCE_MS, Pages, tileOf } from './pages.ts';

const SECRET = 'the secret of the walk-through is long enough';
const HOUR_S = 3600;
/** Loopback too, and the server's media does not listen there. */
const FIREWALL = '127.0.0.2';
const poll = { timeout: PATIENCE_MS };

const tokens = Tokens.create([new Secret(SECRET)]);
const pages = new Pages();
let server: ServerProcess;
let firewall: CutProxy;
let browser: TestBrowser;

beforeAll(async () => {
  const port = await freePort();
  const env = { LIANMAI_SECRET: SECRET, LIANMAI_SFU_WORKERS: '1', LIANMAI_RTC_PORT: String(port) };
  [server, browser] = await Promise.all([
    ServerProcess.start({ ...env, LIANMAI_ANNOUNCED_ADDRESS: FIREWALL }),
    launchBrowser({ colour: '0xc81e1e', width: 320, height: 180, fps: 10 }),
  ]);
  firewall = await CutProxy.start(port, { host: FIREWALL, port });
});

afterAll(async () => {
  await browser?.close();
  await firewall?.close();
  await server?.stop();
});

async function link(room: string, sub: string, role: Role = 'cohost', seconds = HOUR_S): Promise<string> {
  return `${server.url}/studio/${room}#token=${await tokens.sign({ aud: 'join', sub, role, room, name: sub }, seconds)}`;
}

/** Somebody who needs no browser for their part. */
async function person(room: string, sub: string, role: Role): Promise<SignalingClient> {
  const token = await tokens.sign({ aud: 'join', sub, role, room, name: sub }, HOUR_S);
  const client = await SignalingClient.connect(server.url, { token });
  await client.join();
  return client;
}

const open = (url: string, options: BrowserContextOptions = {}): Promise<Page> =>
  pages.open(browser.browser, url, { ...options, prepare: keepConnections });

/** As one does who is sent a new link while the page is still open: into the same tab's address. */
const follow = (page: Page, url: string): Promise<void> =>
  page.evaluate((to) => {
    location.href = to;
  }, url);

describe('the way to the server', () => {
  let ann: Page;
  let bob: Page;

  beforeAll(async () => {
    ann = await open(await link('way', 'Ann', 'host'));
    bob = await open(await link('way', 'Bob', 'audience'));
    await enter(ann, 'Ann');
    await enter(bob, 'Bob');
    // A seat that a host granted, which no token says.
    await bob.getByTestId('seat-request').click();
    await ann.getByTestId('grant-seat').click();
  });

  const seats = (page: Page) =>
    page.getByTestId('tile').evaluateAll((tiles) => tiles.map((tile) => tile.getAttribute('data-peer')));

  test('UDP blocked: picture and sound go by TCP, and nobody reads anything bad', async () => {
    await expectPlaying(tileOf(bob, 'Ann').locator('video'));
    await expectPlaying(tileOf(ann, 'Bob').locator('video'));
    for (const page of [ann, bob]) {
      const routes = await routesOf(page);
      // One to send, one to receive; UDP was tried, and got nowhere.
      expect(routes.used).toEqual(['tcp', 'tcp']);
      expect(routes.udpTried).toBeGreaterThan(0);
      expect(await page.getByTestId('problem').count()).toBe(0);
      expect(await page.getByTestId('reconnecting').count()).toBe(0);
      expect(await page.getByTestId('media-building').count()).toBe(0);
    }
    const before = firewall.carriedBytes;
    await expect.poll(() => firewall.carriedBytes - before, poll).toBeGreaterThan(20_000);
  });

  test('server restarted: reads so, and seats, pictures and sound come back by themselves', async () => {
    const before = await seats(bob);
    expect(before).toHaveLength(2);
    server.child.kill('SIGTERM');
    await server.ended();
    for (const page of [ann, bob]) {
      const told = page.getByTestId('reconnecting');
      await told.waitFor();
      // What is first known of it: the server's last word, the line that is gone, or that nobody answers any more.
      expect(await told.textContent()).toMatch(
        /The server is being restarted.*by ourselves|Connection lost\. Reconnecting…Your seat is kept|The server does not answer.*We keep trying/,
      );
    }
    await expectAccessible(ann, 'few');
    server = await server.again();
    for (const page of [ann, bob]) await page.getByTestId('reconnecting').waitFor({ state: 'detached' });
    await expectPlaying(tileOf(bob, 'Ann').locator('video'));
    await expectPlaying(tileOf(ann, 'Bob').locator('video'));
    expect((await seats(bob)).toSorted()).toEqual(before.toSorted());
    for (const page of [ann, bob]) await page.context().close();
  });
});

/** Protocols of the pairs that are in use, and how many UDP candidates of the server the browser knew without coming through. */
function routesOf(page: Page): Promise<{ used: string[]; udpTried: number }> {
  return page.evaluate(async () => {
    const { keptConnections } = window as unknown as { keptConnections: RTCPeerConnection[] };
    const used: string[] = [];
    let udpTried = 0;
    for (const connection of keptConnections.filter((one) => one.connectionState === 'connected')) {
      const all = [...(await connection.getStats()).values()];
      const protocolOf = (id: string): string => all.find((stats) => stats.id === id)?.protocol;
      // More than one pair may be nominated before the browser has settled for one.
      const selected = new Set(all.map((stats) => stats.selectedCandidatePairId));
      for (const pair of all.filter((stats) => stats.type === 'candidate-pair')) {
        const protocol = protocolOf(pair.remoteCandidateId);
        if (selected.has(pair.id)) used.push(protocol);
        else if (protocol === 'udp') udpTried++;
      }
    }
    return { used, udpTried };
  });
}

test('token expired: asks for a new link, which works in the same tab', async () => {
  const page = await open(await link('late', 'Ann', 'host', -HOUR_S));
  await page.getByTestId('join').click();
  await expectReads(
    page,
    'unauthorized',
    'This link is not valid any more',
    'It has expired or was made for another room or server. Ask for a new link and open it.',
  );
  await expectAccessible(page, 'few');
  await follow(page, await link('late', 'Ann', 'host'));
  await page.getByTestId('join').waitFor();
  await enter(page, 'Ann');
  await page.context().close();

  const chinese = await open(await link('late', 'Lin', 'cohost', -HOUR_S), { locale: 'zh-CN' });
  await chinese.getByTestId('join').click();
  await expectReads(chinese, 'unauthorized', '此链接已失效', '请索取新链接并打开。');
  await chinese.context().close();
});

test('removed by the host: told why, refused with the same link, let in with a new one', async () => {
  const host = await person('gate', 'Hanna', 'host');
  const page = await open(await link('gate', 'Gus'));
  await enter(page, 'Gus');
  const { peer } = await host.next('peer:joined').then((joined) => ({ peer: joined.id }));
  await host.call('peer:remove', { peerId: peer, reason: 'Please be kind' });
  const remedy = 'If you think that this is a mistake, ask the host for a new link.';
  await expectReads(page, 'removed', 'You were removed from the room', remedy);
  await page.getByText('“Please be kind”').waitFor();
  await expectAccessible(page, 'few');
  await page.getByTestId('again').click();
  await page.getByTestId('join').click();
  await expectReads(page, 'removed', 'You were removed from the room', remedy);
  // Watching is for everybody.
  expect(await page.getByRole('link', { name: 'Watch the show instead' }).getAttribute('href')).toBe(
    `${server.url}/watch/gate`,
  );
  await follow(page, await link('gate', 'Gus-again'));
  await page.getByTestId('join').waitFor();
  await enter(page, 'Gus-again');
  await page.context().close();
  host.close();
});

test('room full: waits, and comes in by itself when a seat becomes free', async () => {
  const people = await Promise.all(
    Array.from({ length: MAX_SEATS }, (_, i) => person('full', `guest-${i + 1}`, i === 0 ? 'host' : 'cohost')),
  );
  const page = await open(await link('full', 'Late'));
  await page.getByTestId('join').click();
  const remedy = 'All 16 seats are taken until somebody leaves or a host takes one back.';
  await expectReads(page, 'room-full', 'The room is full', remedy);
  await page.getByText('Stay on this page: you come in by yourself as soon as there is a free seat.').waitFor();
  await expectAccessible(page, 'few');
  // One may also not wait, and is at the door again.
  await page.getByTestId('stop-joining').click();
  await page.getByTestId('problem').waitFor({ state: 'detached' });
  await page.getByTestId('join').click();
  await expectReads(page, 'room-full', 'The room is full', remedy);
  await people[7]?.call('leave', {});
  await page.getByTestId('leave').waitFor();
  await expect.poll(() => page.getByTestId('tile').count(), poll).toBe(MAX_SEATS);

  const chinese = await open(await link('full', 'Lin'), { locale: 'zh-CN' });
  await chinese.getByTestId('join').click();
  await expectReads(chinese, 'room-full', '房间已满', '16 个麦位都已占用，要等有人离开或主播收回麦位。');
  await chinese.getByText('请停留在此页面，一有空位会自动让你进入。').waitFor();
  for (const one of [page, chinese]) await one.context().close();
  for (const one of people) one.close();
});

test('browser without WebRTC: reads it before anything else, and can watch', async () => {
  const api = new ServerApi(server.url, await tokens.sign({ aud: 'api', sub: 'walk' }, HOUR_S));
  await api.startBroadcast('old', { video: { width: 320, height: 180, fps: 15, bitrate: 300_000 } });
  const page = await pages.open(browser.browser, await link('old', 'Ann'), {
    prepare: (one) => one.addInitScript(() => Reflect.deleteProperty(window, 'RTCPeerConnection')),
  });
  await expectReads(
    page,
    'no-webrtc',
    'This browser cannot join with picture and sound',
    'It lacks WebRTC, as the browsers inside of other apps often do. Open this page in a current Chrome, Edge, Firefox or Safari.',
  );
  await expectAccessible(page, 'few');
  await page.getByRole('link', { name: 'Watch the show instead' }).click();
  await expect.poll(() => page.getByTestId('state').getAttribute('data-state'), poll).toBe('live');
  await expectPlaying(page.locator('video'));
  await page.context().close();
  await api.stopBroadcast('old');
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
