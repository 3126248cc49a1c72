/** What players ask by the thousand is answered before the router: with the very answers that the router gives. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createMetrics } from '../../src/metrics.ts';
import { openProgram, putParts } from '../support/deliveryRooms.ts';
import { DeliveryStack } from '../support/deliveryStack.ts';
import { AUDIO, TestClip, VIDEO } from '../support/programParts.ts';

/** The lane leaves to the router who comes through a proxy that it does not know. */
const BY_ROUTER = { forwarded: 'for=192.0.2.1' };
const metrics = createMetrics();
let stack: DeliveryStack;
let clip: TestClip;

beforeAll(async () => {
  [stack, clip] = await Promise.all([DeliveryStack.start({ metrics: metrics.delivery }), TestClip.make()]);
});
afterAll(async () => {
  await stack.close();
  clip.close();
});

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: Buffer;
}

/** Without decoding what is compressed. */
function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const asked = request(url, { headers: { ...headers, connection: 'close' } }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      const { date: _, ...rest } = response.headers;
      resolve({ status: response.statusCode ?? 0, headers: rest, body: Buffer.concat(chunks) });
    });
  });
  asked.on('error', reject);
  asked.end();
  return promise;
}

const held = async () => (await metrics.delivery.hlsWaiting.get()).values[0]?.value ?? 0;

describe('the fast lane', () => {
  test('gives the answers of the router: parts, reloads, delta updates, in each coding', async () => {
    // Long enough that a delta update leaves something out.
    const { base } = await openProgram(stack, clip, 80);
    const paths = [
      `${VIDEO}/12.3.m4s`,
      `${AUDIO}/12.3.m4s`,
      `${VIDEO}/index.m3u8?_HLS_msn=13&_HLS_part=1`,
      `${VIDEO}/index.m3u8?_HLS_msn=12`,
      `${AUDIO}/index.m3u8?_HLS_msn=13&_HLS_part=0`,
      `${VIDEO}/index.m3u8?_HLS_msn=13&_HLS_part=1&_HLS_skip=YES`,
    ];
    for (const path of paths) {
      for (const coding of ['identity', 'gzip', 'br, gzip;q=0.5', '']) {
        const headers: Record<string, string> = coding === '' ? {} : { 'accept-encoding': coding };
        const [quick, routed] = [
          await get(`${base}/${path}`, headers),
          await get(`${base}/${path}`, { ...headers, ...BY_ROUTER }),
        ];
        expect(quick.status, path).toBe(200);
        expect(quick, `${path} ${coding}`).toEqual(routed);
      }
    }
    expect((await get(`${base}/${paths[5]}`)).body.toString()).toContain('#EXT-X-SKIP:');
  });

  test('leaves to the router what is not plain: refusals, ranges, what is known already, what is not there', async () => {
    const { base } = await openProgram(stack, clip, 20);
    const statusOf = async (path: string, headers = {}) => (await get(`${base}/${path}`, headers)).status;
    expect(await statusOf(`${VIDEO}/index.m3u8?_HLS_msn=99`)).toBe(400);
    expect(await statusOf(`${VIDEO}/index.m3u8?_HLS_part=1`)).toBe(400);
    expect(await statusOf(`${VIDEO}/01.0.m4s`)).toBe(404);
    expect(await statusOf(`${VIDEO}/77.0.m4s`)).toBe(404);
    expect(await statusOf(`v999/1.0.m4s`)).toBe(404);
    expect(await statusOf(`${VIDEO}/1.0.m4s`, { range: 'bytes=0-9' })).toBe(206);
    expect(await statusOf(`${VIDEO}/1.0.m4s`, { 'if-none-match': '"1.0.m4s"' })).toBe(304);
  });

  test('holds many until the part is there, forgets who hangs up, and counts what it answers', async () => {
    const { base, compositor } = await openProgram(stack, clip, 12);
    const url = `${base}/${VIDEO}/index.m3u8?_HLS_msn=2&_HLS_part=0`;
    const before = await countOf('playlist');
    const waiting = Array.from({ length: 40 }, () => get(url, { 'accept-encoding': 'gzip' }));
    const gone = Array.from({ length: 10 }, () => {
      const asked = request(url).on('error', () => {});
      asked.end();
      return asked;
    });
    onTestFinished(() => {
      for (const asked of gone) asked.destroy();
    });
    await expect.poll(held).toBe(50);
    for (const asked of gone) asked.destroy();
    await expect.poll(held).toBe(40);
    await putParts(compositor, clip, 2, 1);
    const answers = await Promise.all(waiting);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.toString('hex'))).size).toBe(1);
    expect(await held()).toBe(0);
    await expect.poll(async () => (await countOf('playlist')) - before).toBe(40);
  });

  test('what does not come is told after three target durations', { timeout: 15_000 }, async () => {
    const { base } = await openProgram(stack, clip, 12);
    const begun = performance.now();
    const url = `${base}/${VIDEO}/index.m3u8?_HLS_msn=2&_HLS_part=0`;
    const waiting = [get(url), get(url, BY_ROUTER)];
    await expect.poll(held).toBe(2);
    const [quick, routed] = await Promise.all(waiting);
    expect(quick?.status).toBe(503);
    expect(quick).toEqual(routed);
    const waited = performance.now() - begun;
    expect(waited).toBeGreaterThan(5_900);
    expect(waited).toBeLessThan(9_000);
    expect(await held()).toBe(0);
  });
});

async function countOf(kind: string): Promise<number> {
  const { values } = await metrics.delivery.hlsRequests.get();
  return values.find(({ labels }) => labels.kind === kind && labels.status === '2xx')?.value ?? 0;
}
