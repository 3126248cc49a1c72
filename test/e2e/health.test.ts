/**
 * The health strip as people read it. Bob's browser sends through a hop that loses packets: the host reads whose upload is weak and what to do,
 * Bob reads it of himself, and it is over when the hop is good again; he talks into a muted microphone; and the program's compositor is short of
 * CPU. Compositor and delivery are the test's own ends of their interfaces, so that what they say is the test's to choose: that a real compositor
 * gives way is compositorPressure.test.ts.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Secret } from '../../src/common/Secret.ts';
import type { RoomHealth } from '../../src/contracts/health.ts';
import type { Role } from '../../src/contracts/tokens.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { FakeAgent } from '../support/broadcast/FakeAgent.ts';
import { FakeDelivery } from '../support/broadcast/FakeDelivery.ts';
import { InternalServer } from '../support/broadcast/InternalServer.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { LossyHop, SOUND } from '../support/ingest/LossyHop.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { enter, PATIENCE_MS, Pages, PHONE, scrollsSideways, tileOf, WIDE } from './pages.ts';

const ROOM = 'health';
const SECRET = 'the secret of the health test is long enough';
/** A quarter of all packets. */
const DAMAGED = { loss: 0.25, delayMs: 0, jitterMs: 0 };
const poll = { timeout: PATIENCE_MS, interval: 250 };

const tokens = Tokens.create([new Secret(SECRET)]);
const agent = new FakeAgent();
const delivery = new FakeDelivery();
const pages = new Pages();
let axe: string;
let apiToken: string;
let internal: InternalServer;
let server: ServerProcess;
let browser: TestBrowser;
let hop: LossyHop;
let ann: Page;
let bob: Page;

beforeAll(async () => {
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  hop = await LossyHop.create();
  internal = await InternalServer.listen({ '/control': agent, '/delivery': delivery });
  server = await ServerProcess.start({
    ...{ LIANMAI_ROLE: 'sfu', LIANMAI_SECRET: SECRET },
    ...{ LIANMAI_COMPOSITOR_URLS: internal.url, LIANMAI_DELIVERY_URL: internal.url },
  });
  apiToken = await tokens.sign({ aud: 'api', sub: 'test' }, 3600);
  browser = await launchBrowser({ colour: '0x305080', width: 640, height: 360, fps: 15 });
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await agent.close();
  delivery.close();
  internal?.close();
  hop?.close();
});

/** What this page sends goes through the hop: the server's answer names the hop's port instead of its own. Before the page is loaded. */
async function sendThroughHop(page: Page): Promise<void> {
  await page.exposeFunction('throughHop', (port: number) => {
    hop.to(port);
    return hop.port;
  });
  await page.addInitScript(() => {
    const { throughHop } = window as unknown as { throughHop(port: number): Promise<number> };
    type SetDescription = (this: RTCPeerConnection, description: RTCSessionDescriptionInit) => Promise<void>;
    const set: SetDescription = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = async function (description: RTCSessionDescriptionInit) {
      // Who sends offers, and who receives answers.
      const { sdp = '', type } = description;
      const port = /^a=candidate:.* udp \d+ \S+ (\d+) /m.exec(sdp)?.[1];
      if (type !== 'answer' || !port) return set.call(this, description);
      const other = await throughHop(Number(port));
      const rewritten = sdp
        .replace(/^a=candidate:.* tcp .*\r\n/gm, '')
        .replace(/^(a=candidate:.* udp \d+ \S+ )\d+ /gm, (_, before: string) => `${before}${other} `);
      return set.call(this, { type, sdp: rewritten });
    };
  });
}

async function link(sub: string, role: Role): Promise<string> {
  const token = await tokens.sign({ aud: 'join', sub, role, room: ROOM, name: sub }, 3600);
  return `${server.url}/studio/${ROOM}#token=${token}`;
}

async function health(): Promise<RoomHealth> {
  const answer = await fetch(`${server.url}/v1/rooms/${ROOM}/health`, {
    headers: { authorization: `Bearer ${apiToken}` },
  });
  return (await answer.json()) as RoomHealth;
}
const notice = (page: Page, code: string) => page.locator(`[data-testid=health-notice][data-code=${code}]`);
const bars = (page: Page, name: string) => tileOf(page, name).getByTestId('signal');

/** In light and dark; nothing scrolls sideways either. */
async function expectAccessible(page: Page, viewport: typeof PHONE): Promise<void> {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  await page.setViewportSize(viewport);
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const results = await page.evaluate(() => {
      const { axe: tool } = window as unknown as { axe: { run(options: unknown): Promise<AxeResults> } };
      return tool.run({ iframes: false, resultTypes: ['violations'] });
    });
    for (const { id, nodes } of results.violations)
      found.push(...nodes.map(({ target }) => `${colorScheme} ${id}: ${target.join(' ')}`));
  }
  expect(found).toEqual([]);
  expect(await scrollsSideways(page)).toBe(false);
}

test('a host sees how much of everybody arrives, as bars and in the details; a co-host sees their own', async () => {
  ann = await pages.open(browser.browser, await link('Ann', 'host'));
  // One camera is enough for what is tested, and for a busy machine.
  await ann.getByTestId('camera-select').selectOption({ label: 'No camera' });
  await enter(ann, 'Ann');
  bob = await pages.open(browser.browser, await link('Bob', 'cohost'));
  await sendThroughHop(bob);
  await bob.reload();
  await enter(bob, 'Bob');
  for (const name of ['Ann', 'Bob']) await bars(ann, name).waitFor();
  await bars(bob, 'Bob').waitFor();
  expect(await bars(bob, 'Ann').count()).toBe(0);
  expect(await bars(ann, 'Bob').getAttribute('aria-label')).toMatch(/^Connection of Bob: /);
  expect(await bars(bob, 'Bob').getAttribute('aria-label')).toMatch(/^Your connection: /);
  // What only his page knows has come, too.
  const width = async () => (await health()).people.find(({ picture }) => picture !== null)?.picture?.width;
  await expect.poll(width, poll).toBe(640);
  await ann.getByTestId('health-open').click();
  const person = ann.getByTestId('health-person').filter({ hasText: 'Bob' });
  for (const fact of ['640×360', 'UDP', '/2']) await person.getByText(fact).waitFor();
  await ann.getByTestId('health-close').click();
  await ann.getByTestId('health-details').waitFor({ state: 'detached' });
});

test('an upload that is damaged: the host reads whose, and what to ask for; Bob reads what he can do', async () => {
  hop.damage = DAMAGED;
  const words = notice(ann, 'upload').filter({ hasText: 'Bob' });
  await words.locator('strong', { hasText: /^Bob’s upload is weak: .*bit\/s, \d+ % lost\.$/ }).waitFor();
  await words.getByText('Ask them to move nearer to the router').waitFor();
  expect(await ann.getByTestId('health-heard').textContent()).toContain('Bob’s upload is weak');
  await expect.poll(() => bars(ann, 'Bob').getAttribute('data-level'), poll).toMatch(/^(fair|poor)$/);
  const own = notice(bob, 'upload');
  await own.locator('strong', { hasText: /^Your connection is poor: \d+ % of what you send is lost/ }).waitFor();
  await own.getByText('Move nearer to the router').waitFor();

  await expectAccessible(ann, WIDE);
});

test('on a phone it is one button, with all behind it; what is about oneself is said all the same', async () => {
  await ann.setViewportSize(PHONE);
  expect(await notice(ann, 'upload').filter({ hasText: 'Bob' }).isVisible()).toBe(false);
  const box = await ann.getByTestId('health-open').boundingBox();
  expect([box?.width, box?.height]).toEqual([44, 44]);
  await ann.getByTestId('health-open').click();
  await ann.getByTestId('health-finding').filter({ hasText: 'Bob’s upload is weak' }).waitFor();
  await expectAccessible(ann, PHONE);
  await ann.keyboard.press('Escape');
  await ann.getByTestId('health-details').waitFor({ state: 'detached' });
  await bob.setViewportSize(PHONE);
  expect(await notice(bob, 'upload').isVisible()).toBe(true);
  await expectAccessible(bob, PHONE);
  for (const page of [ann, bob]) await page.setViewportSize(WIDE);
});

test('it can be put away; and it is over when the network is good again', async () => {
  const words = notice(ann, 'upload').filter({ hasText: 'Bob' });
  await words.getByTestId('health-dismiss').click();
  await words.waitFor({ state: 'detached' });
  hop.damage = SOUND;
  const lost = async () => (await health()).people.at(-1)?.lostPercent ?? 100;
  await expect.poll(lost, poll).toBeLessThan(3);
  await bob.locator('strong', { hasText: 'of what you send is lost' }).waitFor({ state: 'detached' });
});

test('who talks into a muted microphone reads it, until they unmute', async () => {
  await bob.getByTestId('mute').click();
  await notice(bob, 'muted').locator('strong', { hasText: 'You are muted: nobody hears you.' }).waitFor();
  await bob.getByTestId('mute').click();
  await notice(bob, 'muted').waitFor({ state: 'detached' });
});

test('a compositor without CPU: the host reads what the program gives way with, and its figures', async () => {
  const api = new ServerApi(server.url, apiToken);
  await api.startBroadcast(ROOM, {});
  const compositor = await agent.compositor();
  let seconds = 0;
  const timer = setInterval(() => {
    seconds++;
    const frames = { frame: seconds * 30, frames: seconds * 30, lateFrames: 0 };
    compositor.stats({ ...frames, cpuSeconds: seconds * 0.9, degradation: 'half-source-rate' });
    delivery.report({ type: 'stats', bitrate: 2_500_000, viewers: 12, latencyMs: 2_340, stalledPercent: 0 });
  }, 1_000);
  try {
    compositor.say({ type: 'degraded', step: 'half-source-rate', fromFrame: 30 });
    // Whatever else there is: a browser that has just lost packets may still be careful.
    await ann.getByTestId('health-open').click();
    const words = ann.locator('[data-testid=health-finding][data-key=starved]');
    await words.getByText('The server has no CPU left: people move less smoothly for now.').waitFor();
    await words.getByText('Show fewer people at a time').waitFor();
    const figure = (name: string) =>
      ann
        .locator('.health-figures > div')
        .filter({ has: ann.getByText(name, { exact: true }) })
        .locator('dd');
    await expect.poll(() => figure('Latency').textContent(), poll).toBe('2.3 s');
    await expect.poll(() => figure('Viewers').textContent(), poll).toBe('12');
    await expect.poll(() => figure('Frames/s').textContent(), poll).toBe('30.0');
    await expect.poll(() => figure('CPU').textContent(), poll).toMatch(/^\d+ %$/);
    compositor.say({ type: 'degraded', step: 'none', fromFrame: 60 });
    await words.waitFor({ state: 'detached' });
    await ann.keyboard.press('Escape');
  } finally {
    clearInterval(timer);
  }
});

test('the API has no health of a room that nobody is in, and none for who has no token', async () => {
  const ask = (room: string, headers = {}) => fetch(`${server.url}/v1/rooms/${room}/health`, { headers });
  expect((await ask('nobody', { authorization: `Bearer ${apiToken}` })).status).toBe(404);
  expect((await ask(ROOM)).status).toBe(401);
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
