/** A delivery node that serves what another one owns: two real nodes, HTTP between them. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { UsageMeter } from '../../src/usage/UsageMeter.ts';
import { answerOf, newRoom, openProgram, openRoom, putParts } from '../support/deliveryRooms.ts';
import { DeliveryStack, playToken, SERVICE_TOKEN, TestCompositor } from '../support/deliveryStack.ts';
import { errorOf, httpGet } from '../support/httpGet.ts';
import { AUDIO, TestClip, VIDEO } from '../support/programParts.ts';

let clip: TestClip;
let owner: DeliveryStack;
let edge: DeliveryStack;

const edgeOf = (origin: string, serviceToken = SERVICE_TOKEN, usage?: UsageMeter): Promise<DeliveryStack> =>
  DeliveryStack.start({
    usage,
    edge: {
      node: 'edge-of-the-test',
      ownerOf: (room) => (room.startsWith('unknown') ? null : origin),
      newServiceToken: async () => serviceToken,
      maxBytes: 10_000_000,
    },
  });

beforeAll(async () => {
  clip = await TestClip.make();
  owner = await DeliveryStack.start();
  edge = await edgeOf(owner.internalUrl);
});
afterAll(async () => {
  await edge.close();
  await owner.close();
  clip.close();
});

/** Requests that the owner has answered, playlists and media of all rooms. */
const asked = (): Promise<number> => owner.requests();

describe('what the owner has', () => {
  test('is the same from the edge, byte for byte, and kept there as long as it may be', async () => {
    const { base, room } = await openProgram(owner, clip, 15);
    const playlist = `${base}/${VIDEO}/index.m3u8`;
    const init = /init-[0-9a-f]{16}\.mp4/.exec((await httpGet(playlist)).body.toString())?.[0] ?? '';
    const names: [string, boolean][] = [
      [`${owner.url}/live/${room}/index.m3u8`, true],
      [`${owner.url}/live/${room}/state.json`, true],
      [playlist, false],
      [`${playlist}?_HLS_msn=2&_HLS_part=1`, true],
      [`${base}/${VIDEO}/${init}`, true],
      [`${base}/${VIDEO}/1.m4s`, true],
      [`${base}/${AUDIO}/1.3.m4s`, true],
      [`${base}/poster.jpg`, true],
    ];
    for (const [url, kept] of names) {
      const there = await httpGet(url);
      const before = await asked();
      const here = url.replace(owner.url, edge.url);
      const answers = [
        await httpGet(here),
        await httpGet(here, { 'accept-encoding': 'br' }),
        await httpGet(here, {}, 'HEAD'),
      ];
      expect([url, (await asked()) - before]).toEqual([url, kept ? 1 : 3]);
      const [first] = answers;
      expect(first?.body.equals(there.body)).toBe(true);
      for (const name of ['content-type', 'etag', 'cache-control', 'vary', 'accept-ranges'])
        expect([name, first?.headers[name]]).toEqual([name, there.headers[name]]);
      expect(answers.map((a) => a.status)).toEqual([200, 200, 200]);
      const known = await httpGet(here, { 'if-none-match': there.headers.etag ?? '' });
      expect(known.status).toBe(304);
    }
    const ranged = await httpGet(`${base}/${VIDEO}/1.m4s`.replace(owner.url, edge.url), { range: 'bytes=0-9' });
    expect([ranged.status, ranged.body.length]).toEqual([206, 10]);
  });

  test('what the edge sends to viewers is counted at the edge, the room’s playlist too, and what the owner sends to the edge nowhere', async () => {
    const meters = [new UsageMeter(), new UsageMeter()] as const;
    const origin = await DeliveryStack.start({ usage: meters[0] });
    const near = await edgeOf(origin.internalUrl, SERVICE_TOKEN, meters[1]);
    onTestFinished(async () => {
      await near.close();
      await origin.close();
    });
    const { base, room, controller } = await openProgram(origin, clip, 15);
    const sent = [0, 0];
    const names = [`/live/${room}/index.m3u8`, `/live/${room}/state.json`, `${new URL(base).pathname}/${VIDEO}/1.m4s`];
    for (const [n, { url }] of [origin, near].entries())
      for (const name of [...names, names[2] ?? '', `${new URL(base).pathname}/${VIDEO}/0.1.m4s`])
        sent[n] = (sent[n] ?? 0) + (await httpGet(url + name)).body.length;
    // Errors, and what is known already, are nothing.
    expect((await httpGet(`${near.url}${new URL(base).pathname}/${VIDEO}/99.m4s`)).status).toBe(404);
    const viewers = meters.map((meter) => {
      meter.look();
      return meter.report(1)?.readings.filter(({ kind }) => kind === 'viewers');
    });
    const of = { broadcast: controller.broadcast, kind: 'viewers', subject: '' };
    expect(viewers).toMatchObject([[{ ...of, value: sent[0] }], [{ ...of, value: sent[1] }]]);
    // Only the owner knows the program.
    const output = { kind: 'output', at: 0, value: 5_000 };
    expect(meters[0].report(1)?.readings.filter(({ kind }) => kind === 'output')).toMatchObject([output, output]);
    expect(meters[1].report(1)?.broadcasts).toEqual([{ id: controller.broadcast, room, tenant: null, epoch: null }]);
  });

  test('50 viewers wait for a part: the owner sees one of them', async () => {
    const { base, compositor } = await openProgram(owner, clip, 6);
    const url = `${base}/${VIDEO}/index.m3u8`.replace(owner.url, edge.url);
    const before = await asked();
    // Queries that mean the same, in any order and with whatever else in them.
    const queries = ['_HLS_msn=1&_HLS_part=0', '_HLS_part=0&_HLS_msn=1', '_HLS_msn=1&_HLS_part=0&session=17'];
    const waiting = Array.from({ length: 50 }, (_, i) => httpGet(`${url}?${queries[i % 3]}`));
    await expect.poll(() => owner.waiting()).toBe(1);
    await expect.poll(() => edge.waiting()).toBe(50);
    await putParts(compositor, clip, 1, 1);
    const answers = await Promise.all(waiting);
    expect(new Set(answers.map((a) => `${a.status} ${a.headers.etag}`)).size).toBe(1);
    expect(answers[0]?.body.toString()).toContain('"1.0.m4s"');
    expect((await asked()) - before).toBe(1);
  });

  test('viewers who hang up leave the others alone; with the last the owner is left alone, too', async () => {
    const { base, compositor } = await openProgram(owner, clip, 6);
    const url = `${base}/${VIDEO}/index.m3u8?_HLS_msn=1&_HLS_part=0`.replace(owner.url, edge.url);
    const leaving = new AbortController();
    const gone = Array.from({ length: 5 }, () => fetch(url, { signal: leaving.signal }).catch(() => 'gone'));
    const staying = httpGet(url);
    await expect.poll(() => edge.waiting()).toBe(6);
    leaving.abort();
    expect(new Set(await Promise.all(gone))).toEqual(new Set(['gone']));
    await expect.poll(() => edge.waiting()).toBe(1);
    expect(await owner.waiting()).toBe(1);
    await putParts(compositor, clip, 1, 1);
    expect((await staying).status).toBe(200);

    const last = new AbortController();
    const alone = fetch(url.replace('part=0', 'part=1'), { signal: last.signal }).catch(() => 'gone');
    await expect.poll(() => owner.waiting()).toBe(1);
    last.abort();
    expect(await alone).toBe('gone');
    await expect.poll(() => owner.waiting(), { timeout: 2_000 }).toBe(0);
  });

  test('its errors are told as they are', async () => {
    const { base } = await openProgram(owner, clip, 6);
    const here = base.replace(owner.url, edge.url);
    expect(errorOf(await httpGet(`${here}/${VIDEO}/index.m3u8?_HLS_msn=99`))).toBe('400 bad-request');
    expect(errorOf(await httpGet(`${here}/${VIDEO}/index.m3u8?_HLS_part=1`))).toBe('400 bad-request');
    expect(errorOf(await httpGet(`${here}/${VIDEO}/77.m4s`))).toBe('404 not-found');
    expect(errorOf(await httpGet(`${here}/v999/index.m3u8`))).toBe('404 not-found');
    expect(errorOf(await httpGet(`${edge.url}/live/${newRoom()}/index.m3u8`))).toBe('404 no-broadcast');
    expect(errorOf(await httpGet(`${here}/${VIDEO}/0.m4s`, {}, 'PUT'))).toBe('405 method-not-allowed');
  });

  test('its viewers are counted where they are, and told to the controller', async () => {
    const { base, controller } = await openProgram(owner, clip, 6);
    const here = `${base}/${VIDEO}/index.m3u8`.replace(owner.url, edge.url);
    for (const agent of ['one', 'two', 'three', 'three']) await httpGet(here, { 'user-agent': agent });
    // What each request to the owner says is of the requests before it.
    await httpGet(here, { 'user-agent': 'three' });
    await httpGet(`${base}/${VIDEO}/index.m3u8`, { 'user-agent': 'one of the owner' });
    expect((await controller.waitFor('stats', (s) => s.viewers > 3)).viewers).toBe(4);
  });
});

describe('playback tokens', () => {
  test('the edge asks its own viewers, and fetches once for all of them', async () => {
    const { controller, room } = await openRoom(owner, false, { playback: 'token' });
    const compositor = new TestCompositor(owner, controller, clip);
    await compositor.preface();
    compositor.take(0);
    await controller.sync();
    await putParts(compositor, clip, 0, 8);
    const segment = `${room}/${controller.broadcast}/${VIDEO}/0.m4s`;
    const before = await asked();
    for (const viewer of ['ann', 'bob', 'cleo']) {
      const token = await playToken(room, 60, viewer);
      expect((await httpGet(`${edge.url}/live/~${token}/${segment}`)).status).toBe(200);
    }
    expect((await asked()) - before).toBe(1);
    expect(errorOf(await httpGet(`${edge.url}/live/${segment}`))).toBe('401 unauthorized');
    expect(errorOf(await httpGet(`${edge.url}/live/${room}/state.json`))).toBe('401 unauthorized');
    const foreign = await playToken('another-room');
    expect(errorOf(await httpGet(`${edge.url}/live/~${foreign}/${segment}`))).toBe('403 forbidden');
  });
});

describe('an owner that', () => {
  const stopped = async (stack: DeliveryStack): Promise<DeliveryStack> => {
    onTestFinished(() => stack.close());
    return stack;
  };
  const serving = async (answer: Parameters<typeof createServer>[1]): Promise<string> => {
    const server: Server = createServer({}, answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  test('is away: 502, not kept, and served as soon as it is back', async () => {
    const former = await DeliveryStack.start();
    const address = former.internalUrl;
    await former.close();
    const lost = await stopped(await edgeOf(address));
    const answer = await httpGet(`${lost.url}/live/demo/index.m3u8`);
    expect([errorOf(answer), answer.headers['cache-control']]).toEqual(['502 bad-upstream', 'no-store']);
    const back = createServer((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/json', 'cache-control': 'public, max-age=1' });
      response.end('{"error":{"code":"no-broadcast","message":"not live"}}');
    });
    await new Promise<void>((resolve) => back.listen(Number(new URL(address).port), '127.0.0.1', resolve));
    onTestFinished(() => void back.close());
    expect(errorOf(await httpGet(`${lost.url}/live/demo/index.m3u8`))).toBe('404 no-broadcast');
    expect(lost.log.join('')).toContain('owner of a broadcast cannot be reached');
  });

  test.each<[string, Parameters<typeof createServer>[1]]>([
    ['breaks off', (request) => void request.socket.destroy()],
    [
      'breaks off in the middle',
      (_request, response) =>
        void response.writeHead(200, { 'content-length': 9 }).write('1', () => response.destroy()),
    ],
    ['is no delivery node', (_request, response) => void response.end('<html>')],
    ['fails', (_request, response) => void response.writeHead(500).end('{"error":{"code":"internal","message":"x"}}')],
    ['sends elsewhere', (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end()],
    ['says too much', (_request, response) => void response.writeHead(200, { 'content-length': 1e9 }).end()],
  ])('%s: 502', async (_what, answer) => {
    const lost = await stopped(await edgeOf(await serving(answer)));
    const url = `${lost.url}/live/demo/baaaaaaaa/v720/index.m3u8`;
    for (const failed of await Promise.all([httpGet(url), httpGet(url)]))
      expect(errorOf(failed)).toBe('502 bad-upstream');
  });

  test('does not know our secret: 502, and no playlist that would need a token', async () => {
    const { base } = await openProgram(owner, clip, 6);
    for (const origin of [owner.url, owner.internalUrl]) {
      const stranger = await stopped(await edgeOf(origin, 'of-another-cluster'));
      const url = `${base}/${VIDEO}/index.m3u8`.replace(owner.url, stranger.url);
      expect(errorOf(await httpGet(url))).toBe('502 bad-upstream');
    }
  });

  test('is not known: the room is not live', async () => {
    expect(errorOf(await httpGet(`${edge.url}/live/unknown/index.m3u8`))).toBe('404 no-broadcast');
    expect(JSON.parse((await httpGet(`${edge.url}/live/unknown/state.json`)).body.toString()).state).toBe('idle');
  });

  test('is an edge itself: it is not asked in circles', async () => {
    const circle = await stopped(await edgeOf(edge.internalUrl));
    expect(errorOf(await httpGet(`${circle.url}/live/${newRoom()}/index.m3u8`))).toBe('404 no-broadcast');
  });
});

test('a broadcast of its own is served from the node itself', async () => {
  const { base } = await openProgram(edge, clip, 6);
  const before = await asked();
  expect(await answerOf(fetch(`${base}/${VIDEO}/0.m4s`))).toBe('200');
  expect((await asked()) - before).toBe(0);
});
