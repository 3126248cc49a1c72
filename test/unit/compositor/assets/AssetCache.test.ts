import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCanvas } from '@napi-rs/canvas';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AssetCache } from '../../../../compositor/assets/AssetCache.ts';

const BOX = { width: 64, height: 64 };
const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

function png(color: string): Buffer {
  const canvas = createCanvas(16, 16);
  const context = canvas.getContext('2d');
  context.fillStyle = color;
  context.fillRect(0, 0, 16, 16);
  return canvas.toBuffer('image/png');
}

let server: Server;
let url: string;
/** By path; what a path answers may change. */
const answers = new Map<string, (response: ServerResponse) => void>();
const requests: IncomingMessage[] = [];
const warnings: { asset?: string; msg: string }[] = [];
const caches: AssetCache[] = [];

const logger = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line)) });
function cache(token = 'service-token'): AssetCache {
  const made = new AssetCache({ assetsUrl: `${url}/assets`, token }, logger);
  caches.push(made);
  return made;
}
const serve = (id: string, bytes: Buffer) => answers.set(`/assets/${id}`, (response) => void response.end(bytes));
const arrival = (assets: AssetCache) => new Promise<string>((resolve) => assets.once('arrived', resolve));
/** The next request of a path. */
const asked = async (): Promise<void> => void (await once(server, 'request'));

beforeEach(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    const answer = answers.get(request.url ?? '');
    if (answer) answer(response);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const made of caches.splice(0)) made.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  answers.clear();
  requests.length = 0;
  warnings.length = 0;
});

describe('AssetCache', () => {
  test('null until it is there, then the image; asked for with the token, and once', async () => {
    const bytes = png('#ff0000');
    const id = sha(bytes);
    serve(id, bytes);
    const assets = cache();
    const arrived = arrival(assets);
    expect(await assets.image(id, BOX)).toBeNull();
    expect(await assets.image(id, BOX)).toBeNull();
    // For another use the file is the same.
    expect(await assets.image(id, { width: 8, height: 8 })).toBeNull();
    expect(await arrived).toBe(id);
    await expect.poll(() => assets.image(id, { width: 8, height: 8 })).toMatchObject({ width: 8, height: 8 });
    await expect.poll(() => assets.image(id, BOX)).not.toBeNull();
    const image = await assets.image(id, BOX);
    expect([image?.width, image?.height, ...(image?.pixels.subarray(0, 4) ?? [])]).toEqual([16, 16, 255, 0, 0, 255]);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers.authorization).toBe('Bearer service-token');
    expect(warnings).toEqual([]);
  });

  test('what is not there yet is asked for again, at the place and with the token of the newest job', async () => {
    const bytes = png('#00ff00');
    const id = sha(bytes);
    const assets = cache('old');
    const first = asked();
    const arrived = arrival(assets);
    expect(await assets.image(id, BOX)).toBeNull();
    await first;
    assets.update({ assetsUrl: `${url}/other`, token: 'new' });
    answers.set(`/other/${id}`, (response) => void response.end(bytes));
    expect(await arrived).toBe(id);
    expect(requests.at(-1)?.headers.authorization).toBe('Bearer new');
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain('Bearer');
  });

  test('bytes that are not what the name says, and more than may be, are no image', async () => {
    const other = png('#0000ff');
    const [wrong, large] = ['1'.repeat(64), '2'.repeat(64)];
    serve(wrong, other);
    answers.set(`/assets/${large}`, (response) => {
      const chunk = Buffer.alloc(1 << 20);
      let left = 20;
      const more = () => {
        while (left-- > 0 && response.write(chunk));
        if (left > 0) response.once('drain', more);
        else response.end();
      };
      more();
    });
    const assets = cache();
    await assets.image(wrong, BOX);
    await assets.image(large, BOX);
    await expect.poll(() => warnings.length, { timeout: 10_000 }).toBe(2);
    expect(await assets.image(wrong, BOX)).toBeNull();
    expect(await assets.image(large, BOX)).toBeNull();
    const text = JSON.stringify(warnings);
    expect([text.includes('not what its name says'), text.includes('too large')]).toEqual([true, true]);
  });

  test('a broken image costs itself, with one warning; others come', async () => {
    const broken = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><g>');
    const good = png('#123456');
    serve(sha(broken), broken);
    serve(sha(good), good);
    const assets = cache();
    await assets.image(sha(broken), BOX);
    await assets.image(sha(broken), { width: 9, height: 9 });
    await expect.poll(() => warnings.length).toBe(1);
    const arrived = arrival(assets);
    await assets.image(sha(good), BOX);
    expect(await arrived).toBe(sha(good));
    expect(await assets.image(sha(broken), BOX)).toBeNull();
    expect(requests.filter((request) => request.url?.endsWith(sha(broken)))).toHaveLength(1);
    expect(warnings).toHaveLength(1);
  });

  test('keeps what was asked for last', async () => {
    const assets = new AssetCache({ assetsUrl: `${url}/assets`, token: 't' }, logger, 3);
    caches.push(assets);
    const images = Array.from({ length: 4 }, (_, i) => png(`#0000${(16 + i).toString(16)}`));
    for (const bytes of images) {
      serve(sha(bytes), bytes);
      const arrived = arrival(assets);
      await assets.image(sha(bytes), BOX);
      await arrived;
    }
    const [first, last] = [sha(images[0] ?? Buffer.alloc(0)), sha(images.at(-1) ?? Buffer.alloc(0))];
    expect(await assets.image(last, BOX)).not.toBeNull();
    const again = arrival(assets);
    expect(await assets.image(first, BOX)).toBeNull();
    expect(await again).toBe(first);
  });

  test('refuses when closed, and closing twice is closing once', async () => {
    const bytes = png('#ff00ff');
    serve(sha(bytes), bytes);
    const assets = cache();
    assets.close();
    assets.close();
    expect(await assets.image(sha(bytes), BOX)).toBeNull();
    expect(requests).toEqual([]);
  });

  test('without a place nothing is asked for', async () => {
    const assets = new AssetCache({ assetsUrl: null, token: 't' }, logger);
    caches.push(assets);
    expect(await assets.image('3'.repeat(64), BOX)).toBeNull();
    expect(requests).toEqual([]);
  });
});
