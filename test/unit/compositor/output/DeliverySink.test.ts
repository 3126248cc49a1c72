import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { DeliverySink } from '../../../../compositor/output/DeliverySink.ts';
import { jobOf } from '../../../support/pipelineHarness.ts';

type Answer = number | { status: number; code: string };
interface Put {
  path: string;
  body: string;
  headers: IncomingMessage['headers'];
}

const close: (() => void)[] = [];
afterEach(() => {
  for (const end of close.splice(0)) end();
});

/** A delivery node that answers what `answer` says; `waitFor(n)` resolves when n requests have come. */
async function delivery(answer: (put: Put, count: number) => Answer) {
  const puts: Put[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const put = { path: request.url ?? '', body, headers: request.headers };
      puts.push(put);
      const said = answer(put, puts.length);
      const status = typeof said === 'number' ? said : said.status;
      response
        .writeHead(status)
        .end(typeof said === 'number' ? '' : JSON.stringify({ error: { code: said.code, message: '' } }));
      for (const waiter of waiting) if (puts.length >= waiter.count) waiter.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const waitFor = (count: number) =>
    new Promise<void>((resolve) => {
      waiting.push({ count, resolve });
      if (puts.length >= count) resolve();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, puts, waitFor };
}

function sinkTo(deliveryUrl: string, nowMs = () => 0): DeliverySink {
  const sink = new DeliverySink(jobOf([], { deliveryUrl, fence: 7 }), { nowMs }, pino({ level: 'silent' }));
  close.push(() => sink.close());
  return sink;
}
const part = (rendition: string, number: number) => ({
  rendition,
  segment: 2,
  part: number,
  data: Buffer.from(`${rendition}${number}`),
  endMs: 0,
});

describe('DeliverySink', () => {
  test('init, slate and parts, each in its place, with fence, compositor and token', async () => {
    const { url, puts } = await delivery(() => 204);
    const sink = sinkTo(url, () => 40);
    await sink.putInit('a0', Buffer.from('init'));
    await sink.putSlate('a0', Buffer.from('slate'));
    for (const i of [0, 1, 2]) for (const rendition of ['a0', 'v360']) sink.putPart(part(rendition, i));
    await sink.flush(10_000);
    expect(puts.slice(0, 2).map(({ path, body }) => [path, body])).toEqual([
      ['/program/btestbroadcast/a0/init', 'init'],
      ['/program/btestbroadcast/a0/slate', 'slate'],
    ]);
    for (const rendition of ['a0', 'v360']) {
      const paths = puts
        .slice(2)
        .filter(({ path }) => path.includes(`/${rendition}/`))
        .map(({ path, body }) => [path, body]);
      expect(paths).toEqual([0, 1, 2].map((i) => [`/program/btestbroadcast/${rendition}/2/${i}`, `${rendition}${i}`]));
    }
    expect(puts[0]?.headers).toMatchObject({
      'x-lianmai-fence': '7',
      'x-lianmai-compositor': 'ctestcompositor',
      authorization: 'Bearer token',
    });
    expect(sink.takeLatencies()).toEqual([40, 40, 40, 40, 40, 40]);
    expect(sink.takeLatencies()).toEqual([]);
  });

  test('tries again while a part is fresh, and keeps the order', async () => {
    const { url, puts } = await delivery((_put, count) => (count <= 3 ? 503 : 204));
    const sink = sinkTo(url);
    for (const i of [0, 1]) sink.putPart(part('a0', i));
    await sink.flush(10_000);
    expect(puts.map(({ body }) => body)).toEqual(['a00', 'a00', 'a00', 'a00', 'a01']);
    expect(sink.dropped).toBe(0);
  });

  test('gives up a part that no player can use any more', async () => {
    const { url, puts } = await delivery(() => 503);
    let nowMs = 0;
    const sink = sinkTo(url, () => {
      nowMs += 3000;
      return nowMs;
    });
    sink.putPart(part('a0', 0));
    await sink.flush(10_000);
    expect([puts.length, sink.dropped]).toEqual([2, 1]);
  });

  test('a stale fence is told once for each part, a segment of another is not a fault', async () => {
    const { url } = await delivery((put) => ({
      status: 409,
      code: put.path.endsWith('/0') ? 'not-taken' : 'stale-fence',
    }));
    const sink = sinkTo(url);
    let fenced = 0;
    sink.on('fenced', () => {
      fenced += 1;
    });
    for (const i of [0, 1]) sink.putPart(part('a0', i));
    await sink.flush(10_000);
    expect([fenced, sink.dropped]).toEqual([1, 1]);
  });

  test('refused init segments fail at once, with the reason', async () => {
    const { url } = await delivery(() => ({ status: 409, code: 'init-mismatch' }));
    await expect(sinkTo(url).putInit('a0', Buffer.from('a'))).rejects.toThrow('init-mismatch');
  });

  test('a delivery that hangs: the queue is bounded, the oldest go', async () => {
    const sink = sinkTo('http://127.0.0.1:1');
    for (let i = 0; i < 60; i++) sink.putPart(part('a0', i));
    expect(sink.dropped).toBeGreaterThanOrEqual(35);
  });

  test('a new job may name another place', async () => {
    const [one, two] = [await delivery(() => 204), await delivery(() => 204)];
    const sink = sinkTo(one.url);
    sink.putPart(part('a0', 0));
    await sink.flush(10_000);
    sink.update(jobOf([], { deliveryUrl: two.url, fence: 8, token: 'other' }));
    sink.putPart(part('a0', 1));
    await sink.flush(10_000);
    expect(one.puts).toHaveLength(1);
    expect(two.puts[0]?.headers).toMatchObject({ 'x-lianmai-fence': '8', authorization: 'Bearer other' });
  });

  test('a broadcast that is moved: what comes before the segment goes where it went, and the rest to the new node', async () => {
    const [one, two] = [await delivery(() => 204), await delivery(() => 204)];
    const sink = sinkTo(one.url);
    sink.update(jobOf([], { deliveryUrl: two.url, deliveryFrom: 3, fence: 7 }));
    sink.putPart(part('a0', 5));
    sink.putPart({ ...part('a0', 0), segment: 3 });
    sink.update(jobOf([], { deliveryUrl: two.url, deliveryFrom: 3, fence: 8 }));
    sink.putPart({ ...part('a0', 1), segment: 3 });
    await sink.flush(10_000);
    expect(one.puts.map(({ path }) => path)).toEqual(['/program/btestbroadcast/a0/2/5']);
    expect(two.puts.map(({ path }) => path)).toEqual([
      '/program/btestbroadcast/a0/3/0',
      '/program/btestbroadcast/a0/3/1',
    ]);
  });

  test('a move that came to nothing before its segment began: the one that is being made stays where it was', async () => {
    const [one, two] = [await delivery(() => 204), await delivery(() => 503)];
    const sink = sinkTo(one.url);
    sink.putPart(part('a0', 0));
    sink.update(jobOf([], { deliveryUrl: two.url, deliveryFrom: 4, fence: 7 }));
    sink.putPart(part('a0', 1));
    sink.update(jobOf([], { deliveryUrl: one.url, deliveryFrom: 3, fence: 7 }));
    sink.putPart(part('a0', 2));
    for (const segment of [3, 4]) sink.putPart({ ...part('a0', 0), segment });
    await sink.flush(10_000);
    expect(one.puts.map(({ path }) => path.replace('/program/btestbroadcast/a0/', ''))).toEqual([
      ...['2/0', '2/1', '2/2', '3/0', '4/0'],
    ]);
    expect([two.puts.length, sink.dropped]).toEqual([0, 0]);
  });

  test('one that came to nothing later: what the other node was to have is not put to the old one', async () => {
    const [one, two] = [await delivery(() => 204), await delivery(() => 204)];
    const sink = sinkTo(one.url);
    sink.update(jobOf([], { deliveryUrl: two.url, deliveryFrom: 3, fence: 7 }));
    sink.update(jobOf([], { deliveryUrl: one.url, deliveryFrom: 5, fence: 7 }));
    for (const segment of [2, 3, 4, 5]) sink.putPart({ ...part('a0', 0), segment });
    await sink.flush(10_000);
    const segmentsOf = ({ puts }: typeof one) => puts.map(({ path }) => path.split('/').at(-2));
    expect([segmentsOf(one), segmentsOf(two)]).toEqual([
      ['2', '5'],
      ['3', '4'],
    ]);
  });

  test('refuses when closed, and closing ends what is on its way', async () => {
    const { url, puts, waitFor } = await delivery(() => 503);
    const sink = sinkTo(url);
    sink.putPart(part('a0', 0));
    await waitFor(1);
    sink.close();
    sink.close();
    await sink.flush(10_000);
    const before = puts.length;
    sink.putPart(part('a0', 1));
    await sink.flush(10_000);
    expect(puts.length).toBe(before);
    await expect(sink.putInit('a0', Buffer.from('a'))).rejects.toThrow();
  });

  test('a delivery node that has lost the init segment gets it and the slate again, and then the part', async () => {
    let lost = false;
    let known = false;
    const { url, puts } = await delivery(({ path }) => {
      if (path.endsWith('/init')) known = true;
      if (!lost || known) return 204;
      return { status: 409, code: 'init-mismatch' };
    });
    const sink = sinkTo(url);
    await sink.putInit('a0', Buffer.from('init'));
    await sink.putSlate('a0', Buffer.from('slate'));
    lost = true;
    known = false;
    for (const i of [0, 1]) sink.putPart(part('a0', i));
    await sink.flush(10_000);
    expect(puts.slice(2).map((p) => p.path.replace('/program/btestbroadcast/a0/', ''))).toEqual([
      '2/0',
      'init',
      'slate',
      '2/0',
      '2/1',
    ]);
    expect(sink.dropped).toBe(0);
  });

  test('a delivery node that has another init segment refuses for good: the part is dropped', async () => {
    const { url, puts } = await delivery((_put, count) => (count === 1 ? 204 : { status: 409, code: 'init-mismatch' }));
    const sink = sinkTo(url);
    await sink.putInit('a0', Buffer.from('init'));
    sink.putPart(part('a0', 0));
    await sink.flush(10_000);
    expect(puts.slice(1).map((p) => p.path.replace('/program/btestbroadcast/a0/', ''))).toEqual(['2/0', 'init']);
    expect(sink.dropped).toBe(1);
  });
});
