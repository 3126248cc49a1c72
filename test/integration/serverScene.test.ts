/** Scenes, images and sounds by the HTTP API of the whole server, as programs of friends and strangers use it. */
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../src/common/Secret.ts';
import { SceneAnswer } from '../../src/contracts/api.ts';
import { Asset, AssetList, MAX_ASSET_BYTES } from '../../src/contracts/assets.ts';
import { Scene } from '../../src/contracts/scene.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { ServerProcess } from '../support/ServerProcess.ts';

const SECRET = 'a-secret-of-the-tests-of-scenes-and-assets';
const STORE_BYTES = 24 * 1024 * 1024;
const tokens = Tokens.create([new Secret(SECRET)]);
let server: ServerProcess;
let api: string;

beforeAll(async () => {
  server = await ServerProcess.start({ LIANMAI_SECRET: SECRET, LIANMAI_MAX_ASSET_BYTES: String(STORE_BYTES) });
  api = await tokens.sign({ aud: 'api', sub: 'tests' }, 600);
});
afterAll(() => server?.stop());

async function send(
  method: string,
  path: string,
  {
    body,
    token = api,
    headers = {},
  }: { body?: string | Uint8Array<ArrayBuffer>; token?: string; headers?: Record<string, string> } = {},
) {
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const json = () => JSON.parse(bytes.toString());
  return { status: response.status, headers: response.headers, bytes, json };
}
const put = (room: string, scene: string | object, version: number) =>
  send('PUT', `/v1/rooms/${room}/scene`, {
    body: typeof scene === 'string' ? scene : JSON.stringify(scene),
    headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
  });
const messageOf = ({ status, json }: Awaited<ReturnType<typeof send>>) => `${status} ${json().error.message}`;
const join = (role: 'host' | 'cohost' | 'audience', room: string) =>
  tokens.sign({ aud: 'join', sub: 'somebody', room, role }, 600);

/** An upload that says how long it is and stops there; the answer's status. */
function announce(bytes: number): Promise<number> {
  const headers = { authorization: `Bearer ${api}`, 'content-length': bytes, expect: '100-continue' };
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}/v1/assets`, { method: 'POST', headers });
    request.on('response', (response) => {
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    request.on('error', reject);
    request.flushHeaders();
  });
}

describe('the scene', () => {
  test('is set before anybody is there, without opening the room', async () => {
    const answer = SceneAnswer.parse((await put('early', { layout: { type: 'pip' } }, 1)).json());
    expect(answer).toMatchObject({
      version: 2,
      fromFrame: null,
      scene: { layout: { type: 'pip', corner: 'bottom-right' } },
    });
    expect((await send('GET', '/v1/rooms')).json().rooms).toEqual([]);
    const read = await send('GET', '/v1/rooms/early/scene');
    expect([read.headers.get('etag'), read.json().scene.layout.type]).toEqual(['"2"', 'pip']);
    expect((await put('early', {}, 1)).status).toBe(412);
    expect((await send('DELETE', '/v1/rooms/early')).status).toBe(204);
    expect((await send('GET', '/v1/rooms/early/scene')).json().version).toBe(1);
    expect((await send('DELETE', '/v1/rooms/early')).status).toBe(404);
  });

  test.each([
    ['layout', { layout: { type: 'spiral' } }, '/layout/type'],
    ['a field that there is not', { layuot: {} }, 'layuot'],
    [
      'a tile beyond the program',
      { layout: { type: 'custom', tiles: [{ show: 0, x: 0.5, y: 0, width: 0.6, height: 1 }] } },
      '/layout/tiles/0',
    ],
    ['a volume', { sources: { 'paaaaaaaa.microphone': { volumeDb: 13 } } }, '/sources/paaaaaaaa.microphone/volumeDb'],
    ['a foreign id', { sources: { '../../etc': {} } }, '/sources/..'],
    ['a name of an object’s own', { people: JSON.parse('{"constructor": {}}') }, '/people/constructor'],
    ['a colour', { background: 'red' }, '/background'],
    ['an asset that is none', { logo: { image: '../secret' } }, '/logo/image'],
    [
      'an asset that is not there',
      { music: { sound: 'b'.repeat(64) } },
      `music.sound: there is no asset ${'b'.repeat(64)}`,
    ],
  ])('a mistake is named by its place: %s', async (_what, scene, place) => {
    const message = messageOf(await put('bad', scene, 1));
    expect(message).toMatch(/^400 /);
    expect(message).toContain(place);
  });

  test('what is too much is refused, and the server goes on', async () => {
    const entry = (i: number) => [`p${String(i).padStart(8, '0')}.camera`, {}];
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => entry(i)));
    expect(messageOf(await put('bad', { sources: many }, 1))).toContain('at most 256 entries');
    expect((await put('bad', { captions: 'x'.repeat(300_000) }, 1)).status).toBe(413);
    const deep = `${'{"layout":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
    expect((await put('bad', deep, 1)).status).toBe(400);
    expect((await put('bad', `{"__proto__": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 1)).status).toBe(400);
    expect((await put('bad', '{', 1)).status).toBe(400);
    expect((await send('GET', '/v1/rooms/bad/scene')).json().version).toBe(1);
  });

  test('its whole schema is in the API’s description', async () => {
    const { paths } = (await send('GET', '/openapi.json')).json();
    const { schema } = paths['/v1/rooms/{room}/scene'].put.requestBody.content['application/json'];
    expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(Scene.shape).sort());
    const layouts = (schema.properties.layout.oneOf ?? schema.properties.layout.anyOf) as {
      properties: { type: { const?: string; enum?: string[] } };
    }[];
    expect(layouts.map((l) => l.properties.type.const ?? l.properties.type.enum?.[0])).toEqual(
      Scene.shape.layout.unwrap().options.map((option) => option.shape.type.value),
    );
  });
});

describe('images and sounds', () => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  // A header that claims 65,535 × 65,535 pixels: stored, since nothing is decoded here.
  const bomb = Buffer.from('89504e470d0a1a0a0000000d494844520000ffff0000ffff0802000000', 'hex');

  test('are known by their bytes, whatever the sender says, and are named by their hash', async () => {
    const answer = await send('POST', '/v1/assets', { body: bomb, headers: { 'content-type': 'text/html' } });
    expect(answer.status).toBe(201);
    const asset = Asset.parse(answer.json());
    expect(asset).toEqual({
      id: createHash('sha256').update(bomb).digest('hex'),
      type: 'image/png',
      bytes: bomb.length,
    });
    const read = await send('GET', `/v1/assets/${asset.id}`);
    expect(read.bytes).toEqual(bomb);
    expect(read.headers.get('content-type')).toBe('image/png');
    expect(read.headers.get('cache-control')).toContain('immutable');
    expect(AssetList.parse((await send('GET', '/v1/assets')).json())).toMatchObject({
      assets: [asset],
      maxBytes: STORE_BYTES,
    });
  });

  test('a script in an SVG does not run: never a page, sandboxed, not sniffed', async () => {
    const { id } = (await send('POST', '/v1/assets', { body: svg })).json();
    const { headers } = await send('GET', `/v1/assets/${id}`);
    expect(headers.get('content-disposition')).toMatch(/^attachment/);
    expect(headers.get('content-security-policy')).toContain('sandbox');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('a scene may name what is there, and what it names is not deleted', async () => {
    const { id } = (await send('POST', '/v1/assets', { body: bomb })).json();
    expect((await put('logo', { logo: { image: id } }, 1)).status).toBe(200);
    expect(messageOf(await put('logo', { music: { sound: id } }, 2))).toContain('music.sound');
    expect((await send('DELETE', `/v1/assets/${id}`)).status).toBe(409);
    expect((await put('logo', {}, 2)).status).toBe(200);
    expect((await send('DELETE', `/v1/assets/${id}`)).status).toBe(204);
    expect((await send('GET', `/v1/assets/${id}`)).status).toBe(404);
  });

  test('who may: a host of the room uploads, those on stage look, nobody else', async () => {
    const upload = async (token: string, path = '/v1/rooms/show/assets') =>
      (await send('POST', path, { body: svg, token })).status;
    const host = await join('host', 'show');
    expect(await upload(host)).toBe(201);
    expect(await upload(api)).toBe(201);
    expect(await upload(await join('host', 'another'))).toBe(403);
    expect(await upload(await join('cohost', 'show'))).toBe(403);
    expect(await upload('')).toBe(401);
    expect(await upload(host, '/v1/assets')).toBe(401);
    const { id } = (await send('POST', '/v1/assets', { body: svg })).json();
    const look = async (token: string) => (await send('GET', `/v1/assets/${id}`, { token })).status;
    expect([
      await look(await join('cohost', 'show')),
      await look(await join('audience', 'show')),
      await look(''),
    ]).toEqual([200, 403, 401]);
    expect((await send('DELETE', `/v1/assets/${id}`, { token: host })).status).toBe(401);
    expect((await send('GET', '/v1/assets', { token: host })).status).toBe(401);
  });

  test('who may write captions: a host of the room, and who has an api token; on the picture they go by themselves', async () => {
    const say = (token: string, body: object) =>
      send('POST', '/v1/rooms/words/captions', {
        ...{ token, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
      });
    const line = { text: '  Hello \n world ', place: 'picture', durationMs: 500 };
    const answer = await say(await join('host', 'words'), line);
    expect([answer.status, answer.json()]).toEqual([
      201,
      { text: 'Hello\nworld', language: null, at: null, durationMs: 500 },
    ]);
    for (const token of [await join('host', 'another'), await join('cohost', 'words')])
      expect((await say(token, line)).status).toBe(403);
    expect((await say('', line)).status).toBe(401);
    expect((await say(api, { ...line, durationMs: null })).status).toBe(201);
    const captions = async () => (await send('GET', '/v1/rooms/words/scene')).json().scene.captions;
    expect(await captions()).toBe('Hello world');
    expect((await say(api, line)).status).toBe(201);
    await expect.poll(captions, { timeout: 60_000 }).toBe('');
    // Nobody is live: there are no viewers to read it.
    expect((await say(api, { text: 'Hello' })).status).toBe(404);
  });

  test('compositors fetch them on the internal port, with a service token', async () => {
    const { id } = (await send('POST', '/v1/assets', { body: svg })).json();
    const get = async (token: string) =>
      fetch(`${server.internalUrl}/assets/${id}`, { headers: { authorization: `Bearer ${token}` } });
    const answer = await get(await tokens.sign({ aud: 'service', sub: 'sfu' }, 60));
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(svg);
    expect((await get(api)).status).toBe(401);
    expect((await get('')).status).toBe(401);
  });

  test('nothing, something else, an id that is none, too much', async () => {
    expect((await send('POST', '/v1/assets')).status).toBe(400);
    expect(
      messageOf(
        await send('POST', '/v1/assets', { body: '{"a": 1}', headers: { 'content-type': 'application/json' } }),
      ),
    ).toContain('neither PNG');
    for (const id of ['..%2f..%2fetc%2fpasswd', 'A'.repeat(64), 'a'.repeat(63)])
      expect((await send('GET', `/v1/assets/${id}`)).status).toBe(400);
    const large = (bytes: number, mark: string) => Buffer.concat([Buffer.from(`OggS${mark}`), Buffer.alloc(bytes - 5)]);
    expect(await announce(MAX_ASSET_BYTES + 1)).toBe(413);
    expect((await send('POST', '/v1/assets', { body: large(MAX_ASSET_BYTES, 'a') })).status).toBe(201);
    expect(messageOf(await send('POST', '/v1/assets', { body: large(MAX_ASSET_BYTES, 'b') }))).toContain('full');
  });
});
