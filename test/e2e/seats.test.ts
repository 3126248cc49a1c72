/**
 * 连麦: somebody who only watches asks for a seat, a host says not now, then yes, and takes it back. The host's own camera is
 * off, so that the guest's is the only one in the program.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RoomSummary } from '../../src/contracts/api.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import type { Colour } from '../support/frames.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { cellsShow, enter, expectPlaying, PATIENCE_MS, Pages, tileOf } from './pages.ts';

const ROOM = 'seats';
const GUEST: Colour = [30, 160, 40];
const poll = { timeout: PATIENCE_MS, interval: 500 };

const pages = new Pages();
let server: ServerProcess;
let browser: TestBrowser;
let host: Page;
let guest: Page;

beforeAll(async () => {
  server = await ServerProcess.start();
  browser = await launchBrowser({ colour: '0x1ea028', width: 640, height: 360, fps: 15 });
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** The guest's camera is in the program, alone there or beside the host's placeholder. */
const guestInProgram = async () => (await cellsShow(`${server.url}/live/${ROOM}/index.m3u8`, 2, GUEST))[1];

const guestInRoom = async (): Promise<RoomSummary['peers'][number] | undefined> => {
  const summary = (await (await fetch(`${server.url}/v1/rooms/${ROOM}`)).json()) as RoomSummary;
  return summary.peers.find((peer) => peer.name === 'Gus');
};

test('a host invites audience by a link, which opens the studio without a seat', async () => {
  host = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=host`, {
    permissions: ['camera', 'microphone', 'clipboard-read', 'clipboard-write'],
  });
  await host.getByTestId('camera-select').selectOption({ label: 'No camera' });
  await enter(host, 'Hanna');
  // Chosen while the browser was still opening the camera, and yet it stays off.
  await tileOf(host, 'Hanna').locator('.initials').waitFor();
  await host.getByTestId('go-live').click();
  await expect.poll(() => host.getByTestId('live-state').getAttribute('data-state'), poll).toBe('live');
  await host.getByTestId('invite-audience').click();
  await host.getByText('Copied').first().waitFor();
  const link = await host.evaluate(() => navigator.clipboard.readText());

  guest = await pages.open(browser.browser, link);
  await guest.getByText('You join as audience').waitFor();
  // The token is neither shown nor bookmarked.
  expect(guest.url()).toBe(`${server.url}/studio/${ROOM}`);
  await enter(guest, 'Gus');
  await guest.getByTestId('audience').waitFor();
  expect((await guestInRoom())?.seated).toBe(false);
  expect(await host.getByTestId('tile').count()).toBe(1);
});

test('they ask, and withdraw; the host sees both', async () => {
  await guest.getByTestId('seat-request').click();
  await host.getByTestId('grant-seat').waitFor();
  await guest.getByText('The host sees that you ask.').waitFor();
  await guest.getByTestId('seat-withdraw').click();
  await host.getByTestId('grant-seat').waitFor({ state: 'detached' });
});

test('a host says not now: the guest is told, stays, and may ask again', async () => {
  await guest.getByTestId('seat-request').click();
  await host.getByTestId('decline-seat').click();
  await guest.getByText('The host has no seat for you right now.').waitFor();
  await host.getByTestId('decline-seat').waitFor({ state: 'detached' });
  await guest.getByTestId('seat-request').click();
  await host.getByTestId('grant-seat').waitFor();
});

test('a host grants: the guest is on stage and in the program', async () => {
  await host.getByTestId('grant-seat').click();
  await guest.getByText('You have a seat.').waitFor();
  await expectPlaying(tileOf(host, 'Gus').locator('video'));
  await expect.poll(guestInProgram, poll).toBe(true);
  expect((await guestInRoom())?.seated).toBe(true);
});

test('a host takes the seat back: gone from stage and program, still there as audience', async () => {
  await host.getByTestId('take-seat').click();
  await guest.getByTestId('audience').waitFor();
  await guest.getByText('The host took your seat back.').waitFor();
  await tileOf(host, 'Gus').waitFor({ state: 'detached' });
  expect(await guestInRoom()).toMatchObject({ role: 'audience', seated: false, presence: 'here', sources: [] });
  await expect.poll(guestInProgram, poll).toBe(false);
});

test('from the watch page one can ask to join', async () => {
  const viewer = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
  await viewer.getByTestId('ask-to-join').click();
  await viewer.getByText('You join as audience').waitFor();
  await enter(viewer, 'Vic');
  await viewer.getByTestId('seat-request').click();
  await host.getByText('Vic').first().waitFor();
  await viewer.getByTestId('leave').click();
  await host.getByTestId('grant-seat').waitFor({ state: 'detached' });
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
