/** The host's desk in the hand: dragged, pinned, previewed, metered, named, and by keys. A host and a co-host; the tests follow each other. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SceneAnswer } from '../../src/contracts/api.ts';
import type { Scene } from '../../src/contracts/scene.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { type Colour, colourDistance } from '../support/frames.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { expectAccessible } from './axe.ts';
import { dragBy, dragOver, tilesOf } from './deskHand.ts';
import { enter, PATIENCE_MS, Pages, tileOf } from './pages.ts';

const ROOM = 'desk';
const CAMERA: Colour = [48, 80, 128];
const poll = { timeout: PATIENCE_MS };
const pages = new Pages();
let server: ServerProcess;
let browser: TestBrowser;
let ann: Page;
let bob: Page;
let [annId, bobId] = ['', ''];

const scene = async (): Promise<Scene> =>
  SceneAnswer.parse(await (await fetch(`${server.url}/v1/rooms/${ROOM}/scene`)).json()).scene;
const expectScene = (expected: unknown) => expect.poll(scene, poll).toMatchObject(expected as object);
const row = (id: string): Locator => ann.locator(`[data-testid=scene-person][data-peer=${id}]`);
const said = (page: Page): Promise<string | null> => page.getByTestId('announcer').textContent();

beforeAll(async () => {
  server = await ServerProcess.start();
  browser = await launchBrowser({ colour: '0x305080', width: 320, height: 180, fps: 10 });
  ann = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=host`);
  await enter(ann, 'Ann');
  bob = await pages.open(browser.browser, `${server.url}/studio/${ROOM}?role=cohost`);
  await enter(bob, 'Bob');
  await ann.getByTestId('tab-scene').click();
  await tileOf(ann, 'Bob').locator('video').waitFor();
  annId = (await tileOf(ann, 'Ann').getAttribute('data-peer')) ?? '';
  bobId = (await tileOf(ann, 'Bob').getAttribute('data-peer')) ?? '';
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe('order and pin', () => {
  test('a tile that is dragged to another place: both stages and the scene have the order, and it is told; undone', async () => {
    await dragOver(ann, tileOf(ann, 'Bob'), tileOf(ann, 'Ann'));
    // The others make room before it is let go of.
    await expect
      .poll(() => tileOf(ann, 'Ann').evaluate((tile) => tile.style.top), poll)
      .toBe(await tileOf(ann, 'Bob').evaluate((tile) => tile.style.top));
    expect((await scene()).order).toEqual([]);
    await ann.mouse.up();
    await expectScene({ order: [bobId, annId] });
    for (const page of [ann, bob]) await expect.poll(() => tilesOf(page), poll).toEqual([bobId, annId]);
    await expect.poll(() => said(ann), poll).toBe('Bob is now number 1 of 2');
    await ann.getByTestId('undo').click();
    await expectScene({ order: [] });
    await ann.getByTestId('redo').click();
    await expectScene({ order: [bobId, annId] });
    await expect.poll(() => tilesOf(ann), poll).toEqual([bobId, annId]);
  });

  test('Escape puts it back; a co-host moves nothing', async () => {
    await dragOver(ann, tileOf(ann, 'Ann'), tileOf(ann, 'Bob'));
    await ann.locator('.tile.dragging').waitFor();
    await ann.keyboard.press('Escape');
    await ann.mouse.up();
    await dragOver(bob, tileOf(bob, 'Ann'), tileOf(bob, 'Bob'));
    expect(await bob.locator('.tile.dragging').count()).toBe(0);
    await bob.mouse.up();
    expect(await bob.getByTestId('tile-pin').count()).toBe(0);
    // Whatever had been sent before this has arrived with it.
    await ann.getByTestId('names').click();
    await expectScene({ names: false, order: [bobId, annId] });
  });

  test('in the list by its grip, and by its keys', async () => {
    const [first = '', second = ''] = await ann
      .getByTestId('scene-person')
      .evaluateAll((rows) => rows.map((each) => each.getAttribute('data-peer') ?? ''));
    await row(second).scrollIntoViewIfNeeded();
    await dragOver(ann, row(second).getByTestId('grip'), row(first).getByTestId('grip'));
    await ann.locator('.scene-person[data-drop=before]').waitFor();
    await ann.mouse.up();
    await expectScene({ order: [second, first] });
    await row(second).getByTestId('move-down').press('Enter');
    await expectScene({ order: [first, second] });
    await expect.poll(() => said(ann), poll).toMatch(/is now number 2 of 2$/);
  });

  test.each(['touch', 'pen'] as const)('by %s', async (kind) => {
    const before = await tilesOf(ann);
    await dragBy(kind, ann, tileOf(ann, 'Bob'), tileOf(ann, 'Ann'));
    await expectScene({ order: before.toReversed() });
  });

  test('a click on its pin pins a person, a double click lets go', async () => {
    await tileOf(ann, 'Bob').hover();
    await tileOf(ann, 'Bob').getByTestId('tile-pin').click();
    await expectScene({ pin: bobId });
    await tileOf(ann, 'Bob').locator('[data-testid=tile-pin][aria-pressed=true]').waitFor();
    await tileOf(ann, 'Bob').dblclick({ position: { x: 60, y: 60 } });
    await expectScene({ pin: null });
    await tileOf(ann, 'Ann').getByTestId('tile-pin').press('Enter');
    await expectScene({ pin: annId });
    await ann.keyboard.press('Control+z');
    await expectScene({ pin: null });
  });
});

/** The colour of a layout's small picture at a place, as fractions. */
const colourAt = (layout: string, x: number, y: number): Promise<Colour> =>
  ann
    .getByTestId(`layout-${layout}`)
    .locator('canvas')
    .evaluate(
      (canvas: HTMLCanvasElement, [fx, fy]) => {
        const paint = canvas.getContext('2d');
        const { data } = paint?.getImageData(canvas.width * fx, canvas.height * fy, 1, 1) ?? { data: [0, 0, 0] };
        return [data[0], data[1], data[2]] as [number, number, number];
      },
      [x, y] as const,
    );
const isCamera = async (...place: Parameters<typeof colourAt>): Promise<boolean> =>
  colourDistance(await colourAt(...place), CAMERA) < 30;

describe('the pictures of the layouts', () => {
  const picture = () =>
    ann
      .getByTestId('layout-split')
      .locator('canvas')
      .evaluate((c: HTMLCanvasElement) => c.toDataURL());
  const both = async () => [await isCamera('split', 0.2, 0.3), await isCamera('split', 0.8, 0.3)];

  test('show the cameras, alive, and a placeholder while one is off', async () => {
    await ann.locator('.panel').evaluate((panel) => panel.scrollTo(0, 0));
    await expect.poll(both, poll).toEqual([true, true]);
    const before = await picture();
    await expect.poll(picture, poll).not.toBe(before);
    const [first] = await tilesOf(ann);
    await bob.getByTestId('camera').click();
    await expect.poll(both, poll).toEqual([first !== bobId, first === bobId]);
    await bob.getByTestId('camera').click();
    await expect.poll(both, poll).toEqual([true, true]);
  });

  test('stand still for who wants less movement, and follow each change all the same', async () => {
    await ann.emulateMedia({ reducedMotion: 'reduce' });
    const video = tileOf(ann, 'Bob').locator('video');
    // What was on its way when the wish changed is painted with the first of these.
    const frames = (count: number) =>
      video.evaluate(
        (element: HTMLVideoElement, left) =>
          new Promise<void>((done) => {
            const next = (): unknown => (left-- > 0 ? element.requestVideoFrameCallback(next) : done());
            next();
          }),
        count,
      );
    await frames(4);
    const still = await picture();
    await frames(8);
    expect(await picture()).toBe(still);
    await ann.getByTestId('background').fill('#c81e1e');
    await ann.locator('.panel').evaluate((panel) => panel.scrollTo(0, 0));
    await expect
      .poll(async () => colourDistance(await colourAt('news', 0.5, 0.05), [200, 30, 30]), poll)
      .toBeLessThan(20);
    await ann.emulateMedia({ reducedMotion: null });
  });

  test('one of ours is chosen: it is a custom layout of the scene', async () => {
    await ann.getByTestId('layout-news').click();
    await expectScene({ layout: { type: 'custom', tiles: [{ show: 0 }, { show: 1 }] } });
    await expect.poll(() => ann.getByTestId('layout-news').locator('input').isChecked(), poll).toBe(true);
    expect(await ann.getByTestId('layout-custom').count()).toBe(0);
    await ann.getByTestId('layout-grid').click();
    await expectScene({ layout: { type: 'grid' } });
  });
});

/** What a screen reader is told when it asks. */
const level = async (of: Locator): Promise<number> => Number(await of.getAttribute('aria-valuenow'));

describe('sound', () => {
  const meter = (id: string): Locator => row(id).getByTestId('sound-microphone').getByTestId('sound-meter');

  test('meters move while somebody speaks, one’s own as well, and not while they are muted', async () => {
    await expect.poll(() => level(meter(bobId)), poll).toBeGreaterThan(20);
    await expect.poll(() => level(meter(annId)), poll).toBeGreaterThan(20);
    await bob.getByTestId('mute').click();
    await expect.poll(() => level(meter(bobId)), poll).toBe(0);
    // Ann's goes to nothing and is heard again meanwhile; Bob's is not.
    await ann.getByTestId('mute').click();
    await expect.poll(() => level(meter(annId)), poll).toBe(0);
    await ann.getByTestId('mute').click();
    await expect.poll(() => level(meter(annId)), poll).toBeGreaterThan(20);
    expect(await level(meter(bobId))).toBe(0);
    await bob.getByTestId('mute').click();
    await expect.poll(() => level(meter(bobId)), poll).toBeGreaterThan(20);
  });

  test('who is muted in the program, or not solo, is dim, and that can be heard', async () => {
    await expect.poll(() => meter(bobId).getAttribute('data-heard'), poll).toBe('true');
    await row(bobId).getByTestId('mute-source').click();
    await expect.poll(() => meter(bobId).getAttribute('data-heard'), poll).toBe('false');
    await expect.poll(() => meter(bobId).getAttribute('aria-valuetext'), poll).toContain('not in the program');
    await row(bobId).getByTestId('mute-source').click();
    await row(bobId).getByTestId('solo').click();
    await expect.poll(() => meter(annId).getAttribute('data-heard'), poll).toBe('false');
    await expect.poll(() => meter(bobId).getAttribute('data-heard'), poll).toBe('true');
    await row(bobId).getByTestId('solo').click();
    await expect.poll(async () => (await scene()).sources, poll).toEqual({});
  });

  test('a screen is shared with its sound: the others have it, with a volume and a meter; without, where one wants none', async () => {
    await bob.getByTestId('screen').click();
    const sound = row(bobId).getByTestId('sound-screen-audio');
    await expect.poll(() => level(sound.getByTestId('sound-meter')), poll).toBeGreaterThan(20);
    expect(await bob.getByTestId('screen-sound-missing').count()).toBe(0);
    await bob.getByTestId('screen').click();
    await sound.waitFor({ state: 'detached' });
    await bob.getByTestId('devices').click();
    await bob.getByTestId('screen-sound').click();
    await bob.keyboard.press('Escape');
    await bob.getByTestId('screen').click();
    await row(bobId).getByTestId('pin-screen').waitFor();
    expect(await sound.count()).toBe(0);
    await bob.getByTestId('screen').click();
  });

  test('a browser that gives none is no riddle: one reads why, and what to do', async () => {
    await ann.evaluate(() => {
      const media = navigator.mediaDevices;
      const ask = media.getDisplayMedia.bind(media);
      // As Firefox and Safari answer.
      media.getDisplayMedia = async () => ask({ video: true, audio: false });
    });
    await ann.getByTestId('screen').click();
    const notice = ann.getByTestId('screen-sound-missing');
    await notice.getByText('Your screen is shared without sound.').waitFor();
    await row(annId).getByTestId('person-details').click();
    await expectAccessible(ann);
    await ann.getByTestId('screen').click();
    await notice.waitFor({ state: 'detached' });
  });
});

describe('words and looks', () => {
  test('a name, a second line and a picture for the program', async () => {
    const details = row(bobId);
    await details.getByTestId('person-details').click();
    await details.getByTestId('person-name').fill('Robert 王');
    await details.getByTestId('person-title').fill('Guest');
    await details.getByTestId('person-title').press('Enter');
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>';
    const file = { name: 'me.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(svg) };
    await details.getByTestId('person-avatar').locator('input').setInputFiles(file);
    await expect
      .poll(async () => (await scene()).people[bobId], poll)
      .toMatchObject({ name: 'Robert 王', title: 'Guest', avatar: expect.stringMatching(/^[0-9a-f]{64}$/) });
    await tileOf(bob, 'Robert 王').waitFor();
  });

  test('lower thirds are kept in this browser: one click on, one click off, also after a reload', async () => {
    await ann.getByTestId('scene-title').fill('Tea from Hangzhou');
    await ann.getByTestId('scene-subtitle').fill('龙井');
    await ann.getByTestId('lower-third-keep').click();
    await ann.getByTestId('kept-show').click();
    await expectScene({ lowerThird: { title: 'Tea from Hangzhou', subtitle: '龙井' } });
    await ann.getByTestId('kept-show').click();
    await expectScene({ lowerThird: null });
    await ann.reload();
    await enter(ann, 'Ann');
    await ann.getByTestId('tab-scene').click();
    await ann.getByTestId('kept-show').getByText('Tea from Hangzhou').waitFor();
  });

  test('tiles’ space, corners and border, the logo’s size, the slate’s words, the target of loudness', async () => {
    await ann.getByTestId('tile-gap').fill('12');
    await ann.getByTestId('tile-radius').fill('10');
    await ann.getByTestId('tile-border').fill('4');
    await ann.getByTestId('border-colour').fill('#ffcc00');
    await ann.getByTestId('scene-slate-text').fill('Back in a minute');
    await ann.getByTestId('slate-text-show').click();
    await ann.getByTestId('loudness-target').fill('-18');
    const logo = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><rect width="2" height="1"/></svg>';
    const file = { name: 'logo.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(logo) };
    await ann.getByTestId('file-logo').locator('input').setInputFiles(file);
    await ann.getByTestId('logo-size').fill('20');
    await ann.getByTestId('logo-opacity').fill('50');
    await expectScene({
      tiles: { gap: 0.012, radius: 0.1, border: { width: 0.004, color: '#ffcc00' } },
      slateText: 'Back in a minute',
      loudness: { targetLufs: -18 },
      logo: { size: 0.2, opacity: 0.5 },
    });
  });
});

describe('keys', () => {
  test('“?” shows the list, which is accessible and says what there is', async () => {
    await ann.getByTestId('tab-scene').focus();
    await ann.keyboard.press('?');
    const list = ann.getByTestId('keys-dialog');
    await list.waitFor();
    expect(await list.locator('dt').allTextContents()).toContain('Choose a layout');
    await expectAccessible(ann, 'few');
    await ann.keyboard.press('Escape');
    await list.waitFor({ state: 'detached' });
    await bob.getByTestId('keys').click();
    await bob.getByTestId('keys-dialog').waitFor();
    // What only a host can do is not promised to others.
    expect(await bob.getByTestId('keys-dialog').locator('dt').allTextContents()).not.toContain('Choose a layout');
    await bob.getByTestId('keys-close').click();
  });

  test('they do what the list says', async () => {
    const state = (button: string) => ann.getByTestId(button).getAttribute('data-state');
    await ann.getByTestId('tab-scene').focus();
    await ann.keyboard.press('m');
    await expect.poll(() => state('mute'), poll).toBe('off');
    await expect.poll(() => said(ann), poll).toBe('Microphone off');
    await ann.keyboard.press('m');
    await expect.poll(() => state('mute'), poll).toBe('on');
    await ann.keyboard.press('v');
    await expect.poll(() => state('camera'), poll).toBe('off');
    await ann.keyboard.press('v');
    await expect.poll(() => state('camera'), poll).toBe('on');
    await ann.keyboard.press('s');
    await tileOf(ann, 'Ann', 'screen').waitFor();
    await ann.keyboard.press('s');
    await tileOf(ann, 'Ann', 'screen').waitFor({ state: 'detached' });
    await ann.keyboard.press('3');
    await expectScene({ layout: { type: 'spotlight' } });
    await expect.poll(() => said(ann), poll).toBe('Layout: Spotlight');
    await ann.keyboard.press('Shift+Digit1');
    await expect.poll(async () => (await scene()).pin, poll).toBe((await tilesOf(ann))[0]);
    await ann.keyboard.press('Control+z');
    await expectScene({ pin: null, layout: { type: 'spotlight' } });
    await ann.keyboard.press('l');
    await expectScene({ lowerThird: { title: 'Tea from Hangzhou' } });
    await ann.keyboard.press('l');
    await expectScene({ lowerThird: null });
    for (const [key, tab] of Object.entries({ c: 'chat', e: 'scene', b: 'show' })) {
      await ann.keyboard.press(key);
      await expect.poll(() => ann.getByTestId(`tab-${tab}`).getAttribute('aria-selected'), poll).toBe('true');
    }
    await ann.keyboard.press('p');
    await ann.locator('aside.panel').waitFor({ state: 'detached' });
    await ann.keyboard.press('g');
    const focused = () => ann.evaluate(() => document.activeElement?.getAttribute('data-testid'));
    await expect.poll(focused, poll).toBe('go-live');
    expect(await ann.getByTestId('live-state').getAttribute('data-state')).toBe('off');
  });

  test('not while one types, not for what only hosts do, and not once they are turned off, also after a reload', async () => {
    await ann.keyboard.press('e');
    await ann.getByTestId('scene-title').fill('');
    await ann.getByTestId('scene-title').pressSequentially('m1?');
    expect(await ann.getByTestId('scene-title').inputValue()).toBe('m1?');
    expect(await ann.getByTestId('mute').getAttribute('data-state')).toBe('on');
    await bob.getByTestId('mute').focus();
    await bob.keyboard.press('2');
    await bob.keyboard.press('c');
    await expect.poll(() => bob.getByTestId('tab-chat').getAttribute('aria-selected'), poll).toBe('true');
    await bob.getByTestId('keys').click();
    await bob.getByTestId('keys-on').click();
    await bob.reload();
    await enter(bob, 'Bob');
    await bob.getByTestId('mute').focus();
    await bob.keyboard.press('m');
    await bob.keyboard.press('?');
    // Keys come in their order: this one is of the button itself, and the last.
    await bob.getByTestId('keys').press('Enter');
    await bob.getByTestId('keys-dialog').waitFor();
    expect(await bob.getByTestId('mute').getAttribute('data-state')).toBe('on');
    expect(await bob.getByTestId('keys-on').isChecked()).toBe(false);
    await expectScene({ layout: { type: 'spotlight' } });
  });

  test('the watch page has a list of its own', async () => {
    const viewer = await pages.open(browser.browser, `${server.url}/watch/${ROOM}`);
    await viewer.getByTestId('share').press('?');
    const list = viewer.getByTestId('keys-dialog');
    await list.waitFor();
    expect(await list.locator('kbd').allTextContents()).toEqual(['Space', 'K', 'M', 'F', 'L', 'C', '?']);
    await viewer.getByTestId('keys-close').click();
    await list.waitFor({ state: 'detached' });
    await viewer.context().close();
  });
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
