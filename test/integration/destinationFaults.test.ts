/**
 * Servers that die, hang, refuse, reset and are slow, side by side behind one program, while another destination and the viewers of HLS are to
 * notice nothing. The scenario is played once; each test reads one thing of it. `npm run bench -- destinations` plays it in real length.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DestinationStatus } from '../../src/contracts/deliveryControl.ts';
import { RECONNECT } from '../../src/delivery/destinations/Backoff.ts';
import { DestinationShow } from '../support/DestinationShow.ts';
import { FaultyProxy } from '../support/FaultyProxy.ts';
import { packetsOf, uneven } from '../support/flvPackets.ts';
import { GRID, SMALL, TestClip, VIDEO } from '../support/programParts.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { SlowLink } from '../support/SlowLink.ts';
import { TlsFront } from '../support/TlsFront.ts';

/** What the issue asks for, ms. */
const STATE_MS = 5000;
const STALL_STATE_MS = 10_000;
/** From an attempt to `live`: ffmpeg's start, the handshake and its next report of progress; generous for a busy machine, ms. */
const CONNECT_MS = 6000;
/** A minute is a second in the outages that are too long for a test: the backoff runs so much faster. */
const CLOCK = 60;
const FRAME = 1 / GRID.fps;
const [GOOD, KILLED, STALLED, STALLED_TLS, REFUSED, RESETTING, SLOW] = [
  'dgood0000',
  'dkilled00',
  'dstalled0',
  'dstalledtls',
  'drefused0',
  'dresetting',
  'dslow0000',
];
const LONG = 'dlongoutage';
const live = (s: DestinationStatus): boolean => s.state === 'live';
const reconnecting = (s: DestinationStatus): boolean => s.state === 'reconnecting';

const closers: (() => unknown)[] = [];
/** ms; `status` as it was when the state was right. */
interface Loss {
  stateMs: number;
  stepMs: number;
  backMs: number;
  status: DestinationStatus | undefined;
}
const seen = {
  killed: { stateMs: 0, backMs: 0, stepMs: 0, status: undefined } as Loss,
  stalled: {} as Record<string, Loss>,
  slowMs: 0,
  outages: [] as { seconds: number; attempts: number; stateMs: number; backMs: number; longestWaitMs: number }[],
  playlist: '',
};
let show: DestinationShow;
let long: DestinationShow;
let server: RtmpServer;
let fragile: RtmpServer;

async function owned<T extends { close(): unknown }>(making: Promise<T>): Promise<T> {
  const made = await making;
  closers.unshift(() => made.close());
  return made;
}

const urlOf = (proxy: { port: number }, key: string): string => `rtmp://127.0.0.1:${proxy.port}/live/${key}`;

/** The wait before the attempt that comes next, ms. */
const stepOf = (status: DestinationStatus): number => Math.max(0, (status.retryAt ?? Date.now()) - Date.now());

async function killFor(seconds: number): Promise<void> {
  await fragile.kill();
  seen.killed.stateMs = await show.msUntil(KILLED, reconnecting);
  await delay(seconds * 1000);
  await fragile.run();
  seen.killed.status = show.status(KILLED);
  seen.killed.stepMs = stepOf(await show.until(KILLED, reconnecting));
  seen.killed.backMs = await show.msUntil(KILLED, live);
}

async function stallUntilNoticed(id: string, proxy: FaultyProxy): Promise<void> {
  proxy.stall();
  const stateMs = await show.msUntil(id, reconnecting);
  const status = show.status(id);
  proxy.flow();
  const stepMs = stepOf(await show.until(id, reconnecting));
  seen.stalled[id] = { stateMs, stepMs, backMs: await show.msUntil(id, live), status };
}

/** The server is gone for so long on the shortened clock. */
async function outage(proxy: FaultyProxy, seconds: number): Promise<void> {
  const before = long.history(LONG).length;
  await proxy.down();
  const stateMs = await long.msUntil(LONG, reconnecting);
  await delay((seconds * 1000) / CLOCK);
  const waits = long.history(LONG).slice(before).filter(reconnecting);
  await proxy.up();
  const backMs = await long.msUntil(LONG, live);
  const planned = [...new Set(waits.map(({ retryAt }) => retryAt))].filter((at) => at !== null);
  const steps = planned.map((at, i) => at - (planned[i - 1] ?? at));
  seen.outages.push({ seconds, attempts: planned.length, stateMs, backMs, longestWaitMs: Math.max(...steps) });
}

beforeAll(async () => {
  const clip = await owned(TestClip.make('testsrc2', 'sine=f=440', { ...SMALL, bitrate: 2_500_000 }));
  server = await owned(RtmpServer.start());
  fragile = await owned(RtmpServer.start());
  server.denied.add('no-entry');
  const tls = await owned(TlsFront.start(server.port));
  tls.trust();
  const proxies = await Promise.all(Array.from({ length: 3 }, () => owned(FaultyProxy.start(() => server.port))));
  const [stalling, resetting, absent] = proxies as [FaultyProxy, FaultyProxy, FaultyProxy];
  const stallingTls = await owned(FaultyProxy.start(() => tls.port));
  resetting.resetAfterMs = 3000;
  show = await owned(
    DestinationShow.start(clip, {
      [GOOD]: `${server.url}/good`,
      [KILLED]: `${fragile.url}/killed`,
      [STALLED]: urlOf(stalling, 'stalled'),
      [STALLED_TLS]: `rtmps://localhost:${stallingTls.port}/live/tls-stalled`,
      [REFUSED]: `${server.url}/no-entry`,
      [RESETTING]: urlOf(resetting, 'resetting'),
    }),
  );
  const { firstMs, baseMs, capMs, random } = RECONNECT;
  const reconnect = { firstMs: firstMs / CLOCK, baseMs: baseMs / CLOCK, capMs: capMs / CLOCK, random };
  long = await owned(DestinationShow.start(clip, { [LONG]: urlOf(absent, 'long') }, { reconnect }));
  await Promise.all([
    ...[GOOD, KILLED, STALLED, STALLED_TLS].map((id) => show.until(id, live)),
    show.until(REFUSED, reconnecting),
    long.until(LONG, live),
  ]);
  await Promise.all([
    killFor(5),
    stallUntilNoticed(STALLED, stalling),
    stallUntilNoticed(STALLED_TLS, stallingTls),
    (async () => {
      const slow = await owned(SlowLink.start(server.port, 12_500));
      show.add(SLOW, urlOf(slow, 'slow'));
      await show.until(SLOW, live);
      seen.slowMs = await show.msUntil(SLOW, (s) => s.cause === 'slow');
      await show.until(SLOW, (s) => s.droppedGops > 2);
    })(),
    (async () => {
      await outage(absent, 60);
      await outage(absent, 600);
    })(),
    show.until(RESETTING, (s) => s.connects >= 3),
  ]);
  server.denied.clear();
  await show.until(REFUSED, live);
  seen.playlist = await (
    await fetch(`${show.stack.url}/live/demo/${show.controller.broadcast}/${VIDEO}/index.m3u8`)
  ).text();
  await Promise.all([show.end(), long.end()]);
  await server.waitFor((c) => c.call === 'record_done' && c.name === 'good');
}, 120_000);
afterAll(async () => {
  for (const close of closers) await close();
});

const recordingsOf = async (of: RtmpServer, key: string): Promise<string[]> =>
  (await of.recordings()).filter((file) => file.includes(`/${key}-`));

describe('nobody else notices', () => {
  test('HLS has no gap, and no part is missing', () => {
    expect(show.controller.of('gap')).toEqual([]);
    expect(long.controller.of('gap')).toEqual([]);
    expect(seen.playlist).toContain('#EXTINF');
    expect(seen.playlist).not.toMatch(/GAP|DISCONTINUITY/);
  });

  test('the other destination is one publish without a hole', async () => {
    expect(show.history(GOOD).every((s) => s.state !== 'reconnecting')).toBe(true);
    expect(show.status(GOOD)).toMatchObject({ state: 'stopped', connects: 1, droppedGops: 0, reason: '' });
    const [file, ...more] = await recordingsOf(server, 'good');
    expect(more).toEqual([]);
    const { video, audio } = await packetsOf(file ?? '');
    expect(video.length).toBeGreaterThan(15 * GRID.fps);
    expect(uneven(video, FRAME)).toEqual([]);
    expect(uneven(audio, 1024 / 48_000)).toEqual([]);
  });
});

describe('the state is right, and the stream comes back', () => {
  test('a server that is killed for 5 s', () => {
    const { stateMs, backMs, stepMs, status } = seen.killed;
    expect(stateMs).toBeLessThan(STATE_MS);
    expect(status).toMatchObject({ cause: 'unreachable', reason: 'the server refused the connection' });
    expect(backMs).toBeLessThan(stepMs + CONNECT_MS);
  });

  test('a server that is gone for 60 s and for 10 min (on a clock that is 60 times as fast)', () => {
    for (const { seconds, attempts, stateMs, backMs, longestWaitMs } of seen.outages) {
      expect(stateMs).toBeLessThan(STATE_MS);
      expect(backMs).toBeLessThan(RECONNECT.capMs / CLOCK + CONNECT_MS);
      expect(attempts).toBeGreaterThan(seconds / 60);
      // Timers and connections that are refused take their time too.
      expect(longestWaitMs).toBeLessThan(RECONNECT.capMs / CLOCK + 250);
    }
    expect(seen.outages.map(({ seconds }) => seconds)).toEqual([60, 600]);
    expect(seen.outages[1]?.attempts).toBeGreaterThan(20);
  });

  test.each([
    ['RTMP', STALLED],
    ['RTMPS', STALLED_TLS],
  ])('a server that stalls with a zero window, by %s', (_, id) => {
    const { stateMs = Number.NaN, backMs, stepMs = Number.NaN, status } = seen.stalled[id] ?? {};
    expect(stateMs).toBeLessThan(STALL_STATE_MS);
    expect(status).toMatchObject({ cause: 'hung', reason: 'the server stopped taking data' });
    expect(backMs).toBeLessThan(stepMs + CONNECT_MS);
  });

  test('a server that refuses the key', () => {
    const first = show.history(REFUSED).find(reconnecting);
    expect(first).toMatchObject({ cause: 'refused', connects: 0 });
    expect(first?.reason).toContain('the server refused the stream key');
    expect(server.publishes('no-entry')).toBeGreaterThan(3);
    expect(show.status(REFUSED)?.connects).toBe(1);
  });

  test('a server that resets each connection after 3 s', () => {
    const states = show.history(RESETTING);
    const told = states.find((s) => reconnecting(s) && s.connects === 1);
    expect(told).toMatchObject({ cause: 'closed', reason: 'the server reset the connection' });
    expect(show.status(RESETTING)?.connects).toBeGreaterThanOrEqual(3);
  });

  test('a server that takes 100 kbit/s is live, told to be slow, and gets whole GOPs', async () => {
    expect(seen.slowMs).toBeLessThan(STATE_MS);
    expect(show.history(SLOW).filter(reconnecting)).toEqual([]);
    const slow = show.history(SLOW).findLast(live);
    expect(slow).toMatchObject({ cause: 'slow', connects: 1 });
    expect(slow?.droppedGops).toBeGreaterThan(2);
  });
});

describe('at the server', () => {
  test('never two publishers of one key', () => {
    const keys = ['good', 'stalled', 'tls-stalled', 'no-entry', 'resetting', 'slow', 'long'];
    expect(Object.fromEntries(keys.map((key) => [key, server.mostPublishers(key)]))).toEqual(
      Object.fromEntries(keys.map((key) => [key, 1])),
    );
    expect(fragile.mostPublishers('killed')).toBe(1);
  });

  test('each connection begins with a key frame, and its times go on where the grid is', async () => {
    for (const [of, key] of [
      [fragile, 'killed'],
      [server, 'stalled'],
      [server, 'tls-stalled'],
      [server, 'resetting'],
    ] as const) {
      const all = await Promise.all((await recordingsOf(of, key)).map(packetsOf));
      const whole = all.filter(({ video }) => video.length > 0);
      expect(whole.length).toBeGreaterThan(1);
      const starts = whole.map(({ video }) => video[0] ?? 0);
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      for (const { video, audio, startsWithKey } of whole) {
        expect(startsWithKey).toBe(true);
        expect((video[0] ?? 0) % (GRID.framesPerSegment / GRID.fps)).toBeLessThan(0.002);
        expect(uneven(video, FRAME)).toEqual([]);
        expect(audio).toEqual(audio.toSorted((a, b) => a - b));
      }
    }
  });
});
