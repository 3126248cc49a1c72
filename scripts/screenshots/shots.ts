/**
 * Every state that a page can have, in the order of one evening. A new one: bring a page into it, and `take(page, 'NAME')`.
 */
import type { Page } from 'playwright-core';
import { failures } from './failures.ts';
import type { View } from './Photographer.ts';
import { GUEST_SEATS, HOST_SEAT, type Stage, until } from './Stage.ts';
import { seats } from './seats.ts';

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

/** Going live later, and the last seconds before; leaves nothing scheduled. */
async function scheduled(stage: Stage, page: Page, take: Take): Promise<void> {
  const open = async (): Promise<void> => {
    if ((await page.locator('aside.panel').count()) === 0) await page.getByTestId('panel').dispatchEvent('click');
  };
  await open();
  await page.getByTestId('schedule').dispatchEvent('click');
  await page.locator('#schedule-title').fill('A quiet evening');
  await take(page, 'studio-schedule', open);
  await page.getByTestId('schedule-save').dispatchEvent('click');
  await page.getByTestId('schedule-card').waitFor();
  await take(page, 'studio-scheduled', open);
  const viewer = await stage.open(`/watch/${stage.room}`);
  await viewer.getByTestId('upcoming-left').waitFor();
  await take(viewer, 'watch-scheduled');
  await close(viewer);
  // Each picture has a countdown of its own: they last too long for one.
  await take(page, 'studio-countdown', async (view) => {
    await panelOnDesk(page)(view);
    await stage.api.schedule(stage.room, { inSeconds: 8 });
    await page.getByTestId('countdown').waitFor();
  });
  await stage.api.unschedule(stage.room);
  await page.getByTestId('countdown').waitFor({ state: 'detached' });
}

/** The host's whole evening: one page. */
async function studio(stage: Stage, take: Take): Promise<void> {
  await stage.talk();
  const page = await stage.open(`/studio/${stage.room}?role=host`);
  await until(page, videosPlay(1));
  await page.getByTestId('prejoin-name').fill('Mia Tanaka');
  await take(page, 'studio-door');
  await page.getByTestId('join').click();
  await page.getByTestId('leave').waitFor();
  await until(page, videosPlay(1));
  await take(page, 'studio-alone', panelOnDesk(page));
  const leave = await stage.people(GUEST_SEATS);
  await until(page, videosPlay(4));
  await take(page, 'studio-people', panelOnDesk(page));
  await scheduled(stage, page, take);
  await stage.api.startBroadcast(stage.room, { record: true });
  await page.getByTestId('stop-live').waitFor();
  await studioLive(page, take);
  await leave();
  const leaveAgain = await stage.people(GUEST_SEATS, GUEST_SEATS.at(-1));
  await studioHealth(page, take);
  await stage.api.stopBroadcast(stage.room);
  await leaveAgain();
  await page.getByTestId('leave').click();
  await page.getByTestId('left').waitFor();
  await take(page, 'studio-left');
  await close(page);
}

/** A viewer's evening, from before the show to its recording. */
async function watch(stage: Stage, take: Take): Promise<void> {
  const leave = await stage.people([HOST_SEAT, ...GUEST_SEATS]);
  await stage.talk();
  const page = await stage.open(`/watch/${stage.room}`);
  await until(page, watchState('idle'));
  await page.getByTestId('chat-message').first().waitFor();
  await take(page, 'watch-waiting');
  await stage.api.startBroadcast(stage.room, {
    ...{ dvrSeconds: 3600, record: true, captions: [{ language: 'en' }] },
  });
  await until(page, `${watchState('live')} && document.querySelector('video').currentTime > 3`);
  await take(page, 'watch-live', controlsOf(page));
  await stage.api.caption(stage.room, {
    text: 'And that is how the kiln is opened: very, very slowly.',
    durationMs: null,
  });
  await page.getByTestId('captions').selectOption('0');
  await until(page, "[...document.querySelector('video').textTracks].some((track) => track.activeCues?.length > 0)");
  await take(page, 'watch-captions', controlsOf(page));
  await page.getByTestId('captions').selectOption('-1');
  await page.getByTestId('share').click();
  await page.getByTestId('embed-code').waitFor();
  await take(page, 'watch-share', () => until(page, watchState('live')));
  await page.keyboard.press('Escape');
  await watchBack(page, take);
  await close(page);
  await embedded(stage, take);
  await reconnecting(stage, take);
  await stage.api.stopBroadcast(stage.room);
  await watchEnded(stage, take);
  await leave();
}

async function reconnecting(stage: Stage, take: Take): Promise<void> {
  const page = await stage.open(`/watch/${stage.room}`, { cuttable: true });
  await until(page, watchState('live'));
  stage.cut();
  await until(page, watchState('reconnecting'));
  await take(page, 'watch-reconnecting');
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

async function studioLive(page: Page, take: Take): Promise<void> {
  const everybody = panelOnDesk(page);
  const onAir = `document.querySelector('[data-testid=monitor]').dataset.state === 'live'`;
  await until(page, onAir);
  // The first figures are of the seconds before it ran.
  await page.getByTestId('live-facts').filter({ hasText: 'Mbit/s' }).waitFor();
  await take(page, 'studio-live', async (view) => {
    await everybody(view);
    await until(page, videosPlay(5));
    await until(page, onAir);
  });
  await page.getByTestId('monitor-listen').click();
  await take(page, 'studio-listening', everybody);
  await page.getByTestId('monitor-listen').click();
  await page.getByTestId('monitor-hide').click();
  await take(page, 'studio-live-people', everybody);
  await page.getByTestId('monitor-toggle').click();
  await until(page, onAir);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByTestId('tab-scene').click();
  await take(page, 'studio-scene');
  await desk(page, take);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByTestId('captions-stay').selectOption('next');
  await page.getByTestId('scene-captions').fill('Thank you all for watching');
  await page.getByTestId('scene-captions').press('Enter');
  await page.getByTestId('captions-hide').waitFor();
  await take(page, 'studio-captions', () => page.getByTestId('captions-language').scrollIntoViewIfNeeded());
  await page.getByTestId('captions-hide').click();
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByTestId('tab-chat').click();
  await page.getByTestId('chat-more').last().click();
  await take(page, 'studio-chat');
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByTestId('tab-show').click();
  await page.getByTestId('stop-live').click();
  await page.getByRole('dialog').waitFor();
  await take(page, 'studio-stop');
  await page.keyboard.press('Escape');
}

/** Somebody's upload is weak: the sentence, and what is behind the strip. */
async function studioHealth(page: Page, take: Take): Promise<void> {
  // In the details everything is: a busy machine may have worse to say.
  await page.getByTestId('health-open').click();
  await page.locator('[data-testid=health-finding][data-key^=upload]').first().waitFor();
  await page.keyboard.press('Escape');
  const everybody = panelOnDesk(page);
  await take(page, 'studio-health', async (view) => {
    await everybody(view);
    await until(page, videosPlay(4));
  });
  await page.getByTestId('health-open').click();
  await take(page, 'studio-health-details');
  await page.keyboard.press('Escape');
}

/** The scene's people with one of them open, the words that are kept, and the list of keys. */
async function desk(page: Page, take: Take): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByTestId('person-details').first().click();
  await page.getByTestId('person-title').first().fill('Host');
  await page.getByTestId('scene-title').fill('Amara Okafor');
  await page.getByTestId('scene-subtitle').fill('Kora, live from Lagos');
  await page.getByTestId('lower-third-keep').click();
  await take(page, 'studio-people-in-scene', () => page.getByTestId('grip').first().scrollIntoViewIfNeeded());
  await take(page, 'studio-titles', () => page.getByTestId('kept-show').scrollIntoViewIfNeeded());
  await page.getByTestId('person-details').first().click();
  await page.keyboard.press('?');
  await page.getByTestId('keys-dialog').waitFor();
  await take(page, 'studio-keys');
  await page.keyboard.press('Escape');
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

/** The door with everything open, in both languages, and a connection that is gone. */
async function door(stage: Stage, take: Take): Promise<void> {
  for (const [locale, name] of [
    ['en-GB', 'door'],
    ['zh-CN', 'door-zh'],
  ] as const) {
    const page = await stage.open('/studio/door?role=cohost', { locale });
    await until(page, videosPlay(1));
    await page.getByTestId('prejoin-name').fill('Lin Xiao');
    await page.getByTestId('network-test').click();
    await page.getByTestId('network-verdict').waitFor();
    await page.getByTestId('speaker-test').click();
    await page.getByTestId('speaker-yes').click();
    await take(page, `${name}-network`);
    await page.getByTestId('more-settings').click();
    await take(page, `${name}-settings`, async () => {
      await page.getByTestId('sound-music').scrollIntoViewIfNeeded();
    });
    await close(page);
  }
  const page = await stage.open('/studio/door?role=cohost', { cuttable: true });
  await page.getByTestId('prejoin-name').fill('Lin Xiao');
  await page.getByTestId('join').click();
  await page.getByTestId('leave').waitFor();
  await until(page, videosPlay(1));
  await page.getByTestId('devices').click();
  await take(page, 'studio-devices');
  await page.keyboard.press('Escape');
  stage.cut();
  await page.getByTestId('reconnecting').waitFor();
  await take(page, 'studio-reconnecting', panelOnDesk(page));
  await close(page);
}

export const SCENES: Readonly<Record<string, Scene>> = { home, watch, studio, seats, problems, failures, door };
