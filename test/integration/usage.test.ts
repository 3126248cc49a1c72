/** The ledger of the whole server: a real broadcast with people, viewers and an RTMP server, killed and gone on with, beside what was seen of it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import type { BroadcastStatus } from '../../src/contracts/broadcast.ts';
import { UsageAnswer } from '../../src/contracts/usage.ts';
import { httpGet } from '../support/httpGet.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'metered';
const PRICES = '{"currency": "EUR", "activeHour": "360", "viewerGigabyte": "1000000"}';
/** C0, C1 and C2 (RTMP specification section 5.2). */
const HANDSHAKE_BYTES = 1 + 1536 + 1536;
const run = promisify(execFile);

let rtmp: RtmpServer;
let server: ServerProcess;
let swarm: Swarm;
let api: ServerApi;
let broadcast: BroadcastStatus;
/** Of bodies, as they came over the wire. */
let fetchedBytes = 0;
/** Working time as the log has it, ms. */
let ranMs = 0;
let runBegan = 0;

beforeAll(async () => {
  const settings = { LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true', LIANMAI_SFU_WORKERS: '1', LIANMAI_PRICES: PRICES };
  [rtmp, server] = await Promise.all([RtmpServer.start(), ServerProcess.start(settings)]);
  api = new ServerApi(server.url);
  swarm = new Swarm({ url: server.url, peers: 1, token: () => api.joinToken(ROOM, 'host') });
  await swarm.start();
});
afterAll(async () => {
  await swarm?.stop();
  await server?.stop('SIGKILL');
  await rtmp?.close();
});

async function usage(query = ''): Promise<UsageAnswer> {
  const { status, body } = await httpGet(`${server.url}/v1/usage?${query}`);
  expect([status, status === 200 ? '' : body.toString()]).toEqual([200, '']);
  return UsageAnswer.parse(JSON.parse(body.toString()));
}

async function watch(path: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, body } = await httpGet(new URL(path, server.url).href, headers);
  if (status === 200 || status === 206) fetchedBytes += body.length;
  return body.toString('latin1');
}

/** As a player does: playlists, compressed too, init segments, segments whole and in part, both ways of the server. */
async function watchAll(): Promise<void> {
  const multivariant = await watch(broadcast.playlist);
  const names = [...multivariant.matchAll(/^[^#\n]+\.m3u8$|URI="([^"]+)"/gm)].map((m) => m[1] ?? m[0]);
  expect(names.length).toBeGreaterThan(1);
  for (const name of names) {
    const base = new URL(name, new URL(broadcast.playlist, server.url));
    const playlist = await watch(base.pathname);
    await watch(base.pathname, { 'accept-encoding': 'gzip' });
    const files = [...playlist.matchAll(/^[^#\n]+\.m4s$|URI="([^"]+)"/gm)].map((m) => m[1] ?? m[0]);
    const next = /#EXT-X-PRELOAD-HINT:TYPE=PART,URI="(\d+)\.(\d+)\.m4s"/.exec(playlist);
    for (const file of files)
      await watch(new URL(file, base).pathname, file.includes('init') ? { range: 'bytes=0-99' } : {});
    if (next) await watch(`${base.pathname}?_HLS_msn=${next[1]}&_HLS_part=${next[2]}`);
  }
  await watch(new URL('state.json', new URL(broadcast.playlist, server.url)).pathname);
  // An error is nothing that anybody has to pay for.
  expect((await httpGet(new URL('nothing.m4s', new URL(broadcast.playlist, server.url)).href)).status).toBe(404);
}

/** A compositor works: from its first segment on. */
async function compositorReady(): Promise<number> {
  const { firstSegment } = await server.waitForLog((line) => line.msg === 'compositor ready');
  return (broadcast.startedAt ?? 0) + Number(firstSegment) * 2_000;
}

test('while it is live: viewers’ bytes are the bytes fetched', async () => {
  broadcast = await api.startBroadcast(ROOM, {
    tenant: 'acme',
    destinations: [{ url: rtmp.url, key: 'usage-key' }],
    video: { width: 320, height: 180, fps: 24, bitrate: 200_000 },
  });
  runBegan = await compositorReady();
  expect(runBegan).toBe(broadcast.startedAt);
  await rtmp.waitFor((call) => call.call === 'publish');
  await eventually(
    async () => (await api.broadcast(ROOM)).destinations[0]?.state === 'live',
    'the destination is live',
  );
  await watchAll();
  const { usage: sums, total, complete, next } = await usage();
  expect([complete, next, sums.length]).toEqual([true, null, 1]);
  expect(sums[0]).toMatchObject({ tenant: 'acme', room: ROOM, broadcasts: 1, viewerBytes: fetchedBytes });
  expect(total.viewerBytes).toBe(fetchedBytes);
  expect(total.cpuMs).toBeGreaterThan(0);
});

test('a compositor that is killed is not at work until the next one is', async () => {
  const { pid } = await server.waitForLog((line) => line.msg === 'compositor bound');
  process.kill(Number(pid), 'SIGKILL');
  const { time } = await server.waitForLog((line) => line.msg === 'compositor lost');
  ranMs += Date.parse(String(time)) - runBegan;
  const { firstSegment } = await server.waitForLog(
    (line) => line.msg === 'compositor ready' && Number(line.firstSegment) > 0,
  );
  runBegan = (broadcast.startedAt ?? 0) + Number(firstSegment) * 2_000;
  await eventually(() => Date.now() > runBegan + 500, 'the new compositor is at work');
  expect(Math.abs((await usage()).total.activeMs - (ranMs + Date.now() - runBegan))).toBeLessThan(200);
});

test('kill -9 of the server costs no more than a step, and counts nothing twice', async () => {
  const before = (await usage()).total;
  await server.kill();
  ranMs += Date.now() - runBegan;
  server = await server.again();
  const left = (await usage()).total;
  expect(left.viewerBytes).toBe(fetchedBytes);
  expect(left.activeMs).toBeGreaterThanOrEqual(before.activeMs);
  runBegan = await compositorReady();
  await eventually(() => Date.now() > runBegan + 500, 'the broadcast has gone on');
  await watchAll();
});

test('at the end: the time of working to 100 ms, output on the grid, and what the RTMP server has received', async () => {
  await api.stopBroadcast(ROOM);
  const ending = await server.waitForLog((line) => String(line.state ?? '').endsWith('-> ending'));
  ranMs += Date.parse(String(ending.time)) - runBegan;
  const { usage: sums, total } = await usage('by=broadcast');
  expect(sums.map((sum) => sum.broadcast)).toEqual([broadcast.id]);
  // A step for the steps, and one that the killed process had not saved.
  expect(Math.abs(total.activeMs - ranMs)).toBeLessThanOrEqual(200);
  expect(total.activeMs % 100).toBe(0);
  expect(total.viewerBytes).toBe(fetchedBytes);
  const [audio, video] = total.output;
  expect([audio?.rendition, video?.rendition]).toEqual(['a0', 'v180']);
  expect(audio?.ms).toBe(video?.ms);
  // Not what was on its way at either death, nor the part that was not whole at the end.
  expect(video?.ms).toBeGreaterThan(ranMs - 3_000);
  expect(video?.ms).toBeLessThanOrEqual(ranMs + 100);
  const received = Number(/<bytes_in>(\d+)/.exec(await rtmp.stat())?.[1] ?? 0);
  expect(received).toBeGreaterThan(10_000);
  // nginx does not count what the two connections began with; the killed process may have sent for a step more than it had saved.
  const sent = received + 2 * HANDSHAKE_BYTES;
  expect(Math.abs(total.egressBytes / sent - 1)).toBeLessThan(0.05);
  expect(sums[0]?.egress).toEqual([
    { destination: broadcast.destinations[0]?.id, target: broadcast.destinations[0]?.target, bytes: total.egressBytes },
  ]);
  // 360 EUR an hour are a cent each 100 ms; a gigabyte for a million is a cent each 10 bytes.
  const cents = total.activeMs / 100 + total.viewerBytes / 10;
  expect(Math.abs((total.cost?.minor ?? 0) - cents)).toBeLessThanOrEqual(0.5);
});

test('a broadcast that nothing happens to is as long as it was, to 100 ms', async () => {
  const { id, startedAt } = await api.startBroadcast('calm', {
    video: { width: 320, height: 180, fps: 24, bitrate: 200_000 },
  });
  await eventually(() => Date.now() > (startedAt ?? 0) + 1_500, 'it runs');
  await api.stopBroadcast('calm');
  const ending = await server.waitForLog((line) => line.broadcast === id && String(line.state).endsWith('-> ending'));
  const { usage: sums } = await usage('room=calm&by=tenant,room');
  const lasted = Date.parse(String(ending.time)) - (startedAt ?? 0);
  expect(sums).toMatchObject([{ tenant: 'default', room: 'calm', broadcasts: 1 }]);
  expect(Math.abs((sums[0]?.activeMs ?? 0) - lasted)).toBeLessThanOrEqual(100);
  // To the millisecond what was made and could be seen, in whole parts.
  expect((sums[0]?.output ?? []).map(({ ms }) => Math.round(ms / (1000 / 3)))).toEqual(
    Array(2).fill(Math.floor(lasted / (1000 / 3))),
  );
});

test('after the end nothing grows but what is still fetched; as CSV the same, in pages with a link to the next', async () => {
  const before = (await usage('tenant=acme')).total;
  await watchAll();
  const { total } = await usage('tenant=acme');
  expect(total).toEqual({ ...before, viewerBytes: fetchedBytes, cost: total.cost });
  const { headers, body } = await httpGet(`${server.url}/v1/usage?format=csv&tenant=acme`);
  expect(headers['content-type']).toBe('text/csv; charset=utf-8');
  const script = 'import csv, json, sys; print(json.dumps(list(csv.DictReader(sys.stdin, strict=True))))';
  const child = run('python3', ['-c', script]);
  child.child.stdin?.end(body);
  const lines = JSON.parse((await child).stdout) as Record<string, string>[];
  const sum = (kind: string) => lines.reduce((all, l) => (l.kind === kind ? all + Number(l.quantity) : all), 0);
  expect([sum('active'), sum('cpu'), sum('egress'), sum('viewers')]).toEqual([
    total.activeMs,
    total.cpuMs,
    total.egressBytes,
    total.viewerBytes,
  ]);
  expect((await usage('tenant=other')).usage).toEqual([]);
  expect((await usage(`room=${ROOM}&from=2000-01-01&to=2000-12-31`)).usage).toEqual([]);
  for (const wrong of ['from=yesterday', 'by=peer', 'limit=0', 'after=x', 'format=xml'])
    expect((await httpGet(`${server.url}/v1/usage?${wrong}`)).status, wrong).toBe(400);
});
