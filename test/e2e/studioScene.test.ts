/** The scene from the studio: two hosts change it by mouse and by keyboard, and what they did is the room's. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SceneAnswer } from '../../src/contracts/api.ts';
import type { Scene } from '../../src/contracts/scene.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { enter, expectProblem, PATIENCE_MS, Pages, PHONE, scrollsSideways, tabTo, WIDE } from './pages.ts';

const ROOM = 'director';
const pages = new Pages();
let server: ServerProcess;
let browser: TestBrowser;
let ann: Page;
let bob: Page;

async function openScene(name: string): Promise<Page> {
  const page = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=host`);
  await enter(page, name);
  await page.getByTestId('tab-scene').click();
  await page.getByTestId('scene-panel').waitFor();
  return page;
}

async function scene(): Promise<Scene> {
  return SceneAnswer.parse(await (await fetch(`${server.url}/v1/rooms/${ROOM}/scene`)).json()).scene;
}

const poll = { timeout: PATIENCE_MS };
const peerOf = async (page: Page, name: string): Promise<string> =>
  (await page.getByTestId('scene-person').filter({ hasText: name }).getAttribute('data-peer')) ?? '';

beforeAll(async () => {
  server = await ServerProcess.start();
  browser = await launchBrowser({ colour: '0x305080', width: 320, height: 180, fps: 10 });
  ann = await openScene('Ann');
  bob = await openScene('Bob');
  await ann.getByTestId('scene-person').nth(1).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test('a layout, its setting, a pin, an order: set by one host, seen by the other', async () => {
  const [a, b] = [await peerOf(ann, 'Ann'), await peerOf(ann, 'Bob')];
  await ann.getByTestId('layout-pip').click();
  await ann.getByTestId('scene-corner').selectOption('top-left');
  await ann.locator(`[data-peer=${b}]`).getByTestId('pin').click();
  await ann.locator(`[data-peer=${b}]`).getByTestId('move-up').click();
  await expect.poll(async () => (await scene()).order, poll).toEqual([b, a]);
  expect(await scene()).toMatchObject({ layout: { type: 'pip', corner: 'top-left' }, pin: b });
  await expect.poll(() => bob.getByTestId('scene-corner').inputValue(), poll).toBe('top-left');
  await expect
    .poll(() => bob.locator(`[data-peer=${b}]`).getByTestId('pin').getAttribute('aria-pressed'), poll)
    .toBe('true');
  expect(await bob.getByTestId('scene-person').first().getAttribute('data-peer')).toBe(b);
});

test('two hosts at the same moment: both changes are in the scene', async () => {
  await Promise.all([ann.getByTestId('names').click(), bob.getByTestId('mark-speaking').click()]);
  await expect
    .poll(async () => {
      const { names, marks } = await scene();
      return [names, marks.speaking];
    }, poll)
    .toEqual([false, false]);
});

test('by the keyboard: volume, mute, words over the picture', async () => {
  await ann.getByTestId('tab-scene').focus();
  await tabTo(ann, 'volume');
  const first = await ann.evaluate(() => document.activeElement?.closest('[data-peer]')?.getAttribute('data-peer'));
  for (let i = 0; i < 6; i++) await ann.keyboard.press('ArrowLeft');
  await tabTo(ann, 'mute-source');
  await ann.keyboard.press('Space');
  await expect
    .poll(async () => (await scene()).sources[`${first}.microphone`], poll)
    .toMatchObject({ volumeDb: -6, muted: true });
  await tabTo(ann, 'scene-title');
  await ann.keyboard.type('连麦 live');
  await ann.keyboard.press('Enter');
  await expect.poll(async () => (await scene()).lowerThird?.title, poll).toBe('连麦 live');
  await expect.poll(() => bob.getByTestId('scene-title').inputValue(), poll).toBe('连麦 live');
  await bob.getByTestId('lower-third-hide').click();
  await expect.poll(async () => (await scene()).lowerThird, poll).toBeNull();
  // What was typed is still there, for the next time.
  expect(await ann.getByTestId('scene-title').inputValue()).toBe('连麦 live');
});

test('a dragged slider and a chosen colour arrive as they were left', async () => {
  await ann.getByTestId('transition-ms').fill('1200');
  await ann.getByTestId('background').fill('#204060');
  await ann.getByTestId('scene-transition').selectOption('cut');
  await ann.getByTestId('loudness').click();
  await expect.poll(async () => (await scene()).loudness.automatic, poll).toBe(false);
  expect(await scene()).toMatchObject({ transition: { type: 'cut', ms: 1200 }, background: '#204060' });
});

test('a logo is sent and taken off; a file of another kind is refused, with what to do', async () => {
  const choose = (name: string, text: string) =>
    ann
      .getByTestId('file-logo')
      .locator('input')
      .setInputFiles({ name, mimeType: 'image/png', buffer: Buffer.from(text) });
  await choose('logo.png', 'this is no picture');
  await expectProblem(ann, 'bad-file');
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>';
  await choose('logo.svg', svg);
  await expect.poll(async () => (await scene()).logo?.corner, poll).toBe('top-right');
  const { image = '' } = (await scene()).logo ?? {};
  expect(await (await fetch(`${server.url}/v1/assets/${image}`)).text()).toBe(svg);
  await bob.getByTestId('scene-logo-corner').selectOption('bottom-left');
  await expect.poll(async () => (await scene()).logo, poll).toMatchObject({ image, corner: 'bottom-left', size: 0.1 });
  await ann.getByTestId('file-logo').locator('button').click();
  await expect.poll(async () => (await scene()).logo, poll).toBeNull();
});

test('a person who reloads is as muted as before', async () => {
  const b = await peerOf(ann, 'Bob');
  await ann.locator(`[data-peer=${b}]`).getByTestId('hide').click();
  await bob.reload();
  await enter(bob, 'Bob');
  expect((await scene()).people[b]?.hidden).toBe(true);
  await expect.poll(() => peerOf(ann, 'Bob'), poll).toBe(b);
});

test('axe finds nothing, in light and dark, on a phone and wide; the panel can be closed on a phone', async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await ann.evaluate(axe);
  await ann.emulateMedia({ reducedMotion: 'reduce' });
  for (const viewport of [WIDE, PHONE]) {
    await ann.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await ann.emulateMedia({ colorScheme });
      const found = await ann.evaluate(async () => {
        const { axe: tool } = window as unknown as { axe: { run(options: unknown): Promise<AxeResults> } };
        const { violations } = await tool.run({ iframes: false, resultTypes: ['violations'] });
        return violations.flatMap(({ id, nodes }) => nodes.map((n) => `${id}: ${n.target} ${n.failureSummary}`));
      });
      expect(found, `${viewport.width} ${colorScheme}`).toEqual([]);
    }
    expect(await scrollsSideways(ann)).toBe(false);
  }
  await ann.getByTestId('loudness').scrollIntoViewIfNeeded();
  await ann.locator('.panel-close').click();
  await ann.getByTestId('scene-panel').waitFor({ state: 'detached' });
  expect(pages.faults).toEqual([]);
});

test('co-hosts have no scene panel', async () => {
  const eve = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=cohost`);
  await enter(eve, 'Eve');
  await eve.getByTestId('person').first().waitFor();
  expect(await eve.getByTestId('tab-scene').count()).toBe(0);
});
