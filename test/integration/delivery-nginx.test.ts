/** A cache that knows nothing of us but our headers: the nginx of docs/playback.md, before a real delivery node. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openProgram, openRoom, putParts } from '../support/deliveryRooms.ts';
import { DeliveryStack, playToken, TestCompositor } from '../support/deliveryStack.ts';
import { Http2Client } from '../support/http2Get.ts';
import { httpGet } from '../support/httpGet.ts';
import { type NginxCdn, startNginxCdn } from '../support/nginxCdn.ts';
import { TestClip, VIDEO } from '../support/programParts.ts';

let clip: TestClip;
let stack: DeliveryStack;
let cdn: NginxCdn;
beforeAll(async () => {
  clip = await TestClip.make();
  stack = await DeliveryStack.start();
  cdn = await startNginxCdn(stack.url);
});
afterAll(async () => {
  await cdn?.close();
  await stack.close();
  clip.close();
});

/** Status and whether nginx had it: `200 HIT`. */
const seen = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
  const answer = await httpGet(cdn.url + path, headers);
  return `${answer.status} ${answer.headers['x-cache']}`;
};

describe('an open broadcast', () => {
  test('segments, parts, init and playlists under their full query are kept, the bare playlist is not', async () => {
    const { base, room } = await openProgram(stack, clip, 15);
    const { pathname } = new URL(base);
    const playlist = `${pathname}/${VIDEO}/index.m3u8`;
    const init = /init-[0-9a-f]{16}\.mp4/.exec((await httpGet(`${stack.url}${playlist}`)).body.toString())?.[0];
    const kept = [
      ...[`${pathname}/${VIDEO}/${init}`, `${pathname}/${VIDEO}/1.m4s`, `${pathname}/${VIDEO}/1.3.m4s`],
      ...[`${playlist}?_HLS_msn=2&_HLS_part=1`, `/live/${room}/index.m3u8`],
    ];
    for (const path of kept) {
      expect([path, await seen(path), await seen(path)]).toEqual([path, '200 MISS', '200 HIT']);
      const [direct, through] = [await httpGet(stack.url + path), await httpGet(cdn.url + path)];
      expect(through.body.equals(direct.body)).toBe(true);
      for (const name of ['content-type', 'etag', 'access-control-allow-origin'])
        expect(through.headers[name]).toBe(direct.headers[name]);
      expect(await seen(path, { 'if-none-match': direct.headers.etag ?? '' })).toBe('304 HIT');
    }
    // What else is in the query, and its order, make no other entry.
    expect(await seen(`${playlist}?session=7&_HLS_part=1&_HLS_msn=2`)).toBe('200 HIT');
    for (let i = 0; i < 2; i++) expect(await seen(playlist)).not.toContain('HIT');
    const ranged = await httpGet(`${cdn.url}${pathname}/${VIDEO}/1.m4s`, { range: 'bytes=0-9' });
    expect([ranged.status, ranged.body.length]).toEqual([206, 10]);
  });

  test('one entry for each coding, however a browser writes it', async () => {
    const { base } = await openProgram(stack, clip, 8);
    const path = `${new URL(base).pathname}/${VIDEO}/index.m3u8?_HLS_msn=1&_HLS_part=0`;
    const coded = async (accept: string): Promise<[string, unknown]> => {
      const { headers } = await httpGet(cdn.url + path, { 'accept-encoding': accept });
      return [String(headers['x-cache']), headers['content-encoding']];
    };
    expect(await coded('gzip, deflate, br, zstd')).toEqual(['MISS', 'br']);
    expect(await coded('br;q=1.0, gzip;q=0.8')).toEqual(['HIT', 'br']);
    expect(await coded('gzip, deflate')).toEqual(['MISS', 'gzip']);
    expect(await coded('identity')).toEqual(['MISS', undefined]);
  });

  test('a held request is answered when the part is there, over HTTP/2, too', async () => {
    const { base, compositor } = await openProgram(stack, clip, 6);
    const client = await Http2Client.connect(cdn.url);
    const path = `${new URL(base).pathname}/${VIDEO}/index.m3u8?_HLS_msn=1&_HLS_part=0`;
    const held = [client.get(path), client.get(path)];
    await expect.poll(() => stack.waiting()).toBe(2);
    await putParts(compositor, clip, 1, 1);
    for (const { status, body } of await Promise.all(held)) {
      expect(status).toBe(200);
      expect(body.toString()).toContain('"1.0.m4s"');
    }
    expect(await seen(path)).toBe('200 HIT');
    client.close();
  });
});

test('with tokens: checked for each viewer, kept for all of them, and not in its log', async () => {
  const { controller, room } = await openRoom(stack, false, { playback: 'token' });
  const compositor = new TestCompositor(stack, controller, clip);
  await compositor.preface();
  compositor.take(0);
  await controller.sync();
  await putParts(compositor, clip, 0, 8);
  const file = `${room}/${controller.broadcast}/${VIDEO}/0.m4s`;
  const [ann, bob, foreign] = await Promise.all([
    playToken(room, 60, 'ann'),
    playToken(room, 60, 'bob'),
    playToken('another-room'),
  ]);
  expect(await seen(`/live/~${ann}/${file}`)).toBe('200 MISS');
  expect(await seen(`/live/~${bob}/${file}`)).toBe('200 HIT');
  for (const refused of [`/live/${file}`, `/live/~${foreign}/${file}`, `/live/~made.up.token/${file}`])
    expect(await seen(refused)).toMatch(/^40[13]/);
  // Nor by another room's name, or a way around it.
  for (const refused of [`/live/~${foreign}/another-room/../${file}`, `/live/~${ann}/${room}/%2e%2e/x/${file}`])
    expect(await seen(refused)).toMatch(/^40[0134]/);
  const log = await cdn.log();
  expect(log).toContain(`GET /live/~TOKEN/${file}" 200`);
  for (const token of [ann, bob, foreign]) expect(log).not.toContain(token.split('.')[1]);
});
