/**
 * The whole server with TLS and playback tokens, as players have it: HTTP/2 and HTTP/1.1 on one port, beside signalling; plain HLS
 * players; no token in any log. The room is empty: its program is the slate.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PlayTokenAnswer } from '../../src/contracts/api.ts';
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { Http2Client } from '../support/http2Get.ts';
import { errorOf, httpGet, httpSend } from '../support/httpGet.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';

const run = promisify(execFile);
const ROOM = 'guarded';
const SECRET = 's'.repeat(40);

let certificate: Certificate;
let server: ServerProcess;
let api: Record<string, string>;
/** Below it is all of the room's playback. */
let base: string;
let token: string;

async function makeToken(...args: string[]): Promise<string> {
  const env = { ...process.env, LIANMAI_SECRET: SECRET };
  return (await run(process.execPath, ['scripts/token.ts', ...args], { env })).stdout.trim();
}

beforeAll(async () => {
  certificate = await makeCertificate();
  server = await ServerProcess.start({
    LIANMAI_SECRET: SECRET,
    LIANMAI_TLS_CERT: certificate.cert,
    LIANMAI_TLS_KEY: certificate.key,
    LIANMAI_LOG_LEVEL: 'trace',
  });
  api = { authorization: `Bearer ${await makeToken('--audience', 'api')}` };
  const started = await httpSend(`${server.url}/v1/rooms/${ROOM}/broadcast`, 'PUT', { playback: 'token' }, api);
  expect(JSON.parse(started.body.toString())).toMatchObject({ state: 'live', playback: 'token' });
  const made = await httpSend(`${server.url}/v1/rooms/${ROOM}/play-tokens`, 'POST', { expiresInSeconds: 300 }, api);
  const answer = PlayTokenAnswer.parse(JSON.parse(made.body.toString()));
  token = answer.token;
  base = new URL('.', new URL(answer.playlist, server.url)).pathname;
  const threeSegments = async () => /\n2\.m4s/.test((await httpGet(await mediaUrl())).body.toString());
  await eventually(threeSegments, 'three segments are there', 60_000);
});

afterAll(async () => {
  await server?.stop();
  await certificate?.remove();
});

/** Of the first variant's playlist; one that is not there while there is none. */
async function mediaUrl(): Promise<string> {
  const multivariant = (await httpGet(`${server.url}${base}index.m3u8`)).body.toString();
  const name = multivariant.split('\n').find((line) => line.endsWith('.m3u8') && !line.startsWith('#')) ?? 'none';
  return new URL(name, `${server.url}${base}`).href;
}

describe('HTTP/2', () => {
  test('playlists, media and blocking reloads, many at a time on one connection', async () => {
    const client = await Http2Client.connect(server.url);
    const { pathname } = new URL(await mediaUrl());
    const playlist = await client.get(pathname, { 'accept-encoding': 'br' });
    expect([playlist.status, playlist.headers['content-encoding']]).toEqual([200, 'br']);
    const text = (await client.get(pathname)).body.toString();
    const [, msn, part] = /#EXT-X-PRELOAD-HINT:TYPE=PART,URI="(\d+)\.(\d+)\.m4s"/.exec(text) ?? [];
    const held = Array.from({ length: 100 }, () => client.get(`${pathname}?_HLS_msn=${msn}&_HLS_part=${part}`));
    const hinted = client.get(pathname.replace('index.m3u8', `${msn}.${part}.m4s`));
    // The held ones are in nobody's way.
    const ranged = await client.get(pathname.replace('index.m3u8', '1.m4s'), { range: 'bytes=0-9' });
    expect([ranged.status, ranged.body.length]).toEqual([206, 10]);
    const answers = await Promise.all(held);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers[0]?.body.toString()).toContain(`"${msn}.${part}.m4s"`);
    expect((await hinted).status).toBe(200);
    const known = await client.get(pathname.replace('index.m3u8', '1.m4s'), { 'if-none-match': '"1.m4s"' });
    expect([known.status, known.body.length]).toEqual([304, 0]);
    expect((await client.get(pathname, {}, 'HEAD')).body.length).toBe(0);
    expect((await client.get(pathname, {}, 'POST')).status).toBe(405);
    expect((await client.get(`/live/${ROOM}/state.json`)).status).toBe(401);
    expect((await client.get('/v1/rooms', api)).status).toBe(200);
    expect((await client.get(`/watch/${ROOM}`)).body.toString()).toContain('<!doctype html>');
    client.close();
  });

  test('a foreign page may play, and nothing else', async () => {
    const client = await Http2Client.connect(server.url);
    const origin = 'https://page.example';
    expect((await client.get(`${base}index.m3u8`, { origin })).headers['access-control-allow-origin']).toBe('*');
    expect((await client.get('/v1/rooms', { ...api, origin })).status).toBe(403);
    expect((await client.get('/v1/rooms', { ...api, origin: server.url })).status).toBe(200);
    client.close();
  });

  test('HTTP/1.1 and WebSockets are on the same port', async () => {
    expect((await httpGet(`${server.url}${base}index.m3u8`)).status).toBe(200);
    const client = await Http2Client.connect(server.url);
    const socket = io(server.url, {
      transports: ['websocket'],
      rejectUnauthorized: false,
      auth: { token: await makeToken('--role', 'host', '--room', 'talk'), protocol: 1 },
    });
    try {
      await new Promise((resolve, reject) => socket.on('connect', () => resolve(null)).on('connect_error', reject));
      const joined = await socket.timeout(10_000).emitWithAck('join', { name: 'Ann' });
      expect(joined.ok).toBe(true);
      expect((await client.get('/v1/rooms/talk', api)).body.toString()).toContain('Ann');
    } finally {
      socket.disconnect();
      client.close();
    }
  });
});

describe('plain HLS players', () => {
  test('ffprobe reads three segments and what is in them', async () => {
    const { stdout } = await run('ffprobe', [
      ...['-v', 'error', '-live_start_index', '0', '-read_intervals', '%+#400', '-show_entries'],
      ...[
        'stream=codec_name,width,height:packet=codec_type,pts_time,flags',
        '-of',
        'json',
        `${server.url}${base}index.m3u8`,
      ],
    ]);
    const { streams, packets } = JSON.parse(stdout) as {
      streams: { codec_name: string }[];
      packets: { codec_type: string; pts_time: string; flags: string }[];
    };
    expect(streams.map((s) => s.codec_name).sort()).toEqual(['aac', 'h264']);
    const video = packets.filter((p) => p.codec_type === 'video');
    // Each segment of 2 s begins with a key frame; frames come at 30 a second without a hole.
    expect(video.filter((p) => p.flags.startsWith('K')).length).toBeGreaterThanOrEqual(3);
    expect(video.length).toBeGreaterThan(120);
    const times = video.map((p) => Number(p.pts_time));
    for (const [i, time] of times.slice(1).entries()) expect(time - (times[i] ?? 0)).toBeCloseTo(1 / 30, 3);
  });

  test('ffmpeg plays on for three segments at the live edge, in real time', async () => {
    const { stderr } = await run('ffmpeg', [
      ...[
        '-v',
        'warning',
        '-stats',
        '-i',
        `${server.url}${base}index.m3u8`,
        '-t',
        '6',
        '-map',
        '0:v:0',
        '-map',
        '0:a:0',
      ],
      ...['-f', 'null', '-'],
    ]);
    expect(stderr).toMatch(/frame=\s*1[78]\d .*time=00:00:0[56]/s);
    expect(stderr).not.toMatch(/error|corrupt|invalid|non-monoton/i);
  });
});

describe('playback tokens', () => {
  test('`npm run token -- --audience play` makes one', async () => {
    const made = await makeToken('--audience', 'play', '--room', ROOM, '--expires-seconds', '60');
    expect((await httpGet(`${server.url}/live/~${made}/${ROOM}/index.m3u8`)).status).toBe(200);
    expect(errorOf(await httpGet(`${server.url}/live/~${made}/other/index.m3u8`))).toBe('403 forbidden');
    const join = await makeToken('--role', 'host', '--room', ROOM);
    expect(errorOf(await httpGet(`${server.url}/live/~${join}/${ROOM}/index.m3u8`))).toBe('401 wrong-audience');
  });

  test('only who has an api token makes one', async () => {
    const refused = await httpSend(`${server.url}/v1/rooms/${ROOM}/play-tokens`, 'POST', {});
    expect(errorOf(refused)).toBe('401 unauthorized');
  });

  test('whatever goes wrong with one, it is in no log', async () => {
    const expired = await makeToken('--audience', 'play', '--room', ROOM, '--expires-seconds', '0.001');
    const paths = [
      `/live/~${token}/${ROOM}/%zz`,
      `/live/~${token}/other/index.m3u8`,
      `/live/~${token}/${ROOM}/nothing`,
    ];
    for (const path of [...paths, `/live/~${expired}/${ROOM}/index.m3u8`, `/watch/~${token}/${ROOM}`]) {
      for (const method of ['GET', 'POST']) await httpGet(`${server.url}${path}`, {}, method);
    }
    const log = server.output.join('\n');
    expect(log.length).toBeGreaterThan(1_000);
    // Not the part that is the same in all, nor the signature of one.
    for (const secret of [token, expired].flatMap((t) => t.split('.').slice(1))) expect(log).not.toContain(secret);
  });
});

test('the server ends at once while HTTP/2 connections are open', async () => {
  const client = await Http2Client.connect(server.url);
  await client.get('/');
  expect(await server.stop()).toBe(0);
  await expect.poll(() => client.closed).toBe(true);
});
