/**
 * What a delivery node finds of itself after a crash. The data directory is copied while the node is at work: the copy is what a killed
 * process leaves, at any moment. rolesKill.test.ts kills real processes.
 */
import { cp, mkdtemp, readdir, readFile, rm, truncate, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Secret } from '../../src/common/Secret.ts';
import type { DeliveryOptions } from '../../src/delivery/Delivery.ts';
import { answerOf, type OpenRoom, openProgram, putParts, textOf } from '../support/deliveryRooms.ts';
import { DeliveryStack, type TestCompositor, TestController } from '../support/deliveryStack.ts';
import { AUDIO, ProgramRun, TestClip, VIDEO } from '../support/programParts.ts';

const SECRETS = [new Secret('s'.repeat(32))];
const KEY = 'KEY-which-nobody-may-read';

let clip: TestClip;
let stack: DeliveryStack;
beforeAll(async () => {
  clip = await TestClip.make();
  stack = await DeliveryStack.start({ secrets: SECRETS });
});
afterAll(async () => {
  await stack.close();
  clip.close();
});

/** The folder as it would be found if the process were killed now. */
async function leftBehind(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-left-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(stack.dataDir, folder, { recursive: true, preserveTimestamps: true });
  return folder;
}

async function startOn(dataDir: string, options: Partial<DeliveryOptions> = {}): Promise<DeliveryStack> {
  const next = await DeliveryStack.start({ dataDir, secrets: SECRETS, ...options });
  onTestFinished(() => next.close());
  return next;
}

const numberOf = (playlist: string, tag: string): number =>
  Number(new RegExp(`^#EXT-X-${tag}:(\\d+)$`, 'm').exec(playlist)?.[1] ?? Number.NaN);
/** `3.2` is part 2 of segment 3. */
const hintOf = (playlist: string): string => /PRELOAD-HINT:TYPE=PART,URI="([\d.]+)\.m4s"/.exec(playlist)?.[1] ?? '';
/** Numbers of the segments that are marked as lost. */
function gapsOf(playlist: string): number[] {
  return [...playlist.matchAll(/#EXT-X-GAP\n(?:#EXT-X-BITRATE:\d+\n)?#EXTINF:[\d.]+,\n(\d+)\.m4s/g)].map((m) =>
    Number(m[1]),
  );
}

interface Crash {
  opened: OpenRoom & { compositor: TestCompositor };
  before: string;
  next: DeliveryStack;
  playlist: (rendition?: string) => Promise<string>;
}

/** A program of `parts` parts, a crash, and the node that comes after it. */
async function crashAfter(parts: number, options: Partial<DeliveryOptions> = {}): Promise<Crash> {
  const opened = await openProgram(stack, clip, parts);
  const before = await textOf(`${opened.base}/${VIDEO}/index.m3u8`);
  const next = await startOn(await leftBehind(), options);
  opened.compositor.moveTo(next);
  const base = opened.base.replace(stack.url, next.url);
  return { opened, before, next, playlist: (rendition = VIDEO) => textOf(`${base}/${rendition}/index.m3u8`) };
}

/** `clip` from segment `from` on, as the compositor of the time before the crash. */
const putOn = (compositor: TestCompositor, from: number, parts: number) => putParts(compositor, clip, from, parts);

describe('after a crash', () => {
  test('the playlist is there before the controller is: the same URL, the same number, what was in memory is GAP', async () => {
    const { opened, before, next, playlist } = await crashAfter(6 * 12 + 3);
    expect(hintOf(before)).toBe('12.3');
    const multivariant = await fetch(`${next.url}/live/${opened.room}/index.m3u8`);
    expect(multivariant.status).toBe(200);
    expect(await multivariant.text()).toContain(`${opened.controller.broadcast}/${VIDEO}/index.m3u8`);
    const after = await playlist();
    expect(numberOf(after, 'MEDIA-SEQUENCE')).toBeGreaterThanOrEqual(numberOf(before, 'MEDIA-SEQUENCE'));
    expect(gapsOf(after).at(-1)).toBe(12);
    expect(hintOf(after)).toBe('13.0');
    expect(after).not.toMatch(/#EXT-X-PART:(?!.*GAP=YES)/);
    expect(after).not.toContain('#EXT-X-ENDLIST');
    expect(after).not.toContain('#EXT-X-DISCONTINUITY\n');
    expect(hintOf(await playlist(AUDIO))).toBe('13.0');
  });

  test('the same compositor’s parts are taken again, without a new init segment and before the controller is back', async () => {
    const { opened, playlist } = await crashAfter(6 * 3 + 2);
    const { compositor } = opened;
    // The rest of what was cut off is of no use to anybody, and no fault of the compositor's.
    const rest = new ProgramRun(clip, 3);
    expect(await answerOf(compositor.put(`${VIDEO}/3/0`, rest.next().video))).toBe('204');
    rest.close();
    await putOn(compositor, 4, 8);
    const after = await playlist();
    expect(gapsOf(after)).toEqual([0, 1, 2, 3]);
    expect(hintOf(after)).toBe('5.2');
    expect(after).toContain('URI="4.0.m4s"');
  });

  test('at the end of a segment nothing of the next one is lost', async () => {
    const { opened, playlist } = await crashAfter(6 * 2);
    expect(hintOf(await playlist())).toBe('2.0');
    await putOn(opened.compositor, 2, 1);
    expect(gapsOf(await playlist())).toEqual([0, 1]);
    expect(hintOf(await playlist())).toBe('2.1');
  });

  test('segments that come without those before them: what is between is GAP', async () => {
    const { opened, playlist } = await crashAfter(6 * 2 + 1);
    await putOn(opened.compositor, 6, 13);
    expect(gapsOf(await playlist())).toEqual([0, 1, 2, 3, 4, 5]);
    expect(hintOf(await playlist())).toBe('8.1');
  });

  test('numbers do not begin before the first segment that ever was', async () => {
    const opened = await openProgram(stack, clip, 0);
    await putOn(opened.compositor, 40, 8);
    const next = await startOn(await leftBehind());
    const after = await textOf(`${opened.base.replace(stack.url, next.url)}/${VIDEO}/index.m3u8`);
    expect(numberOf(after, 'MEDIA-SEQUENCE')).toBe(40);
    expect(gapsOf(after)).toEqual([40, 41]);
  });

  test('the fence holds: who had to stop before the crash has to after it', async () => {
    const { opened } = await crashAfter(2);
    const answer = opened.compositor.put(`${VIDEO}/1/0`, Buffer.from('x'), {
      'x-lianmai-compositor': 'canothercompositor',
    });
    expect(await answerOf(answer)).toBe('409 not-taken');
    const init = opened.compositor.put(`${VIDEO}/init`, clip.inits.audio);
    expect(await answerOf(init)).toBe('409 init-mismatch');
  });

  test('after a newer controller it is there again, too, and who was taken under the older one goes on', async () => {
    const { room, controller, compositor } = await openProgram(stack, clip, 7);
    const { broadcast, startMs } = controller;
    const newer = await TestController.open(stack, { room, broadcast, startMs, order: { fence: 5 } });
    onTestFinished(() => newer.drop());
    await newer.waitFor('opened');
    const next = await startOn(await leftBehind());
    expect(next.delivery.state(room).state).toBe('live');
    compositor.moveTo(next);
    await putOn(compositor, 2, 1);
    expect(hintOf(await textOf(`${next.url}/live/${room}/${broadcast}/${VIDEO}/index.m3u8`))).toBe('2.1');
  });

  test('a broadcast of which nothing was visible yet goes on as a new one does', async () => {
    const { opened, next, playlist } = await crashAfter(0);
    expect(next.delivery.state(opened.room).state).toBe('idle');
    await putOn(opened.compositor, 0, 2);
    expect(hintOf(await playlist())).toBe('0.2');
  });

  test('what was ended before is not there again', async () => {
    const { controller, room } = await openProgram(stack, clip, 2);
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    const folder = await leftBehind();
    expect(await readdir(join(folder, 'delivery'))).not.toContain(controller.broadcast);
    expect((await startOn(folder)).delivery.state(room).state).toBe('idle');
  });
});

describe('the controller', () => {
  test('comes back, with a higher fence: destinations are those that it names now', async () => {
    const { opened, next, playlist } = await crashAfter(7);
    const again = await TestController.open(next, {
      room: opened.room,
      broadcast: opened.controller.broadcast,
      startMs: opened.controller.startMs,
      order: {
        fence: 5,
        destinations: [{ id: 'dcomesback', name: 'new', url: 'rtmp://127.0.0.1:9/live/x', reconnectSeconds: null }],
      },
    });
    onTestFinished(() => again.drop());
    await again.waitFor('destination', ({ status }) => status.id === 'dcomesback');
    // Who was at work goes on until another is taken.
    const refused = (segment: number) => answerOf(opened.compositor.put(`${VIDEO}/${segment}/0`, Buffer.from('x')));
    expect(await refused(2)).toMatch(/^422 /);
    again.send({ type: 'take', from: 3, compositor: 'csuccessor', fence: 6 });
    await expect.poll(() => refused(3)).toBe('409 not-taken');
    expect(await refused(2)).toMatch(/^422 /);
    expect(hintOf(await playlist())).toBe('2.0');
  });

  test('that does not come back: the broadcast is ended properly, and nothing is kept', async () => {
    const { opened, next, playlist } = await crashAfter(7, { reclaimMs: 300 });
    await expect.poll(() => next.delivery.state(opened.room).state).toBe('ended');
    expect(await playlist()).toContain('#EXT-X-ENDLIST');
    const left = next.log.filter((line) => line.includes('no controller came back'));
    expect(left.length).toBeGreaterThan(0);
  });

  test('was gone for longer than the limit: the broadcast is ended at once', async () => {
    const opened = await openProgram(stack, clip, 7);
    const folder = await leftBehind();
    const own = join(folder, 'delivery', opened.controller.broadcast);
    const longAgo = new Date(Date.now() - 700_000);
    for (const name of await readdir(own)) await utimes(join(own, name), longAgo, longAgo);
    const next = await startOn(folder);
    await expect.poll(() => next.delivery.state(opened.room).state).toBe('ended');
    await expect.poll(() => readdir(join(folder, 'delivery'))).not.toContain(opened.controller.broadcast);
  });
});

describe('on the disk', () => {
  async function withDestination(): Promise<{ controller: TestController; room: string }> {
    const room = `secret-${KEY.length}-${Date.now().toString(36)}`;
    const controller = await TestController.open(stack, {
      room,
      answersClock: false,
      order: {
        destinations: [
          { id: 'dfirstone', name: 'first', url: `rtmp://127.0.0.1:9/live/${KEY}1`, reconnectSeconds: null },
        ],
      },
    });
    onTestFinished(() => controller.drop());
    await controller.waitFor('destination', ({ status }) => status.id === 'dfirstone');
    controller.send({
      type: 'add-destination',
      destination: { id: 'dsecondone', name: 'second', url: `rtmp://127.0.0.1:9/live/${KEY}2`, reconnectSeconds: null },
    });
    await controller.sync();
    return { controller, room };
  }

  test('stream keys are sealed, and destinations are there again', async () => {
    const { controller, room } = await withDestination();
    const folder = await leftBehind();
    for (const name of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      const bytes = await readFile(join(name.parentPath, name.name), 'latin1');
      expect(bytes, name.name).not.toContain(KEY);
    }
    const next = await startOn(folder);
    const again = await TestController.open(next, {
      room,
      broadcast: controller.broadcast,
      order: {
        fence: 2,
        destinations: [
          { id: 'dsecondone', name: 'second', url: `rtmp://127.0.0.1:9/live/${KEY}2`, reconnectSeconds: null },
        ],
      },
    });
    onTestFinished(() => again.drop());
    // The first one was removed while the node was down.
    await again.waitFor('destination', ({ status }) => status.id === 'dfirstone' && status.state === 'stopped');
    await again.waitFor('destination', ({ status }) => status.id === 'dsecondone');
  });

  test('a secret that was changed costs the destinations, and nothing else', async () => {
    const { controller, room } = await withDestination();
    const next = await startOn(await leftBehind(), { secrets: [new Secret('n'.repeat(32))] });
    const lost = next.log.filter((line) => line.includes('its stream key can not be read'));
    expect(lost.filter((line) => line.includes(controller.broadcast))).toHaveLength(2);
    const again = await TestController.open(next, { room, broadcast: controller.broadcast, order: { fence: 2 } });
    onTestFinished(() => again.drop());
    await again.waitFor('opened');
  });

  test('files that a power failure cut off cost at most their own broadcast', async () => {
    const good = await openProgram(stack, clip, 7);
    const bad = await openProgram(stack, clip, 7);
    const folder = await leftBehind();
    const own = join(folder, 'delivery', bad.controller.broadcast);
    for (const name of await readdir(own)) await truncate(join(own, name), 10);
    const next = await startOn(folder);
    expect(next.delivery.state(good.room).state).toBe('live');
    expect(next.delivery.state(bad.room).state).toBe('idle');
    await expect.poll(() => readdir(join(folder, 'delivery'))).not.toContain(bad.controller.broadcast);
  });
});
