/** The HTTP API, health, metrics, TLS and CORS of the whole server, as a program of somebody else uses them. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { PlayTokenAnswer, RoomSummary, SceneAnswer, TokenAnswer } from '../../src/contracts/api.ts';
import { BroadcastStatus } from '../../src/contracts/broadcast.ts';
import { METRICS } from '../../src/metrics.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';

const run = promisify(execFile);
const ROOM = 'api-room';

let server: ServerProcess;
let swarm: Swarm;

beforeAll(async () => {
  server = await ServerProcess.start();
  const api = new ServerApi(server.url);
  swarm = new Swarm({ url: server.url, peers: 1, token: () => api.joinToken(ROOM, 'host', 'Ann') });
  await swarm.start();
});

afterAll(async () => {
  await swarm?.stop();
  await server?.stop();
});

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}

describe('rooms and tokens', () => {
  test('a token says for whom it is and opens the studio', async () => {
    const answer = await call('POST', `/v1/rooms/${ROOM}/tokens`, {
      role: 'cohost',
      name: 'Bob',
      identity: 'bob',
      expiresInSeconds: 60,
    });
    expect(answer.status).toBe(201);
    const token = TokenAnswer.parse(answer.body);
    expect(token.identity).toBe('bob');
    expect(token.path).toBe(`/studio/${ROOM}#token=${token.token}`);
    expect(token.expiresAt).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  test('a playback token says for whom it is, opens the watch page, and is in the path of a playlist', async () => {
    const answer = await call('POST', `/v1/rooms/${ROOM}/play-tokens`, { identity: 'eve', expiresInSeconds: 60 });
    expect(answer.status).toBe(201);
    const { token, identity, expiresAt, path, playlist } = PlayTokenAnswer.parse(answer.body);
    expect([identity, path, playlist]).toEqual([
      'eve',
      `/watch/${ROOM}#token=${token}`,
      `/live/~${token}/${ROOM}/index.m3u8`,
    ]);
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 60_000);
    expect((await call('GET', `/live/~${token}/${ROOM}/state.json`)).body).toMatchObject({ room: ROOM });
    expect((await call('GET', `/live/~${token}/other/state.json`)).status).toBe(403);
    expect((await call('POST', `/v1/rooms/${ROOM}/play-tokens`, { expiresInSeconds: 1 })).status).toBe(400);
  });

  test('a room tells who is in it and what they send', async () => {
    const room = RoomSummary.parse((await call('GET', `/v1/rooms/${ROOM}`)).body);
    expect(room.peers.map((p) => [p.name, p.role, p.seated])).toEqual([['Ann', 'host', true]]);
    expect(room.peers[0]?.sources.map((s) => s.kind).sort()).toEqual(['camera', 'microphone']);
    expect((await call('GET', '/v1/rooms')).body.rooms).toHaveLength(1);
    expect((await call('GET', '/v1/rooms/nobody-here')).status).toBe(404);
  });
});

describe('a broadcast', () => {
  test('PUT starts it, once; GET tells how it goes; DELETE ends it', async () => {
    expect((await call('GET', `/v1/rooms/${ROOM}/broadcast`)).body.error.code).toBe('no-broadcast');
    const first = BroadcastStatus.parse((await call('PUT', `/v1/rooms/${ROOM}/broadcast`, {})).body);
    expect(first.state).toBe('live');
    const again = BroadcastStatus.parse(
      (await call('PUT', `/v1/rooms/${ROOM}/broadcast`, { video: { bitrate: 1_000_000 } })).body,
    );
    expect([again.id, again.video.bitrate]).toEqual([first.id, 2_500_000]);
    await expect
      .poll(async () => (await call('GET', `/v1/rooms/${ROOM}/broadcast`)).body.fps, { timeout: 30_000 })
      .toBeGreaterThan(15);
    await eventually(async () => (await fetch(server.url + first.playlist)).ok, 'the playlist is there');
  });

  test('PUT scene: If-Match is needed, a stale version is 412, the answer names a frame of the program', async () => {
    const path = `/v1/rooms/${ROOM}/scene`;
    const { headers, body } = await call('GET', path);
    const etag = headers.get('etag') ?? '';
    expect(etag).toBe(`"${body.version}"`);
    const scene = { ...body.scene, background: '#004400' };
    expect((await call('PUT', path, scene)).status).toBe(428);
    const set = await call('PUT', path, scene, { 'if-match': etag });
    expect(set.status).toBe(200);
    const answer = SceneAnswer.parse(set.body);
    expect(answer.version).toBe(body.version + 1);
    expect(answer.fromFrame).toBeGreaterThan(0);
    const stale = await call('PUT', path, scene, { 'if-match': etag });
    expect([stale.status, stale.body.error.code]).toEqual([412, 'stale-version']);
    expect((await call('PUT', path, { layout: { type: 'spiral' } }, { 'if-match': '"2"' })).status).toBe(400);
  });

  test('destinations are added and removed while live; their key is never told', async () => {
    const refused = await call('POST', `/v1/rooms/${ROOM}/destinations`, { url: 'rtmp://127.0.0.1/live', key: 'hush' });
    expect(refused.body.error.code).toBe('destination-refused');
    expect((await call('DELETE', `/v1/rooms/${ROOM}/destinations/daaaaaaaaa`)).status).toBe(404);
    expect(JSON.stringify(refused.body)).not.toContain('hush');
  });

  test('DELETE ends it: EXT-X-ENDLIST, and state.json says ended', async () => {
    const ended = BroadcastStatus.parse((await call('DELETE', `/v1/rooms/${ROOM}/broadcast`)).body);
    expect([ended.state, ended.endReason]).toEqual(['ended', 'stopped']);
    const multivariant = new URL(ended.playlist, server.url);
    const media = (await (await fetch(multivariant)).text())
      .split('\n')
      .find((line) => line.endsWith('.m3u8') && !line.startsWith('#'));
    expect(await (await fetch(new URL(media ?? '', multivariant))).text()).toContain('#EXT-X-ENDLIST');
    expect((await call('GET', `/live/${ROOM}/state.json`)).body).toMatchObject({ state: 'ended', broadcast: ended.id });
    expect((await call('DELETE', `/v1/rooms/${ROOM}/broadcast`)).status).toBe(404);
  });
});

describe('description and operation', () => {
  test('/openapi.json describes every route of the API, from the same schemas', async () => {
    const { body } = await call('GET', '/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const routes = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((m) => `${m.toUpperCase()} ${path}`),
    );
    expect(routes.sort()).toEqual(
      [
        'POST /v1/rooms/{room}/tokens',
        'POST /v1/rooms/{room}/invitations',
        'GET /v1/rooms/{room}/invitations',
        'DELETE /v1/rooms/{room}/invitations/{id}',
        'GET /v1/usage',
        'GET /v1/recordings',
        'GET /v1/recordings/{id}',
        'DELETE /v1/recordings/{id}',
        'POST /v1/rooms/{room}/play-tokens',
        'GET /v1/rooms',
        'GET /v1/rooms/{room}',
        'DELETE /v1/rooms/{room}',
        'PUT /v1/rooms/{room}/broadcast',
        'GET /v1/rooms/{room}/broadcast',
        'DELETE /v1/rooms/{room}/broadcast',
        'POST /v1/rooms/{room}/broadcast/handoff',
        'PUT /v1/rooms/{room}/broadcast/recording',
        'DELETE /v1/rooms/{room}/broadcast/recording',
        'PUT /v1/rooms/{room}/schedule',
        'GET /v1/rooms/{room}/schedule',
        'DELETE /v1/rooms/{room}/schedule',
        'POST /v1/rooms/{room}/schedule/start',
        'GET /v1/rooms/{room}/health',
        'POST /v1/rooms/{room}/captions',
        'GET /v1/rooms/{room}/scene',
        'PUT /v1/rooms/{room}/scene',
        'POST /v1/rooms/{room}/destinations',
        'DELETE /v1/rooms/{room}/destinations/{id}',
        'POST /v1/assets',
        'POST /v1/rooms/{room}/assets',
        'GET /v1/assets',
        'GET /v1/assets/{id}',
        'DELETE /v1/assets/{id}',
        'GET /v1/webhooks',
        'PUT /v1/webhooks/{id}',
        'GET /v1/webhooks/{id}',
        'DELETE /v1/webhooks/{id}',
        'POST /v1/webhooks/{id}/secret',
        'GET /v1/webhooks/{id}/deliveries',
        'POST /v1/webhooks/{id}/deliveries/resend',
        'POST /v1/webhooks/{id}/deliveries/{event}/resend',
      ].sort(),
    );
    expect(JSON.stringify(body.paths['/v1/rooms/{room}/broadcast'].put.requestBody)).toContain('emptyGraceSeconds');
  });

  test('health on both ports, and every metric of the table in /metrics', async () => {
    for (const base of [server.url, server.internalUrl]) {
      expect((await fetch(`${base}/healthz`)).status).toBe(200);
      expect((await fetch(`${base}/readyz`)).status).toBe(200);
      const text = await (await fetch(`${base}/metrics`)).text();
      for (const { name } of Object.values(METRICS)) expect(text).toContain(`# TYPE ${name} `);
      expect(text).toMatch(/lianmai_peers\{role="host"\} 1/);
      expect(text).toMatch(/lianmai_compositor_frames_total [1-9]/);
    }
  });
});

test('DELETE room: everybody is sent away', async () => {
  const left = new Promise((resolve) => swarm.once('left', (_number, reason) => resolve(reason)));
  expect((await call('DELETE', `/v1/rooms/${ROOM}`)).status).toBe(204);
  expect(await left).toBe('room-closed');
  expect((await call('GET', `/v1/rooms/${ROOM}`)).status).toBe(404);
});

describe('with TLS and a secret', () => {
  let folder: string;
  let secure: ServerProcess;
  const secret = 's'.repeat(40);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lianmai-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-keyout',
      key,
      '-out',
      cert,
    ]);
    secure = await ServerProcess.start({
      LIANMAI_SECRET: secret,
      LIANMAI_TLS_CERT: cert,
      LIANMAI_TLS_KEY: key,
      LIANMAI_ALLOWED_ORIGINS: 'https://app.example',
      LIANMAI_ICE_SERVERS: '[{"urls":"stun:stun.example:3478"}]',
      LIANMAI_ANNOUNCED_ADDRESS: '192.0.2.7',
    });
  });

  afterAll(async () => {
    await secure?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const get = (
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }> =>
    new Promise((resolve, reject) => {
      const request = httpsRequest(secure.url + path, { rejectUnauthorized: false, headers }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
      });
      request.on('error', reject);
      request.end();
    });

  test('pages, API and playback are https', async () => {
    expect(secure.url).toMatch(/^https:/);
    expect((await get('/')).body).toContain('<!doctype html>');
    expect((await get('/v1/rooms')).status).toBe(401);
    expect((await get('/live/demo/state.json')).status).toBe(200);
  });

  test('`npm run token` makes a token that the API takes', async () => {
    const { stdout } = await run(process.execPath, ['scripts/token.ts', '--audience', 'api'], {
      env: { ...process.env, LIANMAI_SECRET: secret },
    });
    const api = { authorization: `Bearer ${stdout.trim()}` };
    expect((await get('/v1/rooms', api)).status).toBe(200);
  });

  test('signalling is wss; STUN servers and the announced address reach the client', async () => {
    const { stdout } = await run(process.execPath, ['scripts/token.ts', '--role', 'host', '--room', 'tls'], {
      env: { ...process.env, LIANMAI_SECRET: secret },
    });
    const socket = io(secure.url, {
      transports: ['websocket'],
      rejectUnauthorized: false,
      auth: { token: stdout.trim(), protocol: 1 },
    });
    try {
      await new Promise((resolve, reject) => socket.on('connect', () => resolve(null)).on('connect_error', reject));
      const joined = await socket.timeout(10_000).emitWithAck('join', { name: 'Ann' });
      expect(joined.data.iceServers).toEqual([{ urls: 'stun:stun.example:3478' }]);
      const transport = await socket.timeout(10_000).emitWithAck('transport:create', { direction: 'send' });
      const addresses = new Set(
        transport.data.iceCandidates.map((c: { address?: string; ip: string }) => c.address ?? c.ip),
      );
      expect([...addresses]).toEqual(['192.0.2.7']);
    } finally {
      socket.disconnect();
    }
  });

  test('playback is open to players on any page, the API only to listed origins', async () => {
    const live = await get('/live/demo/state.json', { origin: 'https://blog.example' });
    expect([live.status, live.headers['access-control-allow-origin']]).toEqual([200, '*']);
    expect((await get('/v1/rooms', { origin: 'https://blog.example' })).status).toBe(403);
    const listed = await get('/v1/rooms', { origin: 'https://app.example' });
    expect([listed.status, listed.headers['access-control-allow-origin']]).toEqual([401, 'https://app.example']);
  });
});
