/**
 * Every state that a page can have, in the order of one evening. A new one: bring a page into it, and `take(page, 'NAME')`.
 */
import type { Page } from 'playwright-core';
import type { View } from './Photographer.ts';
import { type Stage, until } from './Stage.ts';

export type Take = (page: Page, name: string, prepare?: (view: View) => Promise<void>) => Promise<void>;
/** Takes its pictures, and leaves the stage as the next one finds it. */
type Scene = (stage: Stage, take: Take) => Promise<void>;

const close = (page: Page): Promise<void> => page.context().close();
const watchState = (state: string): string => `document.querySelector('[data-state="${state}"]') !== null`;
const videosPlay = (count: number): string =>
  `[...document.querySelectorAll('video')].filter((v) => v.videoWidth > 0 && v.currentTime > 0).length >= ${count}`;

/** The host's panel stands beside the stage on a desk, and would cover it on a phone. */
const panelOnDesk =
  (page: Page) =>
  async (view: View): Promise<void> => {
    const open = (await page.locator('aside.panel').count()) > 0;
    // Not by the mouse: where the panel covers the stage, it covers its own button.
    if (open !== (view === 'desktop')) await page.getByTestId('panel').dispatchEvent('click');
  };

async function home(stage: Stage, take: Take): Promise<void> {
  const page = await stage.open('/');
  await page.getByTestId('start').waitFor();
  await take(page, 'home');
  await page.getByTestId('room').fill('No Room');
  await page.getByTestId('start').click();
  await page.getByRole('alert').first().waitFor();
  await take(page, 'home-mistake');
  await close(page);
}

async function problems(stage: Stage, take: Take): Promise<void> {
  const badRoom = await stage.open('/watch/Not%20a%20room');
  await badRoom.getByTestId('problem').waitFor();
  await take(badRoom, 'problem-bad-room');
  await close(badRoom);
  const badLink = await stage.open('/studio/other#token=nonsense');
  await badLink.getByTestId('prejoin-name').fill('Ann');
  await badLink.getByTestId('join').click();
  await badLink.getByTestId('problem').waitFor();
  await take(badLink, 'problem-bad-link');
  await close(badLink);
}

/** The host's whole evening: one page. */
async function show(stage: Stage, take: Take): Promise<void> {
  const studio = await stage.open(`/studio/${stage.room}?role=host`);
  await until(studio, videosPlay(1));
  await studio.getByTestId('prejoin-name').fill('Mia Tanaka');
  await take(studio, 'studio-door');
  await studio.getByTestId('join').click();
  await studio.getByTestId('leave').waitFor();
  await until(studio, videosPlay(1));
  await take(studio, 'studio-alone', panelOnDesk(studio));
  await stage.guests();
  await until(studio, videosPlay(4));
  await take(studio, 'studio-people', panelOnDesk(studio));
  await watchWaiting(stage, take);
  await stage.api.startBroadcast(stage.room, { dvrSeconds: 3600, record: true });
  await studio.getByTestId('stop-live').waitFor();
  await watchLive(stage, take, studio);
  await stage.api.stopBroadcast(stage.room);
  await watchEnded(stage, take);
  await studio.getByTestId('leave').click();
  await studio.getByTestId('left').waitFor();
  await take(studio, 'studio-left');
  await close(studio);
}

async function watchWaiting(stage: Stage, take: Take): Promise<void> {
  const page = await stage.open(`/watch/${stage.room}`);
  await until(page, watchState('idle'));
  await take(page, 'watch-waiting');
  await close(page);
}

async function watchLive(stage: Stage, take: Take, studio: Page): Promise<void> {
  const page = await stage.open(`/watch/${stage.room}`);
  const far = await stage.open(`/watch/${stage.room}`, { cuttable: true });
  await until(far, watchState('live'));
  await until(page, `${watchState('live')} && document.querySelector('video').currentTime > 3`);
  await page.mouse.move(0, 0);
  await take(page, 'watch-live', controlsOf(page));
  await page.getByTestId('share').click();
  await page.getByTestId('embed-code').waitFor();
  await take(page, 'watch-share', () => until(page, watchState('live')));
  await page.keyboard.press('Escape');
  await studioLive(studio, take);
  await watchBack(page, take);
  await embedded(stage, take);
  stage.cut();
  await until(far, watchState('reconnecting'));
  await take(far, 'watch-reconnecting');
  await close(far);
  await close(page);
}

/** The controls hide from who does not touch anything. */
const controlsOf = (page: Page) => async (): Promise<void> => {
  // On a busy machine a picture may stand still meanwhile: that is another state.
  await until(page, "document.querySelector('.state-live, .state-recorded') !== null");
  await page.locator('media-controller').hover({ position: { x: 150, y: 80 } });
};

/** A while ago, with the picture of what is pointed at. */
async function watchBack(page: Page, take: Take): Promise<void> {
  const bar = page.getByTestId('time-bar');
  await bar.waitFor();
  await bar.press('PageDown');
  const point = async (): Promise<void> => {
    await until(page, watchState('live'));
    await bar.waitFor();
    const box = await bar.boundingBox();
    if (!box) throw new Error('the bar has no place');
    for (const share of [0.3, 0.31]) await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
    await page.getByTestId('thumbnail').waitFor();
  };
  await take(page, 'watch-back-in-time', point);
}

async function embedded(stage: Stage, take: Take): Promise<void> {
  const page = await stage.open(`/embed/${stage.room}`);
  await until(page, watchState('live'));
  await take(page, 'embed-live', controlsOf(page));
  await close(page);
}

async function studioLive(studio: Page, take: Take): Promise<void> {
  await take(studio, 'studio-live', panelOnDesk(studio));
  await studio.setViewportSize({ width: 1280, height: 800 });
  await studio.getByTestId('tab-scene').click();
  await take(studio, 'studio-scene');
  await studio.setViewportSize({ width: 1280, height: 800 });
  await studio.getByTestId('tab-show').click();
  await studio.getByTestId('stop-live').click();
  await studio.getByRole('dialog').waitFor();
  await take(studio, 'studio-stop');
  await studio.keyboard.press('Escape');
}

async function watchEnded(stage: Stage, take: Take): Promise<void> {
  const page = await stage.open(`/watch/${stage.room}`);
  await until(page, watchState('ended'));
  await page.getByTestId('replay').waitFor();
  await take(page, 'watch-ended');
  await page.getByTestId('replay').click();
  await until(page, watchState('recorded'));
  await take(page, 'watch-recording', controlsOf(page));
  await close(page);
}

export const SCENES: Readonly<Record<string, Scene>> = { home, show, problems };
