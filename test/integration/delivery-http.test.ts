/** Playback as HTTP: codings, entity tags, ranges, methods, CORS, caching, tokens. On a real delivery node over real sockets. */
import { request as httpRequest } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openProgram, openRoom, putParts } from '../support/deliveryRooms.ts';
import { DeliveryStack, playToken, SERVICE_TOKEN, TestCompositor } from '../support/deliveryStack.ts';
import { errorOf, httpGet, type RawAnswer } from '../support/httpGet.ts';
import { AUDIO, TestClip, VIDEO } from '../support/programParts.ts';

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

/** One URL of each kind; the part hinted at is 2.3. */
async function openAll(): Promise<
  Record<'multivariant' | 'playlist' | 'blocked' | 'state' | 'init' | 'segment' | 'part', string>
> {
  const { base, room } = await openProgram(stack, clip, 15);
  const playlist = `${base}/${VIDEO}/index.m3u8`;
  const init = /init-[0-9a-f]{16}\.mp4/.exec((await httpGet(playlist)).body.toString())?.[0] ?? '';
  return {
    multivariant: `${stack.url}/live/${room}/index.m3u8`,
    playlist,
    blocked: `${playlist}?_HLS_msn=2&_HLS_part=2`,
    state: `${stack.url}/live/${room}/state.json`,
    init: `${base}/${VIDEO}/${init}`,
    segment: `${base}/${VIDEO}/1.m4s`,
    part: `${base}/${VIDEO}/1.3.m4s`,
  };
}

describe('codings and entity tags', () => {
  test('playlists and JSON come in brotli, gzip, or as they are', async () => {
    const urls = await openAll();
    for (const url of [urls.multivariant, urls.playlist, urls.blocked, urls.state]) {
      const plain = await httpGet(url);
      expect(plain.headers).not.toHaveProperty('content-encoding');
      const zipped = await httpGet(url, { 'accept-encoding': 'gzip, deflate' });
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
      const brotli = await httpGet(url, { 'accept-encoding': 'gzip, deflate, br, zstd' });
      expect(brotli.headers['content-encoding']).toBe('br');
      expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true);
      for (const { headers, body } of [plain, zipped, brotli]) {
        expect(headers.vary).toBe('accept-encoding');
        expect(headers['content-length']).toBe(String(body.length));
      }
    }
    const media = await httpGet(urls.part, { 'accept-encoding': 'gzip, br' });
    expect([media.headers['content-encoding'], media.headers.vary]).toEqual([undefined, undefined]);
  });

  test('who has it already gets 304 and no body, for every kind and coding', async () => {
    for (const url of Object.values(await openAll())) {
      for (const coding of ['identity', 'gzip', 'br']) {
        const first = await httpGet(url, { 'accept-encoding': coding });
        const etag = first.headers.etag ?? '';
        expect(etag).toMatch(/^"[^"]+"$/);
        for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
          const again = await httpGet(url, { 'accept-encoding': coding, 'if-none-match': known });
          expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, etag]);
          expect(again.headers['cache-control']).toBe(first.headers['cache-control']);
          expect(again.headers.vary).toBe(first.headers.vary);
        }
        const other = await httpGet(url, { 'accept-encoding': coding, 'if-none-match': '"other"' });
        expect(other.body.equals(first.body)).toBe(true);
      }
    }
  });

  test('a playlist that has moved on has another tag', async () => {
    const { base, compositor } = await openProgram(stack, clip, 6);
    const url = `${base}/${VIDEO}/index.m3u8`;
    const before = await httpGet(url);
    await putParts(compositor, clip, 1, 1);
    const after = await httpGet(url, { 'if-none-match': before.headers.etag ?? '' });
    expect(after.status).toBe(200);
    expect(after.headers.etag).not.toBe(before.headers.etag);
  });
});

describe('methods and ranges', () => {
  test('HEAD is GET without the body, for every kind', async () => {
    for (const url of Object.values(await openAll())) {
      const { headers: full, body } = await httpGet(url);
      const head = await httpGet(url, {}, 'HEAD');
      expect([head.status, head.body.length]).toEqual([200, 0]);
      for (const name of ['content-length', 'content-type', 'etag', 'cache-control', 'vary', 'accept-ranges'])
        expect([name, head.headers[name]]).toEqual([name, full[name]]);
      expect(head.headers['content-length']).toBe(String(body.length));
      expect((await httpGet(url, { range: 'bytes=0-0' }, 'HEAD')).status).toBe(200);
    }
  });

  test('ranges of init, segment and part', async () => {
    const urls = await openAll();
    for (const url of [urls.init, urls.segment, urls.part]) {
      const { headers, body } = await httpGet(url);
      expect(headers['accept-ranges']).toBe('bytes');
      const ranged = async (range: string, more: Record<string, string> = {}): Promise<RawAnswer> =>
        httpGet(url, { range, ...more });
      const middle = await ranged('bytes=10-19');
      expect([middle.status, middle.headers['content-range']]).toEqual([206, `bytes 10-19/${body.length}`]);
      expect(middle.body.equals(body.subarray(10, 20))).toBe(true);
      expect(middle.headers['cache-control']).toBe(headers['cache-control']);
      expect((await ranged('bytes=-5')).body.equals(body.subarray(-5))).toBe(true);
      expect((await ranged(`bytes=-${body.length + 9}`)).body.equals(body)).toBe(true);
      expect((await ranged(`bytes=5-${body.length + 9}`)).body.equals(body.subarray(5))).toBe(true);
      for (const none of [`bytes=${body.length}-`, 'bytes=-0']) {
        const answer = await ranged(none);
        expect(errorOf(answer)).toBe('416 no-such-range');
        expect(answer.headers['content-range']).toBe(`bytes */${body.length}`);
        expect(answer.headers['cache-control']).toBe('no-store');
      }
      expect((await ranged('bytes=0-1', { 'if-range': headers.etag ?? '' })).status).toBe(206);
      expect((await ranged('bytes=0-1', { 'if-range': '"other"' })).status).toBe(200);
      for (const ignored of ['bytes=0-1,3-4', 'lines=1-2', 'bytes=-', 'bytes=a-b'])
        expect((await ranged(ignored)).status).toBe(200);
    }
    expect((await httpGet(urls.playlist, { range: 'bytes=0-9' })).status).toBe(200);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s is 405 and says what works', async (method) => {
    for (const url of Object.values(await openAll())) {
      const answer = await httpGet(url, { 'content-type': 'text/plain' }, method);
      expect(errorOf(answer)).toBe('405 method-not-allowed');
      expect(answer.headers.allow).toBe('GET, HEAD, OPTIONS');
    }
  });

  test('410 for what was there, 404 for what was not', async () => {
    const { base, compositor } = await openProgram(stack, clip, 6);
    await putParts(compositor, clip, 1, 6 * 20);
    const old = await httpGet(`${base}/${VIDEO}/0.m4s`);
    expect([errorOf(old), old.headers['cache-control']]).toEqual(['410 gone', 'public, max-age=60']);
    expect(errorOf(await httpGet(`${base}/${AUDIO}/1.2.m4s`))).toBe('410 gone');
    const coming = await httpGet(`${base}/${VIDEO}/99.m4s`);
    expect([errorOf(coming), coming.headers['cache-control']]).toEqual(['404 not-found', 'no-store']);
  });
});

describe('pages elsewhere', () => {
  test('a preflight allows what players send, and may itself be cached', async () => {
    for (const url of Object.values(await openAll())) {
      const { status, headers } = await httpGet(
        url,
        {
          origin: 'https://page.example',
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'range,cmcd-request',
        },
        'OPTIONS',
      );
      expect(status).toBe(204);
      expect(headers['access-control-allow-origin']).toBe('*');
      expect(headers['access-control-allow-methods']).toBe('GET, HEAD, OPTIONS');
      expect(headers['access-control-allow-headers']).toBe('*');
      expect(headers['access-control-max-age']).toBe('86400');
      expect(headers['cache-control']).toBe('public, max-age=86400');
    }
  });

  test('answers and errors may be read, headers too', async () => {
    const { part, playlist } = await openAll();
    const answers = [
      await httpGet(part),
      await httpGet(playlist),
      await httpGet(`${part}x`),
      await httpGet(part, {}, 'POST'),
    ];
    for (const { headers } of answers) {
      expect(headers['access-control-allow-origin']).toBe('*');
      expect(headers['access-control-expose-headers']).toMatch(/content-range.*date.*etag/);
      expect(headers['timing-allow-origin']).toBe('*');
    }
  });
});

describe('caching', () => {
  test('Cache-Control and type of each kind', async () => {
    const urls = await openAll();
    const seen = await Promise.all(
      Object.entries(urls).map(async ([kind, url]) => {
        const { headers } = await httpGet(url);
        return [kind, [headers['cache-control'], headers['content-type']]];
      }),
    );
    const immutable = 'public, max-age=31536000, immutable';
    const playlist = 'application/vnd.apple.mpegurl';
    expect(Object.fromEntries(seen)).toEqual({
      multivariant: ['public, max-age=1', playlist],
      playlist: ['public, max-age=0, must-revalidate', playlist],
      blocked: ['public, max-age=12', playlist],
      state: ['public, max-age=1', 'application/json; charset=utf-8'],
      init: [immutable, 'video/mp4'],
      segment: [immutable, 'video/mp4'],
      part: [immutable, 'video/mp4'],
    });
    const { headers } = await httpGet(urls.part.replace(VIDEO, AUDIO));
    expect(headers['content-type']).toBe('audio/mp4');
    const nobody = await httpGet(`${stack.url}/live/nobody/index.m3u8`);
    expect([errorOf(nobody), nobody.headers['cache-control']]).toEqual(['404 no-broadcast', 'public, max-age=1']);
    const ahead = await httpGet(`${urls.playlist}?_HLS_msn=99`);
    expect([errorOf(ahead), ahead.headers['cache-control']]).toEqual(['400 bad-request', 'no-store']);
  });

  test('a closed playlist is kept for a minute', async () => {
    const { base, controller } = await openProgram(stack, clip, 6);
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    const { headers, body } = await httpGet(`${base}/${VIDEO}/index.m3u8`);
    expect(body.toString()).toContain('#EXT-X-ENDLIST');
    expect(headers['cache-control']).toBe('public, max-age=60');
  });

  test('who hangs up is not waited for', async () => {
    const { base } = await openProgram(stack, clip, 6);
    const waiting = async (): Promise<number> => (await stack.waiting()) ?? Number.NaN;
    const before = await waiting();
    const asked = Array.from({ length: 20 }, (_, i) =>
      httpRequest(`${base}/${VIDEO}/index.m3u8?_HLS_msn=1&_HLS_part=${i % 6}`).on('error', () => undefined),
    );
    for (const request of asked) request.end();
    await expect.poll(waiting).toBe(before + 20);
    for (const request of asked) request.destroy();
    // Far sooner than the 6 s that it would hold them.
    await expect.poll(waiting, { timeout: 2_000 }).toBe(before);
  });
});

describe('a broadcast with playback tokens', () => {
  async function openGuarded(): Promise<{ room: string; paths: string[] }> {
    const { controller, room } = await openRoom(stack, false, { playback: 'token' });
    const compositor = new TestCompositor(stack, controller, clip);
    await compositor.preface();
    compositor.take(0);
    await controller.sync();
    await putParts(compositor, clip, 0, 8);
    const below = `${room}/${controller.broadcast}/${VIDEO}`;
    const names = ['index.m3u8', 'index.m3u8?_HLS_msn=1&_HLS_part=0', '0.m4s', '1.0.m4s'];
    return { room, paths: [`${room}/index.m3u8`, `${room}/state.json`, ...names.map((name) => `${below}/${name}`)] };
  }

  test('nothing of it without one', async () => {
    for (const path of (await openGuarded()).paths) {
      const answer = await httpGet(`${stack.url}/live/${path}`);
      expect([path, errorOf(answer), answer.headers['cache-control']]).toEqual([path, '401 unauthorized', 'no-store']);
      expect(answer.headers['access-control-allow-origin']).toBe('*');
    }
  });

  test('all of it with one, under the same relative names', async () => {
    const { room, paths } = await openGuarded();
    const token = await playToken(room, 100);
    for (const path of paths) {
      const { status, headers } = await httpGet(`${stack.url}/live/~${token}/${path}`);
      expect([path, status]).toEqual([path, 200]);
      // No cache keeps it for longer than the token lives.
      expect(Number(/max-age=(\d+)/.exec(headers['cache-control'] ?? '')?.[1])).toBeLessThanOrEqual(105);
      expect((await httpGet(`${stack.url}/live/~${token}/${path}`, {}, 'HEAD')).status).toBe(200);
      expect((await httpGet(`${stack.url}/live/~${token}/${path}`, {}, 'OPTIONS')).status).toBe(204);
    }
    const playlist = await httpGet(`${stack.url}/live/~${token}/${paths[2]}`);
    expect(playlist.body.toString()).not.toContain(token);
    expect(playlist.body.toString()).not.toMatch(/URI="\//);
  });

  test('one for another room, another purpose, or made up is refused', async () => {
    const { paths } = await openGuarded();
    const foreign = await playToken('another-room');
    for (const path of paths) {
      expect(errorOf(await httpGet(`${stack.url}/live/~${foreign}/${path}`))).toBe('403 forbidden');
      expect(errorOf(await httpGet(`${stack.url}/live/~made.up.token/${path}`))).toBe('401 unauthorized');
    }
  });

  test('one that expires is refused from then on, though it was let in before', async () => {
    const { room, paths } = await openGuarded();
    // Clocks may be off by 5 s: it has one or two left.
    const token = await playToken(room, -3);
    const url = `${stack.url}/live/~${token}/${paths[1]}`;
    const first = await httpGet(url);
    expect([first.status, first.headers['cache-control']]).toEqual([200, 'public, max-age=1']);
    await expect.poll(async () => (await httpGet(url)).status, { timeout: 10_000 }).toBe(401);
  });

  test('an open broadcast may be asked for with a token, too', async () => {
    const { base, room } = await openProgram(stack, clip, 6);
    const token = await playToken(room);
    expect((await httpGet(base.replace('/live/', `/live/~${token}/`).concat(`/${VIDEO}/0.m4s`))).status).toBe(200);
  });

  test('the longest token that can be made fits into a path', async () => {
    const room = 'r'.repeat(64);
    const token = await playToken(room, 60, 'a'.repeat(128));
    expect((await httpGet(`${stack.url}/live/~${token}/${room}/state.json`)).status).toBe(200);
  });

  test('another node shows a service token, and is told what to ask its viewers for', async () => {
    const { paths } = await openGuarded();
    for (const origin of [stack.url, stack.internalUrl]) {
      const { status, headers } = await httpGet(`${origin}/live/${paths[2]}`, {
        authorization: `Bearer ${SERVICE_TOKEN}`,
      });
      expect([status, headers['lianmai-playback']]).toEqual([200, 'token']);
    }
    expect(errorOf(await httpGet(`${stack.internalUrl}/live/${paths[2]}`))).toBe('401 unauthorized');
    const { headers } = await httpGet(`${stack.url}/live/${paths[2]}`, { authorization: 'Basic YTpi' });
    expect(headers).not.toHaveProperty('lianmai-playback');
  });
});
