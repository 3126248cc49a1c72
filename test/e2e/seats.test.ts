/**
 * 连麦, with three people in three browsers: a viewer asks on the watch page, waits in the queue, is accepted and goes on stage without a
 * reload; another one is declined, and withdraws. The host's own camera is off, so that the guest's is the only one in the program.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RoomSummary } from '../../src/contracts/api.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import type { Colour } from '../support/frames.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { cellsShow, enter, expectPlaying, expectProblem, PATIENCE_MS, Pages, tileOf } from './pages.ts';

const ROOM = 'seats';
const GUEST: Colour = [30, 160, 40];
const poll = { timeout: PATIENCE_MS, interval: 500 };

const pages = new Pages();
const browsers: TestBrowser[] = [];
let server: ServerProcess;
let host: Page;
/** Ask on the watch page. */
let gus: Page;
let vic: Page;

beforeAll(async () => {
  server = await ServerProcess.start();
  const camera = { colour: '0x1ea028', width: 640, height: 360, fps: 15 };
  browsers.push(...(await Promise.all([launchBrowser(camera), launchBrowser(camera), launchBrowser(camera)])));
});

afterAll(async () => {
  for (const browser of browsers) await browser.close();
  await server?.stop();
});

/** A page in the browser of this person. */
const open = (person: number, path: string, permissions: string[] = []): Promise<Page> => {
  const browser = browsers[person]?.browser;
  if (!browser) throw new Error('there are three browsers');
  return pages.open(browser, server.url + path, { permissions: ['camera', 'microphone', ...permissions] });
};

/** The guest's camera is in the program, beside the host's placeholder. */
const guestInProgram = async () => (await cellsShow(`${server.url}/live/${ROOM}/index.m3u8`, 2, GUEST))[1];

async function person(name: string): Promise<RoomSummary['peers'][number] | undefined> {
  const summary = (await (await fetch(`${server.url}/v1/rooms/${ROOM}`)).json()) as RoomSummary;
  return summary.peers.find((peer) => peer.name === name);
}

/** Opens the panel on the watch page, and asks. */
async function ask(page: Page, name: string): Promise<void> {
  await page.getByTestId('ask-to-join').click();
  await page.getByTestId('seat-panel').locator('video').waitFor();
  await page.getByTestId('seat-name').fill(name);
  await page.getByTestId('seat-ask').click();
  await page.getByTestId('seat-place').waitFor();
}

const asker = (name: string) => host.getByTestId('asker').filter({ hasText: name });
const action = async (name: string, id: string): Promise<void> => {
  const row = host.getByTestId('person').filter({ hasText: name });
  const button = row.getByTestId(id);
  if (!(await button.isVisible())) await row.getByTestId('person-more').click();
  await button.click();
};

test('a host is live, with the camera off', async () => {
  host = await open(0, `/studio/${ROOM}?role=host`, ['clipboard-read', 'clipboard-write']);
  await host.getByTestId('camera-select').selectOption({ label: 'No camera' });
  await enter(host, 'Hanna');
  // Chosen while the browser was still opening the camera, and yet it stays off.
  await tileOf(host, 'Hanna').locator('.initials').waitFor();
  // Small: three browsers decode, and the compositor encodes, on the same few cores.
  const started = await fetch(`${server.url}/v1/rooms/${ROOM}/broadcast`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ video: { width: 640, height: 360, fps: 15, bitrate: 600_000 } }),
  });
  expect(started.ok).toBe(true);
  await expect.poll(() => host.getByTestId('live-state').getAttribute('data-state'), poll).toBe('live');
});

test('two viewers ask on the watch page: each sees its place, the host sees their pictures', async () => {
  gus = await open(1, `/watch/${ROOM}`);
  vic = await open(2, `/watch/${ROOM}`);
  await ask(gus, 'Gus');
  await gus.getByText('You are next').waitFor();
  await ask(vic, 'Vic');
  await vic.getByText('Number 2 of 2').waitFor();
  expect(await person('Vic')).toMatchObject({ role: 'audience', seated: false });
  for (const name of ['Gus', 'Vic']) {
    const picture = asker(name).getByTestId('asker-picture');
    const size = () => picture.evaluate((img: HTMLImageElement) => [img.naturalWidth, img.naturalHeight]);
    await expect.poll(size, poll).toEqual([320, 180]);
  }
});

test('the host declines with a reason; who asks again and withdraws is gone from the queue', async () => {
  await asker('Vic').getByTestId('decline-seat').click();
  await host.getByTestId('decline-reason').fill('After the break');
  await host.getByTestId('decline-send').click();
  await vic.getByText('After the break').waitFor();
  await asker('Vic').waitFor({ state: 'detached' });
  await vic.getByTestId('seat-request').click();
  await asker('Vic').waitFor();
  await vic.getByTestId('seat-withdraw').click();
  await asker('Vic').waitFor({ state: 'detached' });
  // Watching goes on, and the camera is let go of.
  await vic.getByTestId('seat-cancel').click();
  await vic.getByTestId('seat-panel').waitFor({ state: 'detached' });
  await vic.getByTestId('ask-to-join').waitFor();
});

test('accepted: from the watch page onto the stage without a reload, and into the program', async () => {
  await gus.evaluate(() => Object.assign(window, { stillTheSamePage: true }));
  await asker('Gus').getByTestId('grant-seat').click();
  await gus.getByTestId('seat-granted').waitFor();
  await expectPlaying(tileOf(host, 'Gus').locator('video'));
  expect(await gus.evaluate(() => 'stillTheSamePage' in window)).toBe(true);
  expect(gus.url()).toBe(`${server.url}/studio/${ROOM}`);
  await expect.poll(guestInProgram, poll).toBe(true);
});

test('off the program the guest stays connected; brought back it is in the program again', async () => {
  await action('Gus', 'off-program');
  await gus.getByTestId('green-room').waitFor();
  await expect.poll(guestInProgram, poll).toBe(false);
  expect(await person('Gus')).toMatchObject({ seated: true, offProgram: true });
  await expectPlaying(tileOf(host, 'Gus').locator('video'));
  await action('Gus', 'on-program');
  await gus.getByTestId('green-room').waitFor({ state: 'detached' });
  await expect.poll(guestInProgram, poll).toBe(true);
});

test('the host mutes the guest, who is told and can speak again', async () => {
  await action('Gus', 'mute-person');
  await gus.getByTestId('told-muted').waitFor();
  const muted = () => gus.getByTestId('mute').getAttribute('data-state');
  await expect.poll(muted, poll).toBe('off');
  await gus.getByTestId('mute').click();
  await expect.poll(muted, poll).toBe('on');
});

test('the host takes the seat back: still there as audience; and gives it again', async () => {
  await action('Gus', 'take-seat');
  await gus.getByText('The host took your seat back.').waitFor();
  expect(await person('Gus')).toMatchObject({ role: 'audience', seated: false, sources: [] });
  await gus.getByTestId('seat-request').click();
  await asker('Gus').getByTestId('grant-seat').click();
  await tileOf(host, 'Gus').waitFor();
});

test('removed: told why, out of the program, and not let in again', async () => {
  await expect.poll(guestInProgram, poll).toBe(true);
  await action('Gus', 'remove-person');
  await host.getByTestId('remove-reason').fill('Please be kind');
  await host.getByTestId('confirm-remove').click();
  await expectProblem(gus, 'removed');
  await gus.getByText('Please be kind').waitFor();
  await tileOf(host, 'Gus').waitFor({ state: 'detached' });
  await expect.poll(guestInProgram, poll).toBe(false);
  await gus.getByTestId('again').click();
  await enterRefused(gus);
  expect(await person('Gus')).toBeUndefined();
});

async function enterRefused(page: Page): Promise<void> {
  await page.getByTestId('join').click();
  await expectProblem(page, 'removed');
}

test('a co-host comes by a link that the host made, becomes a host, and no link is good when it is revoked', async () => {
  await host.getByTestId('invite-expiry').selectOption('3600');
  await host.getByTestId('invite-cohost').click();
  await host.getByTestId('invitation').waitFor();
  const link = new URL(await host.evaluate(() => navigator.clipboard.readText()));
  await vic.close();
  const cora = await open(2, link.pathname + link.hash);
  await cora.getByText('You join as a co-host').waitFor();
  // The token is neither shown nor bookmarked.
  expect(cora.url()).toBe(`${server.url}/studio/${ROOM}`);
  await enter(cora, 'Cora');
  await action('Cora', 'make-host');
  await host.getByTestId('confirm-host').click();
  await cora.getByTestId('told-host').waitFor();
  await cora.getByTestId('stop-live').waitFor();
  await host.getByTestId('revoke').click();
  await host.getByTestId('invitation').waitFor({ state: 'detached' });
  const late = await open(1, link.pathname + link.hash);
  await late.getByTestId('prejoin-name').fill('Late');
  await late.getByTestId('join').click();
  await expectProblem(late, 'unauthorized');
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
