/**
 * Going live later, after a countdown, and recorded: a host, a co-host and a viewer. The host schedules, the viewer waits with a countdown and sees
 * the picture by itself; a countdown is seen by everybody and can be cancelled; REC is shown to everybody; the end is asked for twice.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Schedule } from '../../src/contracts/schedule.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { expectAccessible } from './axe.ts';
import { enter, expectPlaying, PATIENCE_MS, Pages } from './pages.ts';

const ROOM = 'premiere';
const poll = { timeout: PATIENCE_MS };
const TITLE = 'A quiet evening';

const pages = new Pages();
let server: ServerProcess;
let api: ServerApi;
let browser: TestBrowser;
let host: Page;
let cohost: Page;
let viewer: Page;

beforeAll(async () => {
  server = await ServerProcess.start();
  api = new ServerApi(server.url);
  browser = await launchBrowser({ colour: '0x305080', width: 320, height: 180, fps: 10 });
  host = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=host`);
  await enter(host, 'Ann');
  const token = await api.joinToken(ROOM, 'cohost', 'Bob');
  cohost = await pages.open(browser.browser, `${server.url}/studio/${ROOM}#token=${token}`);
  await enter(cohost, 'Bob');
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const stateOf = (page: Page) => page.getByTestId('state').getAttribute('data-state');
const path = () => `${server.url}/v1/rooms/${ROOM}/schedule`;
const scheduled = async () => Schedule.parse(await (await fetch(path())).json());
/** Small, and quickly: what is encoded is not what is tested here. */
async function chooseSmall(): Promise<void> {
  await host.getByTestId('show-settings').locator('summary').click();
  await host.getByLabel('Picture', { exact: true }).selectOption('360p30');
}
/** As people do, by the browser's own field: in local time, to the minute. */
async function fillWhen(at: number): Promise<void> {
  const local = await host.evaluate((ms) => {
    const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
    return date.toISOString().slice(0, 16);
  }, at);
  await host.getByLabel('Date and time').fill(local);
}

interface Seen {
  counted: number[];
  /** To cancel it with. */
  buttons: number;
}

/** Remembers what this page shows of countdowns, however short. */
async function noteCountdown(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: Seen = { counted: [], buttons: 0 };
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const countdown = document.querySelector<HTMLElement>('[data-testid=countdown]');
      if (countdown) seen.counted.push(Number(countdown.dataset.seconds));
      seen.buttons += document.querySelectorAll('[data-testid=countdown-stop]').length;
    }).observe(document.body, { childList: true, subtree: true, attributes: true });
  });
}

/** Whether the countdown was cancelled, and nothing is scheduled or live. */
async function countAndCancel(): Promise<boolean> {
  await host.getByTestId('go-live').click();
  const clicked = await host
    .getByTestId('countdown-stop')
    .click({ timeout: 12_000 })
    .then(
      () => true,
      () => false,
    );
  const { endReason = 'stopped' } = (await (await fetch(`${server.url}/v1/rooms/${ROOM}/broadcast`)).json()) as {
    endReason?: string | null;
  };
  return clicked && (await fetch(path())).status === 404 && endReason !== null;
}

async function backOffAir(): Promise<void> {
  await expect.poll(() => host.getByTestId('live-state').getAttribute('data-state'), poll).toBe('live');
  await api.stopBroadcast(ROOM);
  await host.getByTestId('go-live').waitFor();
}

test('the host schedules; everybody in the room and who waits on the watch page sees what, when, and how long until then', async () => {
  await chooseSmall();
  await host.getByTestId('schedule').click();
  // A time that has passed is told at the field.
  await fillWhen(Date.now() - 3_600_000);
  await host.getByTestId('schedule-save').click();
  await host.getByRole('alert').getByText('Choose a time in the future').waitFor();
  const tomorrow = Math.ceil((Date.now() + 86_400_000) / 60_000) * 60_000;
  await fillWhen(tomorrow);
  await host.getByLabel('Title').fill(TITLE);
  await expectAccessible(host);
  await host.getByTestId('schedule-save').click();
  for (const page of [host, cohost]) {
    const card = page.getByTestId('schedule-card');
    await card.getByText(TITLE).waitFor();
    expect(await card.getByTestId('schedule-remaining').textContent()).toMatch(/Starts in (1 day|23:)/);
  }
  // Only a host decides.
  expect(await cohost.getByTestId('schedule-start').count()).toBe(0);
  expect(await scheduled()).toMatchObject({ title: TITLE, startsAt: tomorrow, settings: { video: { height: 360 } } });
  await expectAccessible(host);

  viewer = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
  await expect.poll(() => stateOf(viewer), poll).toBe('scheduled');
  await viewer.getByTestId('upcoming-title').getByText(TITLE).waitFor();
  const left = () => viewer.getByTestId('upcoming-left').getAttribute('data-seconds');
  const before = Number(await left());
  expect(before).toBeGreaterThan(86_000);
  await expect.poll(async () => Number(await left()), poll).toBeLessThan(before);
  const [calendar] = await Promise.all([viewer.waitForEvent('download'), viewer.getByTestId('calendar').click()]);
  expect(calendar.suggestedFilename()).toBe(`${ROOM}.ics`);
  await expectAccessible(viewer);
  const embed = await pages.open(browser.browser, `${server.url}/embed/${ROOM}`);
  await expect.poll(() => stateOf(embed), poll).toBe('scheduled');
  await embed.context().close();
});

test('it is changed and called off, which is asked for twice; the viewer’s page follows', async () => {
  await host.getByTestId('schedule-change').click();
  await host.getByLabel('Title').fill('Another evening');
  await host.getByTestId('schedule-save').click();
  await viewer.getByTestId('upcoming-title').getByText('Another evening').waitFor();
  await host.getByTestId('schedule-off').click();
  await host.getByRole('dialog').waitFor();
  await host.getByTestId('schedule-off-confirm').click();
  await host.getByTestId('go-live').waitFor();
  await expect.poll(() => stateOf(viewer), poll).toBe('idle');
});

test('a countdown is seen by everybody, can be cancelled, and is remembered', async () => {
  await host.getByTestId('countdown-10').check();
  await noteCountdown(cohost);
  // On a machine that stands still the ten seconds may be over before the click: then once more.
  while (!(await countAndCancel())) await backOffAir();
  await cohost.getByTestId('countdown').waitFor({ state: 'detached' });
  const { counted, buttons } = await cohost.evaluate(() => (window as unknown as { seen: Seen }).seen);
  expect(counted.length).toBeGreaterThan(0);
  for (const seconds of counted) expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).toContain(seconds);
  // Only a host cancels.
  expect(buttons).toBe(0);
  expect(await host.evaluate(() => localStorage.getItem('lianmai.countdown'))).toBe('10');
});

test('the time comes: the room is live, the viewer sees the picture by itself, and REC is shown to everybody in the room', async () => {
  await host.getByTestId('show-record').check();
  await host.getByTestId('countdown-3').check();
  await host.getByTestId('go-live').click();
  for (const page of [host, cohost])
    await expect.poll(() => page.getByTestId('live-state').getAttribute('data-state'), poll).toBe('live');
  await expectPlaying(viewer.locator('video'));
  expect(await stateOf(viewer)).toBe('live');
  for (const page of [host, cohost]) {
    await page.getByTestId('rec').waitFor();
    await expect.poll(() => page.getByTestId('rec').textContent(), poll).toMatch(/^REC\d+:\d\d$/);
  }
});

test('the host stops the recording and begins another; the co-host sees it', async () => {
  const button = host.getByTestId('record-switch');
  await button.click();
  await cohost.getByTestId('rec').waitFor({ state: 'detached' });
  await expect.poll(() => button.textContent(), poll).toBe('Start recording');
  const first = (await api.broadcast(ROOM)).recording?.id;
  await expect.poll(async () => (await api.recordings()).find(({ id }) => id === first)?.state, poll).toBe('finished');
  await button.click();
  await cohost.getByTestId('rec').waitFor();
  expect((await api.broadcast(ROOM)).recording?.id).not.toBe(first);
});

test('the end is asked for twice; the viewer sees it', async () => {
  await host.getByTestId('stop-live').click();
  await host.getByRole('dialog').waitFor();
  await host.keyboard.press('Escape');
  expect((await api.broadcast(ROOM)).state).toBe('live');
  await host.getByTestId('stop-live').click();
  await host.getByTestId('confirm-stop').click();
  await expect.poll(() => stateOf(viewer), poll).toBe('ended');
  expect(pages.faults).toEqual([]);
});
