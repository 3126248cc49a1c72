/**
 * What the screenshots are taken of: a real server, people of the simulator in a room, a browser whose camera shows somebody, and a
 * line that can be cut. Owns them all and ends them in order. Next: shots.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { Role } from '../../src/contracts/tokens.ts';
import { launchBrowser, type TestBrowser } from '../../test/support/browser.ts';
import { CutProxy } from '../../test/support/CutProxy.ts';
import { ChatPerson } from '../../test/support/chat/ChatPerson.ts';
import { ServerProcess } from '../../test/support/ServerProcess.ts';
import { CaptureClock } from '../simulator/CaptureClock.ts';
import { ClipStore } from '../simulator/clip/ClipStore.ts';
import { SimulatedPeer } from '../simulator/SimulatedPeer.ts';
import { ServerApi } from '../simulator/serverApi.ts';
import { makeCamera, makeClips } from './portraits.ts';

/** A page, an encoder and a browser share the machine: only a hang meets this, ms. */
const PATIENCE_MS = 60_000;
/** Between two looks at a page, ms. */
const LOOK_MS = 100;
/** Names by seat (scripts/layouts/cameras.ts). The first one sits in front of the browser when the studio is shown. */
const PEOPLE: Readonly<Record<number, string>> = {
  0: 'Mia Tanaka',
  1: 'Amara Okafor',
  2: 'Lin Xiao',
  4: 'Jonas Weber',
};
export const HOST_SEAT = 0;
export const GUEST_SEATS = [1, 2, 4];
/** Who asks for a seat. */
export const ASKER_SEAT = 2;
/** Of the packets of somebody whose network is weak. */
const WEAK_LOSS = 0.07;

/** What is said in the chat: by whom, as what. */
const TALK: readonly [string, Role, string][] = [
  ['Mia Tanaka', 'host', 'Good evening everybody, we begin in a minute!'],
  ['Amara Okafor', 'cohost', 'Sound and picture are fine here.'],
  ['Lena', 'audience', 'Hello from Hamburg'],
  ['小雨', 'audience', '晚上好！'],
  ['Tomás', 'audience', 'Will you play the new song tonight? I have waited for it since the last show.'],
  ['Lin Xiao', 'cohost', 'We will, right after the first guest.'],
];

/** Chromium calls a fake camera by the file's path. */
const NAME_DEVICES = `for (const { prototype } of [MediaDeviceInfo, MediaStreamTrack])
  Object.defineProperty(prototype, 'label', {
    get() { return this.kind.startsWith('video') ? 'HD Webcam' : 'Built-in Microphone'; },
  });`;

export class Stage {
  readonly room = 'evening-show';
  readonly server: ServerProcess;
  readonly api: ServerApi;
  readonly #browser: TestBrowser;
  /** Somebody else sits in front of it. */
  readonly #guestBrowser: TestBrowser;
  readonly #proxy: CutProxy;
  readonly #clips: ClipStore;
  readonly #clock = new CaptureClock();
  readonly #stack: AsyncDisposableStack;
  #talked = false;

  private constructor(parts: {
    server: ServerProcess;
    browser: TestBrowser;
    guestBrowser: TestBrowser;
    proxy: CutProxy;
    clips: ClipStore;
    stack: AsyncDisposableStack;
  }) {
    this.server = parts.server;
    this.api = new ServerApi(parts.server.url);
    this.#browser = parts.browser;
    this.#guestBrowser = parts.guestBrowser;
    this.#proxy = parts.proxy;
    this.#clips = parts.clips;
    this.#stack = parts.stack;
  }

  static async start(): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'lianmai-screenshots-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const clips = new ClipStore({ folder: await makeClips(Object.keys(PEOPLE).map(Number), folder) });
    stack.defer(() => clips.close());
    const cameras = [await makeCamera(HOST_SEAT, folder), await makeCamera(ASKER_SEAT, folder)];
    const server = await ServerProcess.start({
      LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true',
      LIANMAI_LOG_LEVEL: 'info',
    });
    stack.defer(() => server.stop().then(() => {}));
    const proxy = await CutProxy.start(Number(new URL(server.url).port));
    stack.defer(() => proxy.close());
    const launch = async (camera = ''): Promise<TestBrowser> => {
      const browser = await launchBrowser({ flags: [`--use-file-for-fake-video-capture=${camera}`] });
      stack.defer(() => browser.close());
      return browser;
    };
    const [browser, guestBrowser] = [await launch(cameras[0]), await launch(cameras[1])];
    return new Stage({ server, browser, guestBrowser, proxy, clips, stack: stack.move() });
  }

  /** A page of its own person; `path` begins with a slash. `cuttable`: by the line that `cut` cuts; it is whole at first. `script`: runs before the page's own. `guest`: of `ASKER_SEAT`. */
  async open(path: string, { cuttable = false, guest = false, locale = 'en-GB', script = '' } = {}): Promise<Page> {
    const context = await (guest ? this.#guestBrowser : this.#browser).browser.newContext({
      locale,
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    await page.addInitScript(`${NAME_DEVICES}\n${script}`);
    if (cuttable) this.mend();
    await page.goto((cuttable ? this.#proxy.url : this.server.url) + path);
    return page;
  }

  cut(): void {
    this.#proxy.cut();
  }

  mend(): void {
    this.#proxy.mend();
  }

  /** In the chat, for whoever opens a page of the room later. */
  async talk(): Promise<void> {
    if (this.#talked) return;
    this.#talked = true;
    for (const [name, role, text] of TALK) {
      const token = await this.api.joinToken(this.room, role, name);
      const person = await ChatPerson.enter(this.server.url, { room: this.room, token });
      await person.say(text);
      person.leave();
    }
  }

  /** They come in and take their seats; what is answered lets them leave. `losing`: whose network loses packets. */
  async people(seats: readonly number[], losing: number | null = null): Promise<() => Promise<void>> {
    const peers: SimulatedPeer[] = [];
    const leave = async (): Promise<void> => {
      await Promise.all(peers.map((peer) => peer.leave()));
    };
    this.#stack.defer(leave);
    for (const number of seats) {
      const name = PEOPLE[number] ?? '';
      const token = await this.api.joinToken(this.room, number === HOST_SEAT ? 'host' : 'cohost', name);
      const peer = new SimulatedPeer({
        ...{ url: this.server.url, token, number, name },
        ...{ clips: this.#clips, clock: this.#clock, codec: 'vp8', consume: false },
        loss: number === losing ? WEAK_LOSS : 0,
      });
      peers.push(peer);
      await peer.start();
    }
    return leave;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/**
 * Until a page has it, or a minute has passed. `test` is evaluated in the page; not by `waitForFunction`, which the page's content
 * security policy does not allow.
 */
export async function until(page: Page, test: string): Promise<void> {
  for (const limit = performance.now() + PATIENCE_MS; !(await page.evaluate(test)); ) {
    if (performance.now() > limit) throw new Error(`the page does not come to: ${test}`);
    await delay(LOOK_MS);
  }
}
