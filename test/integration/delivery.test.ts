import { execFile } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
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

let rooms = 0;
/** Without a clock any part may be put at any time. */
async function openRoom(answersClock = true): Promise<{ controller: TestController; base: string; room: string }> {
  const room = `room-${++rooms}`;
  const controller = await TestController.open(stack, { room, answersClock });
  await controller.waitFor('opened');
  onTestFinished(() => controller.drop());
  return { controller, room, base: `${stack.url}/live/${room}/${controller.broadcast}` };
}

/** Puts `parts` parts from segment `from` on at once. */
async function putParts(compositor: TestCompositor, from: number, parts: number): Promise<void> {
  const program = new ProgramRun(clip, from);
  for (let i = 0; i < parts; i++) {
    const { segment, part, video, audio } = program.next();
    for (const [rendition, bytes] of [
      [AUDIO, audio],
      [VIDEO, video],
    ] as const)
      expect((await compositor.put(`${rendition}/${segment}/${part}`, bytes)).status).toBe(204);
  }
  program.close();
}

async function live(parts: number) {
  const opened = await openRoom(false);
  const compositor = new TestCompositor(stack, opened.controller, clip);
  await compositor.preface();
  compositor.take(0);
  await putParts(compositor, 0, parts);
  return { ...opened, compositor };
}

const text = async (url: string): Promise<string> => (await fetch(url)).text();
const code = async (answer: Promise<Response>): Promise<string> => {
  const response = await answer;
  return response.ok
    ? String(response.status)
    : `${response.status} ${((await response.json()) as { error: { code: string } }).error.code}`;
};

describe('intake', () => {
  test('who may put what, and where', async () => {
    const { controller } = await openRoom(false);
    const mine = new TestCompositor(stack, controller, clip, 1);
    const program = new ProgramRun(clip, 0);
    const first = program.next();
    const second = program.next();
    program.close();
    expect(await code(mine.put(`${VIDEO}/init`, clip.inits.video, { authorization: 'Bearer wrong' }))).toBe(
      '401 unauthorized',
    );
    expect(await code(mine.put(`${VIDEO}/0/0`, first.video))).toBe('409 not-taken');
    mine.take(0);
    await expect.poll(() => code(mine.put(`${VIDEO}/0/0`, first.video))).toBe('409 init-mismatch');
    expect(await code(mine.put(`${VIDEO}/init`, clip.inits.video))).toBe('204');
    expect(await code(mine.put(`${VIDEO}/init`, clip.inits.video))).toBe('204');
    expect(await code(mine.put(`${VIDEO}/init`, clip.inits.audio))).toBe('409 init-mismatch');
    expect(await code(mine.put(`${VIDEO}/0/0`, first.video))).toBe('204');
    expect(await code(mine.put(`${VIDEO}/0/0`, first.video))).toBe('204');
    expect(await code(mine.put(`${VIDEO}/0/2`, second.video))).toBe('422 off-grid');
    expect(await code(mine.put(`${VIDEO}/0/6`, second.video))).toBe('422 off-grid');
    expect(await code(mine.put(`${VIDEO}/999999/0`, second.video))).toBe('422 off-grid');
    expect(await code(mine.put(`${VIDEO}/0/1`, Buffer.from('no mp4')))).toBe('422 bad-media');
    expect(await code(mine.put(`${VIDEO}/0/1`, Buffer.alloc(0)))).toBe('400 bad-request');
    expect(await code(mine.put(`${VIDEO}/-1/x`, second.video))).toBe('400 bad-request');
    expect(await code(mine.put('v999/0/1', second.video))).toBe('404 not-found');
    expect(await code(mine.put(`${VIDEO}/0/1`, second.video, { 'x-lianmai-compositor': '../x' }))).toBe(
      '400 bad-request',
    );
    expect(await code(mine.put(`${VIDEO}/0/1`, Buffer.alloc(9 * 1024 * 1024)))).toBe('413 too-large');
    expect(await code(mine.put(`${VIDEO}/0/1`, second.video))).toBe('204');
    const other = new TestCompositor(stack, controller, clip, 2);
    expect(await code(other.put(`${VIDEO}/0/2`, second.video))).toBe('409 not-taken');
    other.take(0);
    await expect.poll(() => code(mine.put(`${VIDEO}/0/1`, second.video))).toBe('409 not-taken');
    expect(await code(other.put(`${VIDEO}/slate`, clip.slate.video))).toBe('204');
    expect(await code(other.put(`${AUDIO}/init`, clip.inits.audio))).toBe('204');
    expect(await code(other.put(`${AUDIO}/slate`, clip.slate.audio))).toBe('204');
    expect(await code(other.put(`${AUDIO}/slate`, clip.slate.audio.subarray(0, 50)))).toBe('422 bad-media');
  });

  test('who holds a lower fence is refused', async () => {
    const { controller } = await openRoom(false);
    const again = await TestController.open(stack, {
      room: controller.room,
      broadcast: controller.broadcast,
      order: { fence: 5 },
    });
    await again.waitFor('opened');
    onTestFinished(() => again.drop());
    const old = new TestCompositor(stack, controller, clip, 4);
    expect(await code(old.put(`${VIDEO}/init`, clip.inits.video))).toBe('409 stale-fence');
    const late = await TestController.open(stack, {
      room: controller.room,
      broadcast: controller.broadcast,
      order: { fence: 4 },
    });
    expect((await late.waitFor('refused')).code).toBe('stale-fence');
    expect(controller.closed).toBe(true);
  });
});

describe('playlists and media', () => {
  test('what the playlists name is there, and nothing before it', async () => {
    const { base, room, compositor } = await live(15);
    const multivariant = await fetch(`${stack.url}/live/${room}/index.m3u8`);
    expect(multivariant.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
    expect(multivariant.headers.get('access-control-allow-origin')).toBe('*');
    expect(await multivariant.text()).toMatch(
      /CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2",RESOLUTION=320x180,FRAME-RATE=30\.000/,
    );
    for (const [rendition, type, init] of [
      [VIDEO, 'video/mp4', clip.inits.video],
      [AUDIO, 'audio/mp4', clip.inits.audio],
    ] as const) {
      const playlist = await text(`${base}/${rendition}/index.m3u8`);
      expect(playlist).toContain('#EXT-X-MEDIA-SEQUENCE:0\n');
      const named = [...playlist.matchAll(/(?:URI="|^)([^"\n#]+\.(?:m4s|mp4))/gm)].map((m) => m[1] ?? '');
      const hint = named.pop();
      expect(hint).toBe('2.3.m4s');
      for (const name of named) {
        const answer = await fetch(`${base}/${rendition}/${name}`);
        expect(answer.status).toBe(200);
        expect(answer.headers.get('content-type')).toBe(type);
        expect(answer.headers.get('cache-control')).toContain('immutable');
        const bytes = Buffer.from(await answer.arrayBuffer());
        if (name.startsWith('init')) expect(bytes.equals(init)).toBe(true);
      }
      const parts = await Promise.all(
        [0, 1, 2, 3, 4, 5].map((p) => fetch(`${base}/${rendition}/1.${p}.m4s`).then((r) => r.arrayBuffer())),
      );
      const whole = Buffer.from(await (await fetch(`${base}/${rendition}/1.m4s`)).arrayBuffer());
      expect(whole.equals(Buffer.concat(parts.map((p) => Buffer.from(p))))).toBe(true);
      expect(await code(fetch(`${base}/${rendition}/2.m4s`))).toBe('404 not-found');
      expect(await code(fetch(`${base}/${rendition}/2.4.m4s`))).toBe('404 not-found');
    }
    await compositor.stop();
  });

  test('a blocking reload is answered exactly when the part is there', async () => {
    const { base, compositor } = await live(8);
    const playlist = `${base}/${VIDEO}/index.m3u8`;
    const asked = fetch(`${playlist}?_HLS_msn=1&_HLS_part=3`).then((r) => r.text());
    const segment = fetch(`${playlist}?_HLS_msn=1`).then((r) => r.text());
    const hinted = fetch(`${base}/${VIDEO}/1.2.m4s`);
    const order: string[] = [];
    void asked.then(() => order.push('part'));
    void segment.then(() => order.push('segment'));
    const program = new ProgramRun(clip, 1);
    const parts = Array.from({ length: 12 }, () => program.next());
    program.close();
    const put = async (i: number): Promise<void> => {
      const next = parts[i]!;
      await compositor.put(`${AUDIO}/${next.segment}/${next.part}`, next.audio);
      await compositor.put(`${VIDEO}/${next.segment}/${next.part}`, next.video);
    };
    await put(2);
    expect(Buffer.from(await (await hinted).arrayBuffer()).equals(parts[2]!.video)).toBe(true);
    expect(order).toEqual([]);
    await put(3);
    expect(await asked).toContain('URI="1.3.m4s"');
    expect(await asked).toContain('PRELOAD-HINT:TYPE=PART,URI="1.4.m4s"');
    expect(order).toEqual(['part']);
    await put(4);
    await put(5);
    expect(await segment).toContain('\n1.m4s\n');
    // A stale one is answered at once with what is there; a part beyond the segment is the next segment's first.
    expect(await text(`${playlist}?_HLS_msn=0&_HLS_part=1`)).toContain('\n1.m4s\n');
    const beyond = fetch(`${playlist}?_HLS_msn=1&_HLS_part=6`).then((r) => r.text());
    await put(6);
    expect(await beyond).toContain('URI="2.0.m4s"');
  });

  test('one rendering serves all who wait', async () => {
    const { base, compositor } = await live(6);
    const waiting = Array.from({ length: 200 }, () => text(`${base}/${VIDEO}/index.m3u8?_HLS_msn=1&_HLS_part=0`));
    const program = new ProgramRun(clip, 1);
    const { video, audio } = program.next();
    program.close();
    await compositor.put(`${VIDEO}/1/0`, video);
    await compositor.put(`${AUDIO}/1/0`, audio);
    const answers = await Promise.all(waiting);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('"1.0.m4s"');
  });

  test.each([
    ['_HLS_part=1', 400],
    ['_HLS_msn=', 400],
    ['_HLS_msn=x', 400],
    ['_HLS_msn=-1', 400],
    ['_HLS_msn=1.5', 400],
    ['_HLS_msn=1e9', 400],
    ['_HLS_msn=99999999999999999999', 400],
    ['_HLS_msn=3', 400],
    ['_HLS_msn=2&_HLS_part=100', 400],
    ['_HLS_msn=2&_HLS_part=-1', 400],
    ['_HLS_msn=1&_HLS_part=0x1', 400],
    ['_HLS_msn=1&_HLS_msn=1', 400],
    ['_HLS_msn=0', 200],
    ['_HLS_skip=YES', 200],
  ])('?%s is answered %i at once', async (query, status) => {
    const { base } = await live(6);
    const answer = await fetch(`${base}/${VIDEO}/index.m3u8?${query}`);
    expect(answer.status).toBe(status);
    if (status === 400) expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('bad-request');
  });

  test('ranges and HEAD', async () => {
    const { base } = await live(6);
    const url = `${base}/${VIDEO}/0.m4s`;
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    const get = async (range: string): Promise<[number, string | null, Buffer]> => {
      const answer = await fetch(url, { headers: { range } });
      return [answer.status, answer.headers.get('content-range'), Buffer.from(await answer.arrayBuffer())];
    };
    expect(await get('bytes=10-19')).toEqual([206, `bytes 10-19/${whole.length}`, whole.subarray(10, 20)]);
    expect(await get('bytes=-5')).toEqual([
      206,
      `bytes ${whole.length - 5}-${whole.length - 1}/${whole.length}`,
      whole.subarray(-5),
    ]);
    expect((await get(`bytes=${whole.length - 1}-`))[2]).toEqual(whole.subarray(-1));
    expect((await get(`bytes=${whole.length}-`))[0]).toBe(416);
    expect((await get('bytes=5-4'))[0]).toBe(416);
    expect((await get('bytes=0-1,3-4'))[0]).toBe(200);
    expect((await get('lines=1-2'))[0]).toBe(200);
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(whole.length));
    expect(head.headers.get('content-type')).toBe('video/mp4');
  });

  test('paths that are none are 404 in JSON, whatever is in them', async () => {
    const { base, room, controller } = await live(6);
    const { host, pathname } = new URL(base);
    const paths = [
      `${pathname}/v180/..%2f..%2f..%2fetc%2fpasswd`,
      `${pathname}/..%2fa0/index.m3u8`,
      `${pathname}/v180/0.m4s%00`,
      `${pathname}/v180/00.m4s`,
      `${pathname}/v180/0.00.m4s`,
      `${pathname}/v180/-1.m4s`,
      `${pathname}/v180/${'9'.repeat(400)}.m4s`,
      `${pathname}/v180/init-0000000000000000.mp4`,
      `${pathname}/v999/index.m3u8`,
      `/live/other/${controller.broadcast}/v180/index.m3u8`,
      `/live/${room.toUpperCase()}/index.m3u8`,
      '/live/..%2f..%2fetc/index.m3u8',
      '/live/%00/state.json',
      '/live/nobody/index.m3u8',
    ];
    for (const path of paths) {
      const { status, body } = await raw(host, path);
      expect([path, status]).toEqual([path, 404]);
      expect(JSON.parse(body)).toHaveProperty('error.code');
    }
    for (const bad of ['%zz', 'x'.repeat(4000)]) expect((await raw(host, `${pathname}/v180/${bad}`)).status).toBe(400);
  });

  test('state.json says what a page needs', async () => {
    const room = `room-${++rooms}`;
    const state = async (): Promise<unknown> => (await fetch(`${stack.url}/live/${room}/state.json`)).json();
    expect(await state()).toEqual({ room, state: 'idle', broadcast: null, startedAt: null, endedAt: null });
    const controller = await TestController.open(stack, { room, answersClock: false });
    await controller.waitFor('opened');
    const compositor = new TestCompositor(stack, controller, clip);
    await compositor.preface();
    compositor.take(0);
    expect(await state()).toMatchObject({ state: 'idle', broadcast: controller.broadcast });
    await putParts(compositor, 0, 3);
    expect(await state()).toEqual({
      room,
      state: 'live',
      broadcast: controller.broadcast,
      startedAt: controller.epoch,
      endedAt: null,
    });
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    expect(await state()).toMatchObject({ state: 'ended', endedAt: expect.any(Number) });
    const playlist = await text(`${stack.url}/live/${room}/${controller.broadcast}/${VIDEO}/index.m3u8?_HLS_msn=99`);
    expect(playlist).toMatch(/#EXTINF:1\.000,\n0\.m4s\n#EXT-X-ENDLIST\n$/);
    expect(await code(compositor.put(`${VIDEO}/0/3`, clip.slate.video))).toBe('404 not-found');
    // The room's next broadcast replaces it.
    const next = await TestController.open(stack, { room });
    await next.waitFor('opened');
    onTestFinished(() => next.drop());
    expect(await state()).toMatchObject({ state: 'idle', broadcast: next.broadcast });
  });

  test('players are counted by address and user agent', async () => {
    const { base, controller } = await live(6);
    for (const agent of ['one', 'two', 'one'])
      await fetch(`${base}/${VIDEO}/index.m3u8`, { headers: { 'user-agent': agent } });
    expect((await controller.waitFor('stats', (s) => s.viewers > 0)).viewers).toBe(2);
  });
});

function raw(host: string, path: string): Promise<{ status: number; body: string }> {
  const [hostname, port] = host.split(':');
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: hostname, port, path }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject);
    request.end();
  });
}

describe('a program on the clock', () => {
  test('a dead compositor is late three times; its successor goes on under the same playlist, with gaps and no discontinuity', async () => {
    const { controller, base } = await openRoom();
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
      const playlist = await text(`${base}/${rendition}/index.m3u8`);
      expect(playlist).toContain(`#EXT-X-MEDIA-SEQUENCE:${from}\n`);
      expect(playlist.match(/#EXT-X-GAP/g)).toHaveLength(gaps.length);
      expect(playlist).not.toContain('DISCONTINUITY');
      expect(playlist.match(/#EXT-X-MAP/g)).toHaveLength(1);
    }
    await second.stop();
  });

  test('a handoff at a boundary loses nothing', async () => {
    const { controller, base } = await openRoom();
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
    expect(controller.of('late')).toEqual([]);
    const bytes = await Promise.all(
      [VIDEO].flatMap((r) =>
        [from, from + 1].map(async (k) => Buffer.from(await (await fetch(`${base}/${r}/${k}.m4s`)).arrayBuffer())),
      ),
    );
    const stdout = await decode(Buffer.concat([clip.inits.video, ...bytes]));
    expect(stdout).toBe('');
  });

  test('ffmpeg plays it over HTTP, to the end of the list, every frame once', async () => {
    const { controller, room } = await openRoom();
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
    const { controller } = await openRoom();
    expect(controller.closed).toBe(false);
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
    await putPartsTo(held);
    const waiting = text(`${own.url}/live/demo/${controller.broadcast}/${VIDEO}/index.m3u8?_HLS_msn=0&_HLS_part=2`);
    await expect.poll(async () => own.delivery.state('demo').state).toBe('live');
    await own.delivery.close();
    await own.delivery.close();
    expect(own.delivery.closed).toBe(true);
    expect(await waiting).toContain('#EXT-X-ENDLIST');
    await controller.waitFor('ended');
    await expect(connectControl(own, SERVICE_TOKEN)).rejects.toThrow('503');
  });
});

async function putPartsTo(compositor: TestCompositor): Promise<void> {
  const program = new ProgramRun(clip, 0);
  const { video, audio } = program.next();
  program.close();
  await compositor.put(`${VIDEO}/0/0`, video);
  await compositor.put(`${AUDIO}/0/0`, audio);
}
