/**
 * Getting in, as a person does it: speaker, network, sound, picture, a device that is unplugged, a phone with two cameras, and a connection that
 * drops on the way. One server and one browser with two fake cameras; the tests follow each other.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { expectAccessible } from './axe.ts';
import { enter, expectPlaying, PATIENCE_MS, Pages, PHONE, scrollsSideways, tileOf } from './pages.ts';

const poll = { timeout: PATIENCE_MS };
const TWO_CAMERAS = '--use-fake-device-for-media-stream=device-count=2,fps=10';
/** Chromium's own setting for networks that let no UDP through. */
const NO_UDP = '--webrtc-ip-handling-policy=disable_non_proxied_udp';

const pages = new Pages();
let server: ServerProcess;
let browser: TestBrowser;
let door: Page;

beforeAll(async () => {
  server = await ServerProcess.start();
  browser = await launchBrowser({ flags: [TWO_CAMERAS] });
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** What the browser says of the track that the mirror shows. */
const picture = (page: Page) =>
  page.locator('.mirror video').evaluate((video: HTMLVideoElement) => {
    const [track] = (video.srcObject as MediaStream).getVideoTracks();
    return { label: track?.label ?? '', height: track?.getSettings().height ?? 0 };
  });

interface Sound {
  echo: unknown;
  noise: unknown;
  gain: unknown;
}
const sound = (page: Page): Promise<Sound> =>
  page.evaluate(() => {
    const { studio } = (
      window as unknown as {
        lianmai: { studio: { media: { value: { microphone: { value: MediaStreamTrack | null } } } } };
      }
    ).lianmai;
    const settings = studio.media.value.microphone.value?.getSettings();
    return { echo: settings?.echoCancellation, noise: settings?.noiseSuppression, gain: settings?.autoGainControl };
  });

describe('the door', () => {
  test('speaker: choose an output, hear a sound that is made here, say whether one hears it', async () => {
    door = await pages.open(browser.browser, `${server.url}/studio/door`);
    await expectPlaying(door.locator('.mirror video'));
    const speaker = door.getByTestId('speaker');
    const outputs = await door.getByTestId('speaker-select').locator('option').allInnerTexts();
    expect(outputs.length).toBeGreaterThan(2);
    const chosen = outputs.at(-1) ?? '';
    await door.getByTestId('speaker-select').selectOption({ label: chosen });
    await door.getByTestId('speaker-test').click();
    expect(await speaker.getAttribute('data-state')).toMatch(/playing|asking/);
    // It comes out where it was chosen to.
    const sink = () => door.getByTestId('speaker-sound').evaluate((audio: HTMLAudioElement) => audio.sinkId);
    await expect.poll(sink, poll).toBe(await door.getByTestId('speaker-select').inputValue());
    await expect.poll(() => speaker.getAttribute('data-state'), poll).toBe('asking');
    await door.getByTestId('speaker-no').click();
    await door.getByText('Choose another speaker').waitFor();
    await door.getByTestId('speaker-test').click();
    await door.getByTestId('speaker-yes').click();
    await door.getByText('you will hear the others the same way').waitFor();
  });

  test('network: the media server is reached by UDP and by TCP, and how much can be sent', async () => {
    await door.getByTestId('network-test').click();
    const verdict = door.getByTestId('network-verdict');
    await verdict.waitFor();
    expect(await verdict.getAttribute('data-way')).toBe('udp');
    for (const way of ['udp', 'tcp']) {
      expect(await door.getByTestId(`network-${way}`).getAttribute('data-state')).toBe('good');
      expect(await door.getByTestId(`network-${way}`).textContent()).toMatch(/works, \d+ ms/);
    }
    expect(await door.getByTestId('network-upload').textContent()).toMatch(/[1-9].* Mbit\/s/);
  });

  test('sound: echo, noise and volume are taken care of, each can be turned off, music mode turns all of it off', async () => {
    expect(await sound(door)).toEqual({ echo: true, noise: true, gain: true });
    await door.getByTestId('more-settings').click();
    await door.getByTestId('sound-noise').click();
    await expect.poll(() => sound(door), poll).toEqual({ echo: true, noise: false, gain: true });
    await door.getByTestId('sound-music').click();
    await expect.poll(() => sound(door), poll).toEqual({ echo: false, noise: false, gain: false });
    await door.getByTestId('sound-music').click();
    await expect.poll(() => sound(door), poll).toEqual({ echo: true, noise: false, gain: true });
  });

  test('picture: its size can be chosen', async () => {
    expect((await picture(door)).height).toBe(720);
    await door.getByTestId('quality').selectOption('360');
    await expect.poll(() => picture(door).catch(() => null), poll).toMatchObject({ height: 360 });
  });

  test('all of it is remembered', async () => {
    await door.getByTestId('camera-select').selectOption({ label: 'fake_device_1' });
    await expect.poll(() => picture(door).catch(() => null), poll).toMatchObject({ label: 'fake_device_1' });
    const speaker = await door.getByTestId('speaker-select').inputValue();
    await door.reload();
    await expectPlaying(door.locator('.mirror video'));
    expect(await picture(door)).toEqual({ label: 'fake_device_1', height: 360 });
    expect(await sound(door)).toEqual({ echo: true, noise: false, gain: true });
    expect(await door.getByTestId('speaker-select').inputValue()).toBe(speaker);
  });

  test('a camera that is unplugged: the other one takes over, and it is used again when it is back', async () => {
    await unplug(door, 'fake_device_1');
    const news = door.getByTestId('device-news');
    await news.getByText('“fake_device_1” was unplugged').waitFor();
    await expect.poll(() => picture(door).catch(() => null), poll).toMatchObject({ label: 'fake_device_0' });
    await plugIn(door);
    await news.getByText('is plugged in again').waitFor();
    await expect.poll(() => picture(door).catch(() => null), poll).toMatchObject({ label: 'fake_device_1' });
  });

  test('blur: what is no person loses its edges, by files of our own server alone, and is sharp again without', async () => {
    await door.getByTestId('more-settings').click();
    await door.getByTestId('quality').selectOption('180');
    await expect.poll(() => picture(door).catch(() => null), poll).toMatchObject({ height: 180 });
    await expectPlaying(door.locator('.mirror video'));
    const before = await edges(door);
    const loaded: string[] = [];
    door.on('request', (request) => loaded.push(new URL(request.url()).pathname));
    await door.getByTestId('blur').click();
    // The model comes up slowly where several tests share a core.
    await expect.poll(() => edges(door).catch(() => before), { timeout: 2 * PATIENCE_MS }).toBeLessThan(before / 2);
    expect(loaded.some((path) => path.endsWith('.tflite'))).toBe(true);
    expect(await door.getByTestId('blur').isChecked()).toBe(true);
    await door.getByTestId('blur').click();
    await expect.poll(() => edges(door).catch(() => 0), poll).toBeGreaterThan(before / 2);
    await door.getByTestId('more-settings').click();
  });

  test('axe finds nothing, with everything open', async () => {
    await door.getByTestId('more-settings').click();
    await expectAccessible(door);
    await door.context().close();
  });
});

/** How much neighbouring pixels of the mirror's picture differ, on average, of 255. */
const edges = (page: Page): Promise<number> =>
  page.locator('.mirror video').evaluate((video: HTMLVideoElement) => {
    const canvas = new OffscreenCanvas(320, 180).getContext('2d');
    canvas?.drawImage(video, 0, 0, 320, 180);
    const { data } = canvas?.getImageData(0, 0, 320, 180) ?? { data: [] };
    let sum = 0;
    for (let i = 1; i + 4 < data.length; i += 4) sum += Math.abs((data[i + 4] ?? 0) - (data[i] ?? 0));
    return sum / (320 * 180);
  });

/** As the browser tells a page of it; there is no way to take a fake device away. */
async function unplug(page: Page, label: string): Promise<void> {
  await page.evaluate(async (gone) => {
    const { mediaDevices } = navigator;
    const all = mediaDevices.enumerateDevices.bind(mediaDevices);
    Object.assign(window, { allDevices: all });
    mediaDevices.enumerateDevices = async () => (await all()).filter((device) => device.label !== gone);
    const video = document.querySelector<HTMLVideoElement>('.mirror video');
    const [track] = (video?.srcObject as MediaStream | null)?.getVideoTracks() ?? [];
    track?.dispatchEvent(new Event('ended'));
    mediaDevices.dispatchEvent(new Event('devicechange'));
  }, label);
}

async function plugIn(page: Page): Promise<void> {
  await page.evaluate(() => {
    const { allDevices } = window as unknown as { allDevices: MediaDevices['enumerateDevices'] };
    navigator.mediaDevices.enumerateDevices = allDevices;
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
  });
}

/** Fake cameras do not look anywhere: here the second one looks away from the person, as a phone's does. */
async function giveSides(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const sideOf = (label: string) => (label.endsWith('_1') ? 'environment' : 'user');
    const { getUserMedia } = MediaDevices.prototype;
    const { getSettings } = MediaStreamTrack.prototype;
    MediaStreamTrack.prototype.getSettings = function (this: MediaStreamTrack) {
      return { ...getSettings.call(this), ...(this.kind === 'video' ? { facingMode: sideOf(this.label) } : {}) };
    };
    MediaDevices.prototype.getUserMedia = async function (this: MediaDevices, wish) {
      const video = wish?.video as MediaTrackConstraints | undefined;
      const side = (video?.facingMode as { ideal?: string } | undefined)?.ideal;
      if (!side) return getUserMedia.call(this, wish);
      const cameras = (await this.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
      const deviceId = cameras.find(({ label }) => sideOf(label) === side)?.deviceId ?? '';
      return getUserMedia.call(this, { ...wish, video: { ...video, deviceId: { exact: deviceId } } });
    };
  });
}

test('network without UDP: says that it goes by TCP, and what to ask the administrator for; then it does', async () => {
  const blocked = await launchBrowser({ flags: [NO_UDP] });
  const page = await pages.open(blocked.browser, `${server.url}/studio/blocked`, { locale: 'zh-CN' });
  await page.getByTestId('network-test').click();
  const verdict = page.getByTestId('network-verdict');
  await verdict.waitFor();
  expect(await verdict.getAttribute('data-way')).toBe('tcp');
  expect(await page.getByTestId('network-udp').getAttribute('data-state')).toBe('bad');
  expect(await verdict.locator('[data-sentence="network.by.tcp"]').textContent()).toMatch(/TCP.*UDP 127\.0\.0\.1:\d+/);
  await blocked.close();
});

describe('a phone', () => {
  const phone = { viewport: PHONE, hasTouch: true, isMobile: true };
  let ann: Page;
  let bob: Page;

  test('the door: the camera on the other side by one touch, and what looks away is no mirror', async () => {
    ann = await pages.open(browser.browser, `${server.url}/studio/phone`, phone);
    await giveSides(ann);
    await ann.reload();
    const video = ann.locator('.mirror video');
    await expectPlaying(video);
    await ann.getByTestId('flip').tap();
    const label = () =>
      picture(ann).then(
        (shown) => shown.label,
        () => '',
      );
    await expect.poll(label, poll).toBe('fake_device_1');
    expect(await video.getAttribute('class')).not.toContain('mirrored');
    await ann.getByTestId('flip').tap();
    await expect.poll(label, poll).toBe('fake_device_0');
    expect(await video.getAttribute('class')).toContain('mirrored');
    expect(await scrollsSideways(ann)).toBe(false);
    await expectAccessible(ann);
    await ann.setViewportSize(PHONE);
  });

  test('the room: held upright nothing is cut off, and the screen stays on', async () => {
    await ann.evaluate(() => {
      Object.defineProperty(navigator, 'wakeLock', {
        value: {
          request: async (kind: string) => {
            document.body.dataset.awake = kind;
            return { release: async () => delete document.body.dataset.awake };
          },
        },
      });
    });
    await enter(ann, 'Ann');
    await expect.poll(() => ann.locator('body').getAttribute('data-awake'), poll).toBe('screen');
    bob = await pages.open(browser.browser, `${server.url}/studio/phone`);
    await enter(bob, 'Bob');
    await expectPlaying(tileOf(ann, 'Bob').locator('video'));
    expect(await scrollsSideways(ann)).toBe(false);
    const bar = await ann.locator('.controls').boundingBox();
    expect((bar?.y ?? 0) + (bar?.height ?? 0)).toBeLessThanOrEqual(PHONE.height);
    expect(bar?.width).toBeLessThanOrEqual(PHONE.width);
    const buttons = await ann
      .locator('.controls .control')
      .evaluateAll((all) => all.map((b) => b.getBoundingClientRect().right));
    expect(Math.max(...buttons)).toBeLessThanOrEqual(PHONE.width);
  });

  test('the network is gone for a while: both are told, and it is the same seat and tile afterwards', async () => {
    const peer = () => tileOf(bob, 'Ann').getAttribute('data-peer');
    const before = await peer();
    await ann.context().setOffline(true);
    const notice = ann.getByTestId('reconnecting');
    await notice.getByText('Your seat is kept for 30 seconds').waitFor();
    await tileOf(bob, 'Ann').getByText('seat kept').waitFor();
    await expectAccessible(ann);
    await ann.setViewportSize(PHONE);
    // What is told when it takes longer: the page's clock goes ahead.
    await ann.evaluate(() => {
      const now = Date.now;
      Object.assign(window, { realNow: now });
      Date.now = () => now() + 31_000;
    });
    await notice.getByText('the others do not see you any more').waitFor();
    await ann.evaluate(() => {
      Date.now = (window as unknown as { realNow: () => number }).realNow;
    });
    await ann.context().setOffline(false);
    await notice.waitFor({ state: 'detached' });
    await tileOf(bob, 'Ann').getByText('seat kept').waitFor({ state: 'detached' });
    await expectPlaying(tileOf(bob, 'Ann').locator('video'));
    expect(await peer()).toBe(before);
    expect(await bob.getByTestId('tile').count()).toBe(2);
  });

  test('in the room a microphone that is unplugged is replaced, too, and the speaker holds for what one hears', async () => {
    await bob.getByTestId('devices').click();
    const speakers = bob.getByTestId('speaker-select');
    await speakers.selectOption({ index: 2 });
    const wanted = await speakers.inputValue();
    const sinks = () =>
      bob.locator('.banners audio').evaluateAll((all) => (all as HTMLAudioElement[]).map((a) => a.sinkId));
    await expect.poll(sinks, poll).toEqual([wanted]);
    await expectAccessible(bob);
    await bob.keyboard.press('Escape');
    await bob.evaluate(() => {
      const { studio } = (
        window as unknown as {
          lianmai: { studio: { media: { value: { microphone: { value: MediaStreamTrack | null } } } } };
        }
      ).lianmai;
      studio.media.value.microphone.value?.dispatchEvent(new Event('ended'));
    });
    await bob.getByTestId('device-news').waitFor();
    await expect.poll(() => bob.getByTestId('mute').getAttribute('data-state'), poll).toBe('on');
  });
});

test('all the while: no script error, no CSP violation, no request to anybody else', () => {
  expect(pages.faults).toEqual([]);
});
