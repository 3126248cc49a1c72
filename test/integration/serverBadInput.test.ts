/**
 * Bad input against the whole server, as strangers would send it. After each test a good person still gets what they came for,
 * and at the end no secret stands in any log line.
 */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { io } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Secret } from '../../src/common/Secret.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { descendantsOf, ServerProcess } from '../support/ServerProcess.ts';

const SECRET = 'a-secret-that-must-never-be-seen-anywhere';
const STREAM_KEY = 'sk-1234567890-never-to-be-seen';
const tokens = Tokens.create([new Secret(SECRET)]);
const issued: string[] = [];

let open: ServerProcess;
let closed: ServerProcess;
let rtmp: RtmpServer;
let apiToken: string;

async function token(...args: Parameters<Tokens['sign']>): Promise<string> {
  const made = await tokens.sign(...args);
  issued.push(made);
  return made;
}

beforeAll(async () => {
  rtmp = await RtmpServer.start();
  [open, closed] = await Promise.all([
    ServerProcess.start(),
    ServerProcess.start({ LIANMAI_SECRET: SECRET, LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' }),
  ]);
  apiToken = await token({ aud: 'api', sub: 'tests' }, 600);
});

afterAll(async () => {
  await open?.stop();
  await closed?.stop();
  await rtmp?.close();
});

/** Both servers still do their work. */
afterEach(async () => {
  expect((await raw(open, '/v1/rooms')).status).toBe(200);
  const joined = await join(closed, await token({ aud: 'join', sub: 'good', room: 'good', role: 'host' }, 60));
  expect(joined).toBe('connected');
});

interface Answer {
  status: number;
  body: string;
  headers: NodeJS.Dict<string | string[]>;
}

/** A request whose path, Host and Origin go out as they are written; fetch would tidy them. */
function raw(
  server: ServerProcess,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body?: string,
): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, path, method, headers, setHost: !('host' in headers) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            headers: response.headers,
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const api = (path: string, method: string, body?: unknown) =>
  raw(
    closed,
    path,
    { authorization: `Bearer ${apiToken}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    method,
    body === undefined ? undefined : JSON.stringify(body),
  );
const codeOf = ({ body }: Answer): string => (JSON.parse(body) as { error: { code: string } }).error.code;

/** 'connected', or the error's message. */
function join(server: ServerProcess, joinToken: unknown, headers: Record<string, string> = {}): Promise<string> {
  const socket = io(server.url, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    auth: { token: joinToken, protocol: 1 },
    extraHeaders: headers,
  });
  return new Promise((resolve) => {
    const done = (result: string) => {
      socket.disconnect();
      resolve(result);
    };
    socket.on('connect', () => done('connected'));
    socket.on('connect_error', (error: Error & { data?: { code?: string } }) =>
      done(error.data?.code ?? error.message),
    );
  });
}

describe('tokens', () => {
  test('join without, with a malformed, expired, foreign token, and one of another audience: refused with the reason', async () => {
    const foreign = await Tokens.create([new Secret('z'.repeat(40))]).sign(
      { aud: 'join', sub: 'eve', room: 'demo', role: 'host' },
      60,
    );
    const expired = await token({ aud: 'join', sub: 'eve', room: 'demo', role: 'host' }, -60);
    const play = await token({ aud: 'play', sub: 'eve', room: 'demo' }, 60);
    for (const bad of [undefined, '', 'x', { a: 1 }, foreign, expired])
      expect(await join(closed, bad)).toBe('unauthorized');
    expect(await join(closed, play)).toBe('wrong-audience');
    expect(await join(closed, apiToken)).toBe('wrong-audience');
  });

  test('the API with none, an expired, a foreign token, and one of another audience: 401', async () => {
    expect((await raw(closed, '/v1/rooms')).status).toBe(401);
    const joinToken = await token({ aud: 'join', sub: 'eve', room: 'demo', role: 'host' }, 60);
    const answer = await raw(closed, '/v1/rooms', { authorization: `Bearer ${joinToken}` });
    expect([answer.status, codeOf(answer)]).toEqual([401, 'wrong-audience']);
    const foreign = await Tokens.create([]).sign({ aud: 'api', sub: 'eve' }, 60);
    expect((await raw(closed, '/v1/rooms', { authorization: `Bearer ${foreign}` })).status).toBe(401);
  });

  test('compositors and controllers need a service token: PUT and both WebSockets are 401 without', async () => {
    const put = await fetch(`${closed.internalUrl}/program/baaaaaaaa1/v720/init`, { method: 'PUT', body: 'x' });
    expect(put.status).toBe(401);
    const { hostname, port } = new URL(closed.internalUrl);
    for (const path of ['/control', '/delivery']) {
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(port), hostname, () => {
          socket.write(
            `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nauthorization: Bearer ${apiToken}\r\n\r\n`,
          );
        });
        socket.once('data', (data) => {
          socket.destroy();
          resolve(data.toString());
        });
        socket.once('error', reject);
      });
      expect(answer).toMatch(/^HTTP\/1.1 401/);
    }
  });
});

describe('names and paths', () => {
  test.each([['..%2f..%2fetc'], ['%2e%2e'], ['a%00b'], ['A'], ['a'.repeat(10_000)], ['-a'], ['%E8%BF%9E']])(
    'room id %s: 400 or 404',
    async (room) => {
      for (const path of [`/v1/rooms/${room}`, `/live/${room}/index.m3u8`, `/studio/${room}`]) {
        const answer = await raw(open, path);
        expect([400, 404, 414, 431]).toContain(answer.status);
        if (answer.status < 414 && !path.startsWith('/studio/'))
          expect(codeOf(answer)).toMatch(/^(bad-request|not-found)$/);
      }
    },
  );

  test.each([
    ['/live/demo/..%2f..%2f..%2fetc%2fpasswd'],
    ['/live/demo/baaaaaaaa1/v720/..%2f..%2findex.m3u8'],
    ['/live/demo/baaaaaaaa1/v720/..%5c..%5cx.m4s'],
    ['/live/demo/baaaaaaaa1/v720/99999999999999999999.m4s'],
    ['/live/demo/baaaaaaaa1/v720/1.-1.m4s'],
    ['/live/../../etc/passwd'],
    ['/assets/..%2f..%2f..%2fpackage.json'],
    ['/assets/%2e%2e/%2e%2e/package.json'],
  ])('%s: 400 or 404', async (path) => {
    expect([400, 403, 404]).toContain((await raw(open, path)).status);
  });

  test('a body that is too large, not JSON, or 10,000 levels deep is refused', async () => {
    const headers = { 'content-type': 'application/json' };
    const put = (body: string) => raw(open, '/v1/rooms/demo/broadcast', headers, 'PUT', body);
    expect((await put('x'.repeat(1_000_000))).status).toBe(413);
    expect((await put('{nope')).status).toBe(400);
    expect((await put(`${'{"destinations":'.repeat(10_000)}1${'}'.repeat(10_000)}`)).status).toBe(400);
    expect((await put('{"__proto__": {"x": 1}}')).status).toBe(400);
  });
});

describe('foreign pages against the loopback default', () => {
  test('another origin, another Host, a proxy: 403 for HTTP', async () => {
    const { host } = new URL(open.url);
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { host: 'evil.example' },
      { host: 'evil.example', origin: 'http://evil.example' },
      { host, 'x-forwarded-for': '1.2.3.4' },
    ] as Record<string, string>[]) {
      for (const path of ['/v1/rooms', '/', '/live/demo/state.json']) {
        const answer = await raw(open, path, headers);
        expect([answer.status, codeOf(answer)]).toEqual([403, 'foreign-origin']);
      }
    }
    expect((await raw(open, '/v1/rooms', { origin: open.url })).status).toBe(200);
  });

  test('another origin, another Host: no signalling', async () => {
    const joinToken = await new ServerApi(open.url).joinToken('demo', 'host');
    expect(await join(open, joinToken)).toBe('connected');
    expect(await join(open, joinToken, { origin: 'https://evil.example' })).not.toBe('connected');
    expect(await join(open, joinToken, { host: 'evil.example' })).not.toBe('connected');
  });
});

describe('destinations', () => {
  test.each([
    ['file:///etc/passwd'],
    ['http://example.com/x'],
    ['rtmp://127.0.0.1/live'],
    ['rtmp://localhost/live'],
    ['rtmp://10.0.0.1/live'],
    ['rtmp://169.254.169.254/latest'],
    ['rtmp://[::1]/live'],
    ['rtmp://[fe80::1]/live'],
    ['rtmp://[::ffff:127.0.0.1]/live'],
    ['rtmp://0.0.0.0/live'],
    ['rtmp://0x7f.1/live'],
    ['rtmp://2130706433/live'],
    ['-i /etc/passwd'],
    ['rtmp://example.com/live -f tee'],
    ['rtmp://example.com/live|file:/tmp/x'],
    ['srt://example.com:9000?mode=listener'],
    ['tee:rtmp://example.com/live'],
    ['concat:/etc/passwd'],
  ])('%s is refused unless configuration allows it', async (url) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await raw(
      open,
      '/v1/rooms/dest/broadcast',
      headers,
      'PUT',
      JSON.stringify({ destinations: [{ url }] }),
    );
    expect(['422 destination-refused', '400 bad-request']).toContain(`${answer.status} ${codeOf(answer)}`);
  });

  test('no secret in an answer, a log line or an argument list, whether the destination works or not', async () => {
    const swarm = new Swarm({
      url: closed.url,
      peers: 1,
      token: () => token({ aud: 'join', sub: 'ann', room: 'secrets', role: 'host' }, 600),
    });
    await swarm.start();
    try {
      const destinations = [
        { name: 'good', url: rtmp.url, key: STREAM_KEY },
        { name: 'dead', url: `rtmp://127.0.0.1:1/live/${STREAM_KEY}?auth=${STREAM_KEY}` },
      ];
      const answers = [await api('/v1/rooms/secrets/broadcast', 'PUT', { destinations })];
      expect(answers[0]?.status).toBe(200);
      await rtmp.waitFor((call) => call.call === 'publish' && call.name === STREAM_KEY);
      await expect
        .poll(async () => (await api('/v1/rooms/secrets', 'GET')).body, { timeout: 30_000 })
        .toMatch(/"name":"dead"[^}]*"state":"reconnecting"/);
      const processes = await descendantsOf(closed.pid);
      expect(processes.some((p) => p.command[0]?.includes('ffmpeg'))).toBe(true);
      answers.push(await api('/v1/rooms/secrets', 'GET'), await api('/v1/rooms/secrets/broadcast', 'DELETE'));
      const seen = [...answers.map((a) => a.body), ...processes.flatMap((p) => p.command), ...closed.output].join('\n');
      for (const secret of [STREAM_KEY, SECRET, apiToken, ...issued]) expect(seen.includes(secret)).toBe(false);
    } finally {
      await swarm.stop();
    }
  });
});
