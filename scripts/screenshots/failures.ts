/** What people see when something fails: the states of test/e2e/walkDevices.test.ts and walkServer.test.ts. */
import type { Page } from 'playwright-core';
import { SignalingClient } from '../../test/support/SignalingClient.ts';
import { type Stage, until } from './Stage.ts';
import type { Take } from './shots.ts';

const SEATS = 16;
/** Instead of the fake devices: what another program, the person or the system says no to. */
const refusing = (error: string, kind: 'video' | 'audio'): string => `{
  const media = navigator.mediaDevices;
  const capture = media.getUserMedia.bind(media);
  media.getUserMedia = async (wanted) => {
    if (wanted.${kind}) throw new DOMException('', '${error}');
    return capture(wanted);
  };
}`;
const WITHOUT_WEBRTC = "Reflect.deleteProperty(window, 'RTCPeerConnection');";
const NO_PERMISSION = `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };`;
const KEEP_TRACKS = `{
  const media = navigator.mediaDevices;
  const capture = media.getUserMedia.bind(media);
  window.tracks = [];
  media.getUserMedia = async (wanted) => {
    const stream = await capture(wanted);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
}`;
const UNPLUG =
  "for (const track of window.tracks) if (track.kind === 'video') { track.stop(); track.dispatchEvent(new Event('ended')); }";

const shown = (page: Page, problem: string): Promise<void> =>
  page.locator(`[data-problem="${problem}"]`).first().waitFor();
const close = (page: Page): Promise<void> => page.context().close();

export async function failures(stage: Stage, take: Take): Promise<void> {
  await devices(stage, take);
  await doors(stage, take);
  await unplugged(stage, take);
}

/** At the door, before one is in. */
async function devices(stage: Stage, take: Take): Promise<void> {
  const states = [
    ['no-camera', refusing('NotFoundError', 'video')],
    ['camera-busy', refusing('NotReadableError', 'video')],
    ['permission-denied', NO_PERMISSION],
    ['no-webrtc', WITHOUT_WEBRTC],
  ] as const;
  for (const [problem, script] of states) {
    const page = await stage.open(`/studio/${stage.room}?role=host`, { script });
    await shown(page, problem);
    await take(page, `failure-${problem}`);
    await close(page);
  }
}

/** Who is not let in, and who is sent away. */
async function doors(stage: Stage, take: Take): Promise<void> {
  const people: SignalingClient[] = [];
  for (let i = 0; i < SEATS; i++) {
    const token = await stage.api.joinToken('full', i === 0 ? 'host' : 'cohost', `Guest ${i + 1}`);
    const person = await SignalingClient.connect(stage.server.url, { token });
    await person.join();
    people.push(person);
  }
  for (const locale of ['en-GB', 'zh-CN']) {
    const page = await stage.open('/studio/full?role=cohost', { locale });
    await page.getByTestId('prejoin-name').fill('Mia Tanaka');
    await page.getByTestId('join').click();
    await shown(page, 'room-full');
    await take(page, locale === 'zh-CN' ? 'failure-room-full-zh' : 'failure-room-full');
    await people.pop()?.call('leave', {});
    await page.getByTestId('leave').waitFor();
    if (locale === 'zh-CN') await removed(people[0], page, take);
    await close(page);
  }
  for (const person of people) person.close();
}

async function removed(host: SignalingClient | undefined, page: Page, take: Take): Promise<void> {
  const peerId = String(await page.evaluate('window.lianmai.studio.session.value.state.selfId.value'));
  await host?.call('peer:remove', { peerId, reason: '请文明发言' });
  await shown(page, 'removed');
  await take(page, 'failure-removed-zh');
}

/** In the room, in the middle of a call. */
async function unplugged(stage: Stage, take: Take): Promise<void> {
  const page = await stage.open(`/studio/${stage.room}?role=host`, { script: KEEP_TRACKS, cuttable: true });
  await page.getByTestId('prejoin-name').fill('Mia Tanaka');
  await page.locator('.mirror video').waitFor();
  await page.getByTestId('join').click();
  await page.getByTestId('leave').waitFor();
  await until(page, "[...document.querySelectorAll('video')].some((v) => v.currentTime > 0)");
  await page.evaluate(UNPLUG);
  await shown(page, 'device-unplugged');
  // The panel would cover the stage on a phone.
  if ((await page.locator('aside.panel').count()) > 0) await page.getByTestId('panel').dispatchEvent('click');
  await take(page, 'failure-unplugged');
  await page.getByText('Dismiss').click();
  stage.cut();
  await page.getByTestId('reconnecting').waitFor();
  await take(page, 'failure-connection-lost');
  stage.mend();
  await close(page);
}
