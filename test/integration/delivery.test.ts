import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { answerOf, openRoom, putParts, textOf } from '../support/deliveryRooms.ts';
import {
  connectControl,
  DeliveryStack,
  SERVICE_TOKEN,
  TestCompositor,
  TestController,
} from '../support/deliveryStack.ts';
import { AUDIO, GRID, ProgramRun, TestClip, VIDEO } from '../support/programParts.ts';

const run = promisify(execFile);
let clip: TestClip;
let stack: DeliveryStack;
beforeAll(async () => {
  clip = await TestClip.make();
  stack = await DeliveryStack.start();
});
afterAll(async () => {
  await stack.close();
  clip.close();
});

describe('intake', () => {
  test('who may put what, and where', async () => {
    const { controller } = await openRoom(stack, false);
    const mine = new TestCompositor(stack, controller, clip, 1);
    const program = new ProgramRun(clip, 0);
    const first = program.next();
    const second = program.next();
    program.close();
    expect(await answerOf(mine.put(`${VIDEO}/init`, clip.inits.video, { authorization: 'Bearer wrong' }))).toBe(
      '401 unauthorized',
    );
    expect(await answerOf(mine.put(`${VIDEO}/0/0`, first.video))).toBe('409 not-taken');
    mine.take(0);
    await expect.poll(() => answerOf(mine.put(`${VIDEO}/0/0`, first.video))).toBe('409 init-mismatch');
    expect(await answerOf(mine.put(`${VIDEO}/init`, clip.inits.video))).toBe('204');
    expect(await answerOf(mine.put(`${VIDEO}/init`, clip.inits.video))).toBe('204');
    expect(await answerOf(mine.put(`${VIDEO}/init`, clip.inits.audio))).toBe('409 init-mismatch');
    expect(await answerOf(mine.put(`${VIDEO}/0/0`, first.video))).toBe('204');
    expect(await answerOf(mine.put(`${VIDEO}/0/0`, first.video))).toBe('204');
    expect(await answerOf(mine.put(`${VIDEO}/0/2`, second.video))).toBe('422 off-grid');
    expect(await answerOf(mine.put(`${VIDEO}/0/6`, second.video))).toBe('422 off-grid');
    expect(await answerOf(mine.put(`${VIDEO}/999999/0`, second.video))).toBe('422 off-grid');
    expect(await answerOf(mine.put(`${VIDEO}/0/1`, Buffer.from('no mp4')))).toBe('422 bad-media');
    expect(await answerOf(mine.put(`${VIDEO}/0/1`, Buffer.alloc(0)))).toBe('400 bad-request');
    expect(await answerOf(mine.put(`${VIDEO}/-1/x`, second.video))).toBe('400 bad-request');
    expect(await answerOf(mine.put('v999/0/1', second.video))).toBe('404 not-found');
    expect(await answerOf(mine.put(`${VIDEO}/0/1`, second.video, { 'x-lianmai-compositor': '../x' }))).toBe(
      '400 bad-request',
    );
    expect(await answerOf(mine.put(`${VIDEO}/0/1`, Buffer.alloc(9 * 1024 * 1024)))).toBe('413 too-large');
    expect(await answerOf(mine.put(`${VIDEO}/0/1`, second.video))).toBe('204');
    const other = new TestCompositor(stack, controller, clip, 2);
    expect(await answerOf(other.put(`${VIDEO}/0/2`, second.video))).toBe('409 not-taken');
    other.take(0);
    await expect.poll(() => answerOf(mine.put(`${VIDEO}/0/1`, second.video))).toBe('409 not-taken');
    expect(await answerOf(other.put(`${VIDEO}/slate`, clip.slate.video))).toBe('204');
    expect(await answerOf(other.put(`${AUDIO}/init`, clip.inits.audio))).toBe('204');
    expect(await answerOf(other.put(`${AUDIO}/slate`, clip.slate.audio))).toBe('204');
    expect(await answerOf(other.put(`${AUDIO}/slate`, clip.slate.audio.subarray(0, 50)))).toBe('422 bad-media');
  });

  test('who holds a lower fence is refused', async () => {
    const { controller } = await openRoom(stack, false);
    const again = await TestController.open(stack, {
      room: controller.room,
      broadcast: controller.broadcast,
      order: { fence: 5 },
    });
    await again.waitFor('opened');
    onTestFinished(() => again.drop());
    const old = new TestCompositor(stack, controller, clip, 4);
    expect(await answerOf(old.put(`${VIDEO}/init`, clip.inits.video))).toBe('409 stale-fence');
    const late = await TestController.open(stack, {
      room: controller.room,
      broadcast: controller.broadcast,
      order: { fence: 4 },
    });
    expect((await late.waitFor('refused')).code).toBe('stale-fence');
    expect(controller.closed).toBe(true);
  });
});

test('a controller is replaced: the compositor at work goes on until another is taken, and the next controller is told so', async () => {
  const { controller } = await openRoom(stack, false);
  expect((await controller.waitFor('opened')).arriving).toBe(false);
  const one = new TestCompositor(stack, controller, clip, 1);
  await one.preface();
  const segments = new ProgramRun(clip, 0);
  const parts = Array.from({ length: 7 }, () => segments.next());
  segments.close();
  const put = (segment: number, part: number) => {
    const bytes = parts.find((p) => p.segment === segment && p.part === part)?.video ?? Buffer.alloc(0);
    return answerOf(one.put(`${VIDEO}/${segment}/${part}`, bytes));
  };
  one.take(0);
  await expect.poll(() => put(0, 0)).toBe('204');
  const order = { fence: 5 };
  const again = await TestController.open(stack, { room: controller.room, broadcast: controller.broadcast, order });
  onTestFinished(() => again.drop());
  expect((await again.waitFor('opened')).arriving).toBe(true);
  expect(await put(0, 1)).toBe('204');
  again.send({ type: 'take', from: 1, compositor: 'csuccessor', fence: 6 });
  await expect.poll(() => put(1, 0)).toBe('409 not-taken');
  expect(await put(0, 2)).toBe('204');
  // Its slate may come late: to refuse it would end it before its last segment is whole.
  expect(await answerOf(one.put(`${VIDEO}/slate`, clip.slate.video))).toBe('204');
  // The one before has lost its say.
  expect(controller.closed).toBe(true);
});

test('given to a successor and taken back before it began: who had it goes on with the higher fence, and only with that', async () => {
  const { controller } = await openRoom(stack, false);
  const one = new TestCompositor(stack, controller, clip, 1);
  const other = new TestCompositor(stack, controller, clip, 2);
  const again = new TestCompositor(stack, controller, clip, 3);
  await one.preface();
  const segments = new ProgramRun(clip, 0);
  const parts = Array.from({ length: 7 }, () => segments.next());
  segments.close();
  const video = (segment: number) => parts.find((part) => part.segment === segment)?.video ?? Buffer.alloc(0);
  one.take(0);
  other.take(1);
  await expect.poll(() => answerOf(other.put(`${VIDEO}/1/0`, video(1)))).toBe('204');
  controller.send({ type: 'take', from: 1, compositor: one.id, fence: 3 });
  await expect.poll(() => answerOf(other.put(`${VIDEO}/1/0`, video(1)))).toBe('409 not-taken');
  // What lies before is still its own, by the old fence.
  expect(await answerOf(one.put(`${VIDEO}/0/0`, video(0)))).toBe('204');
  expect(await answerOf(one.put(`${VIDEO}/1/0`, video(1)))).toBe('409 stale-fence');
  const renewed = { 'x-lianmai-compositor': one.id };
  expect(await answerOf(again.put(`${VIDEO}/1/0`, video(1), renewed))).toBe('204');
});

describe.concurrent('a program on the clock', () => {
  test('a dead compositor is late three times; its successor goes on under the same playlist, with gaps and no discontinuity', async (context) => {
    const { controller, base } = await openRoom(stack, true, {}, context);
    const first = new TestCompositor(stack, controller, clip, 1);
    const from = controller.nextSegment;
    // It dies after part 2 of its second segment.
    first.filter = (segment, part) => segment === from || (segment === from + 1 && part < 3);
    await first.start(from);
    const late = await controller.waitFor('late', (l) => l.count >= 3);
    expect(late).toMatchObject({ segment: from + 1, part: 5, count: 3 });
    await first.stop();
    const second = new TestCompositor(stack, controller, clip, 2);
    const resumed = controller.nextSegment;
    await second.start(resumed);
    await controller.waitFor('part', (p) => p.segment === resumed && p.part === 2);
    const gaps = controller.of('gap').map((g) => g.segment);
    expect(gaps).toEqual(Array.from({ length: resumed - from - 1 }, (_, i) => from + 1 + i));
    for (const rendition of [VIDEO, AUDIO]) {
      const playlist = await textOf(`${base}/${rendition}/index.m3u8`);
      expect(playlist).toContain(`#EXT-X-MEDIA-SEQUENCE:${from}\n`);
      expect(playlist.match(/#EXT-X-GAP/g)).toHaveLength(gaps.length);
      expect(playlist).not.toContain('DISCONTINUITY');
      expect(playlist.match(/#EXT-X-MAP/g)).toHaveLength(1);
    }
    await second.stop();
  });

  test('a handoff at a boundary loses nothing', async (context) => {
    const { controller, base } = await openRoom(stack, true, {}, context);
    const first = new TestCompositor(stack, controller, clip, 1);
    const from = controller.nextSegment;
    await first.start(from);
    await controller.waitFor('part');
    const second = new TestCompositor(stack, controller, clip, 2);
    first.filter = (segment) => segment < from + 1;
    await second.start(from + 1);
    await controller.waitFor('part', (p) => p.segment === from + 1 && p.part === 5);
    await Promise.all([first.stop(), second.stop()]);
    expect(controller.of('gap')).toEqual([]);
    const bytes = await Promise.all(
      [VIDEO].flatMap((r) =>
        [from, from + 1].map(async (k) => Buffer.from(await (await fetch(`${base}/${r}/${k}.m4s`)).arrayBuffer())),
      ),
    );
    const stdout = await decode(Buffer.concat([clip.inits.video, ...bytes]));
    expect(stdout).toBe('');
  });

  test('ffmpeg plays it over HTTP, to the end of the list, every frame once', async (context) => {
    const { controller, room } = await openRoom(stack, true, {}, context);
    const compositor = new TestCompositor(stack, controller, clip);
    await compositor.start(controller.nextSegment);
    await controller.waitFor('part', (p) => p.part === 5);
    const player = run(
      'ffprobe',
      [
        ...['-v', 'warning', '-live_start_index', '0', '-show_entries', 'packet=codec_type,dts_time', '-of', 'csv=p=0'],
        `${stack.url}/live/${room}/index.m3u8`,
      ],
      { maxBuffer: 1 << 24 },
    );
    await controller.until(() => controller.of('part').length >= 6 * 4);
    controller.send({ type: 'end' });
    await compositor.stop();
    const { stdout, stderr } = await player;
    expect(stderr.replace(/^.*(Opening|Skip).*$/gm, '').trim()).toBe('');
    const times = (kind: string): number[] =>
      stdout.split('\n').flatMap((l) => (l.startsWith(kind) ? [Number(l.split(',')[1])] : []));
    const video = times('video').sort((a, b) => a - b);
    expect(video.length).toBeGreaterThanOrEqual(6 * 4 * GRID.framesPerPart);
    for (const [i, time] of video.entries()) expect(time - (video[0] ?? 0)).toBeCloseTo(i / 30, 3);
    const audio = times('audio').sort((a, b) => a - b);
    for (const [i, time] of audio.entries()) expect(time - (audio[0] ?? 0)).toBeCloseTo((i * 1024) / 48_000, 3);
  });
});

async function decode(bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'ffmpeg',
      ['-v', 'warning', '-f', 'mp4', '-i', 'pipe:0', '-f', 'null', '-'],
      (error, _out, err) => (error ? reject(error) : resolve(err)),
    );
    child.stdin?.end(bytes);
  });
}

describe('delivery control', () => {
  test('a connection without a service token is refused', async () => {
    await expect(connectControl(stack, 'wrong')).rejects.toThrow('401');
  });

  test.each([
    ['not json', '{'],
    ['an unknown order', '{"type":"explode"}'],
    ['an order before `open`', '{"type":"end"}'],
    [
      'a broadcast without audio',
      JSON.stringify({
        type: 'open',
        protocol: 1,
        broadcast: 'bxxxxxxxxx',
        room: 'r',
        epoch: 0,
        startMs: 0,
        grid: {},
        renditions: [],
        fence: 1,
      }),
    ],
    ['deep nesting', '['.repeat(10_000)],
  ])('%s ends this connection and nothing else', async (_what, order) => {
    const socket = await connectControl(stack, SERVICE_TOKEN);
    const answer = new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.send(order);
    expect(JSON.parse(await answer)).toMatchObject({ type: 'refused', code: 'bad-request' });
    await closed;
    const { controller } = await openRoom(stack);
    expect(controller.closed).toBe(false);
  });

  test('a controller of a newer protocol is told so', async () => {
    const socket = await connectControl(stack, SERVICE_TOKEN);
    const answer = new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
    socket.send(JSON.stringify({ type: 'open', protocol: 3, broadcast: 'bxxxxxxxxx', more: {} }));
    const refusal = { type: 'refused', code: 'protocol', message: 'This node speaks protocol 1 to 2, not 3.' };
    expect(JSON.parse(await answer)).toEqual(refusal);
  });

  test('an order that is too large ends the connection', async () => {
    const socket = await connectControl(stack, SERVICE_TOKEN);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.send('x'.repeat(2 * 1024 * 1024));
    await closed;
    expect(socket.readyState).toBe(WebSocket.CLOSED);
  });
});

describe('life and death', () => {
  test('a lost controller is waited for; when none comes back the broadcast ends', async () => {
    const own = await DeliveryStack.start({ reclaimMs: 500, afterlifeMs: 500 });
    onTestFinished(() => own.close());
    const controller = await TestController.open(own, { answersClock: false });
    await controller.waitFor('opened');
    controller.drop();
    await expect.poll(() => own.log.some((l) => l.includes('controller lost'))).toBe(true);
    const again = await TestController.open(own, { room: 'demo', broadcast: controller.broadcast });
    await again.waitFor('opened');
    again.drop();
    await expect.poll(() => own.delivery.state('demo').state, { timeout: 20_000 }).toBe('ended');
    await expect.poll(() => own.delivery.state('demo').state, { timeout: 20_000 }).toBe('idle');
  });

  test('close ends broadcasts, tells controllers, and refuses from then on', async () => {
    const own = await DeliveryStack.start();
    onTestFinished(() => own.close());
    const controller = await TestController.open(own, { answersClock: false });
    await controller.waitFor('opened');
    const held = new TestCompositor(own, controller, clip);
    await held.preface();
    held.take(0);
    await controller.sync();
    await putParts(held, clip, 0, 1);
    const waiting = textOf(`${own.url}/live/demo/${controller.broadcast}/${VIDEO}/index.m3u8?_HLS_msn=0&_HLS_part=2`);
    await expect.poll(async () => own.delivery.state('demo').state).toBe('live');
    await own.delivery.close();
    await own.delivery.close();
    expect(own.delivery.closed).toBe(true);
    expect(await waiting).toContain('#EXT-X-ENDLIST');
    await controller.waitFor('ended');
    await expect(connectControl(own, SERVICE_TOKEN)).rejects.toThrow('503');
  });
});
