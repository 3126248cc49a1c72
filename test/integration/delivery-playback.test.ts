import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { answerOf, newRoom, openProgram, putParts, textOf } from '../support/deliveryRooms.ts';
import { DeliveryStack, TestCompositor, TestController } from '../support/deliveryStack.ts';
import { AUDIO, ProgramRun, TestClip, VIDEO } from '../support/programParts.ts';

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

describe('playlists and media', () => {
  test('what the playlists name is there, and nothing before it', async () => {
    const { base, room, compositor } = await openProgram(stack, clip, 15);
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
      const playlist = await textOf(`${base}/${rendition}/index.m3u8`);
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
      expect(await answerOf(fetch(`${base}/${rendition}/2.m4s`))).toBe('404 not-found');
      expect(await answerOf(fetch(`${base}/${rendition}/2.4.m4s`))).toBe('404 not-found');
    }
    await compositor.stop();
  });

  test('a blocking reload is answered exactly when the part is there', async () => {
    const { base, compositor } = await openProgram(stack, clip, 8);
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
    expect(await textOf(`${playlist}?_HLS_msn=0&_HLS_part=1`)).toContain('\n1.m4s\n');
    const beyond = fetch(`${playlist}?_HLS_msn=1&_HLS_part=6`).then((r) => r.text());
    await put(6);
    expect(await beyond).toContain('URI="2.0.m4s"');
  });

  test('one rendering serves all who wait', async () => {
    const { base, compositor } = await openProgram(stack, clip, 6);
    const waiting = Array.from({ length: 200 }, () => textOf(`${base}/${VIDEO}/index.m3u8?_HLS_msn=1&_HLS_part=0`));
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
    const { base } = await openProgram(stack, clip, 6);
    const answer = await fetch(`${base}/${VIDEO}/index.m3u8?${query}`);
    expect(answer.status).toBe(status);
    if (status === 400) expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('bad-request');
  });

  test('ranges and HEAD', async () => {
    const { base } = await openProgram(stack, clip, 6);
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
    const { base, room, controller } = await openProgram(stack, clip, 6);
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
    const room = newRoom();
    const state = async (): Promise<unknown> => (await fetch(`${stack.url}/live/${room}/state.json`)).json();
    const nobody = { viewers: 0, recording: null, scheduled: null };
    expect(await state()).toEqual({
      ...{ room, state: 'idle', broadcast: null },
      startedAt: null,
      endedAt: null,
      ...nobody,
    });
    const controller = await TestController.open(stack, { room, answersClock: false });
    await controller.waitFor('opened');
    const compositor = new TestCompositor(stack, controller, clip);
    await compositor.preface();
    compositor.take(0);
    await controller.sync();
    expect(await state()).toMatchObject({ state: 'idle', broadcast: controller.broadcast });
    await putParts(compositor, clip, 0, 3);
    expect(await state()).toEqual({
      room,
      state: 'live',
      broadcast: controller.broadcast,
      startedAt: controller.epoch,
      endedAt: null,
      ...nobody,
    });
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    expect(await state()).toMatchObject({ state: 'ended', endedAt: expect.any(Number) });
    const playlist = await textOf(`${stack.url}/live/${room}/${controller.broadcast}/${VIDEO}/index.m3u8?_HLS_msn=99`);
    expect(playlist).toMatch(/#EXTINF:1\.000,\n0\.m4s\n#EXT-X-ENDLIST\n$/);
    expect(await answerOf(compositor.put(`${VIDEO}/0/3`, clip.slate.video))).toBe('404 not-found');
    // The room's next broadcast replaces it.
    const next = await TestController.open(stack, { room });
    await next.waitFor('opened');
    onTestFinished(() => next.drop());
    expect(await state()).toMatchObject({ state: 'idle', broadcast: next.broadcast });
  });

  test('players are counted by address and user agent', async () => {
    const { base, controller } = await openProgram(stack, clip, 6);
    for (const agent of ['one', 'two', 'one'])
      await fetch(`${base}/${VIDEO}/index.m3u8`, { headers: { 'user-agent': agent } });
    expect((await controller.waitFor('stats', (s) => s.viewers > 0)).viewers).toBe(2);
  });

  test('a page says how it watches: it is counted by it, if somebody plays that broadcast and it says what it may', async () => {
    const { base, room } = await openProgram(stack, clip, 6);
    const report = { watchedMs: 30_000, stalls: 1, stalledMs: 300, latencyMs: 1_500, firstFrameMs: 800 };
    const say = (session: string, more: object = {}, to = base): Promise<Response> =>
      fetch(`${to}/beacon`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'page' },
        body: JSON.stringify({ session, ...report, ...more }),
      });
    const viewers = async (): Promise<unknown> => {
      const state = await fetch(`${stack.url}/live/${room}/state.json`);
      return ((await state.json()) as { viewers: unknown }).viewers;
    };
    expect(await answerOf(say('aaaaaaaa'))).toBe('404 not-found');
    await fetch(`${base}/${VIDEO}/index.m3u8`, { headers: { 'user-agent': 'page' } });
    expect((await say('aaaaaaaa')).status).toBe(204);
    expect((await say('bbbbbbbb')).status).toBe(204);
    expect(await viewers()).toBe(2);
    expect((await say('bbbbbbbb', { leaving: true })).status).toBe(204);
    expect(await viewers()).toBe(1);
    for (const wrong of [{ stalls: -1 }, { latencyMs: '1' }, { session: 'x' }, { more: 1 }])
      expect(await answerOf(say('cccccccc', wrong))).toBe('400 bad-request');
    expect(await answerOf(say('c'.repeat(2_000)))).toBe('413 too-large');
    expect(await answerOf(say('cccccccc', {}, `${stack.url}/live/${room}/bnobodyplays`))).toBe('404 not-found');
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
