/** Who is told what, and when: the people are stand-ins with streams of numbers; the clock is the test's. */
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NO_FIGURES } from '../../../../src/broadcast/ProgramMeter.ts';
import { StatusBoard } from '../../../../src/broadcast/StatusBoard.ts';
import { BroadcastInput } from '../../../../src/contracts/broadcast.ts';
import { HealthReport, RoomHealth as RoomView } from '../../../../src/contracts/health.ts';
import { RoomHealth } from '../../../../src/rooms/health/RoomHealth.ts';
import type { Peer } from '../../../../src/rooms/Peer.ts';
import { readMetric, roomMetrics } from '../../../support/sfuMetrics.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A person who sends one microphone; each look finds 100 packets more, and `lost` of them lost. */
function person(id: string, role: 'host' | 'cohost') {
  const told: RoomView[] = [];
  const sends = { lost: 0, looks: 0 };
  const totals = { packetCount: 0, packetsLost: 0, byteCount: 0 };
  const observer = new EventEmitter();
  const producer = {
    ...{ id: `producer-${id}`, paused: false, observer, appData: { source: 'microphone' } },
    rtpParameters: { encodings: [{}] },
    getStats: async () => {
      sends.looks++;
      totals.packetCount += 100 - sends.lost;
      totals.packetsLost += sends.lost;
      totals.byteCount += 1_000;
      const again = { packetsRepaired: 0, packetsRetransmitted: 0 };
      return [{ ...totals, ...again, ssrc: 1, bitrate: 40_000, jitter: 0, mimeType: 'audio/opus' }];
    },
  };
  const peer = {
    ...{ id, role, name: id, presence: 'here' },
    link: { show: (_: string, view: RoomView) => told.push(structuredClone(view)) },
    media: { producers: [producer], endpoint: { uploadProtocol: 'udp' } },
  } as unknown as Peer;
  return { peer, told, sends, observer };
}

function setUp() {
  const ann = person('pannaaaaaaaaa', 'host');
  const bob = person('pbobaaaaaaaaa', 'cohost');
  const seated = [ann.peer, bob.peer];
  const metrics = roomMetrics().health;
  const health = new RoomHealth({ seated: () => seated, metrics, now: () => Date.now() });
  return { ann, bob, seated, metrics, health };
}
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);
const keys = (view: RoomView | undefined) => view?.findings.map(({ key }) => key);
const statusOf = () =>
  new StatusBoard({ id: 'baaaaaaaaaaaa', room: 'demo', input: BroadcastInput.parse({}), onStatus: () => {} }).status;

test('while all is well people are looked at each eight seconds; a host is told of all, the others of themselves', async () => {
  const { ann, bob, health } = setUp();
  health.wake();
  await seconds(2);
  expect(ann.told).toHaveLength(1);
  expect(RoomView.parse(ann.told[0])).toEqual(ann.told[0]);
  expect(ann.told[0]?.people.map(({ peer, level }) => `${peer} ${level}`)).toEqual([
    'pannaaaaaaaaa good',
    'pbobaaaaaaaaa good',
  ]);
  expect(bob.told[0]?.people.map(({ peer }) => peer)).toEqual(['pbobaaaaaaaaa']);
  await seconds(32);
  expect(bob.sends.looks).toBe(5);
  health.close();
  await seconds(60);
  expect(bob.sends.looks).toBe(5);
});

test('a score that changes is looked into at once, and what is not well each two seconds, until it is over', async () => {
  const { ann, bob, metrics, health } = setUp();
  health.wake();
  await seconds(2);
  bob.sends.lost = 20;
  bob.observer.emit('score');
  await seconds(8);
  expect(keys(ann.told.at(-1))).toEqual(['upload:pbobaaaaaaaaa']);
  expect(ann.told.at(-1)?.people[1]).toMatchObject({ level: 'poor', lostPercent: 20 });
  expect(keys(bob.told.at(-1))).toEqual(['upload:pbobaaaaaaaaa']);
  expect(await readMetric(metrics.findings, { code: 'upload', severity: 'bad' })).toBe(1);
  const looks = bob.sends.looks;
  await seconds(4);
  expect(bob.sends.looks).toBe(looks + 2);
  bob.sends.lost = 0;
  await seconds(30);
  expect(keys(ann.told.at(-1))).toEqual([]);
  expect(ann.told.at(-1)?.people[1]?.level).toBe('good');
  expect(await readMetric(metrics.raised, { code: 'upload' })).toBe(1);
  expect(await readMetric(metrics.findings, { code: 'upload' })).toBe(0);
});

test('one’s own trouble is told to hosts and oneself, and to nobody else', async () => {
  const { ann, bob, health } = setUp();
  health.wake();
  ann.sends.lost = 50;
  await seconds(20);
  expect(keys(ann.told.at(-1))).toEqual(['upload:pannaaaaaaaaa']);
  expect(keys(bob.told.at(-1))).toEqual([]);
});

test('what a page reports counts while it is new', async () => {
  const { ann, bob, health } = setUp();
  health.wake();
  const report = HealthReport.parse({ picture: { width: 640, height: 360, fps: 24 }, limitedBy: 'cpu', rttMs: 30 });
  for (let i = 0; i < 3; i++) {
    health.report(bob.peer, report);
    await seconds(4);
  }
  expect(ann.told.at(-1)?.people[1]).toMatchObject({ rttMs: 30, limitedBy: 'cpu', picture: report.picture });
  expect(keys(ann.told.at(-1))).toEqual(['cpu:pbobaaaaaaaaa']);
  await seconds(30);
  expect(ann.told.at(-1)?.people[1]).toMatchObject({ rttMs: null, limitedBy: 'none', picture: null });
  expect(keys(ann.told.at(-1))).toEqual([]);
});

test('a live program’s figures go to hosts each two seconds, to nobody else, and end with it', async () => {
  const { ann, bob, health } = setUp();
  const live = { ...statusOf(), state: 'live' as const, fps: 30, viewers: 7 };
  health.program({ ...live, degradation: 'half-program-rate' }, { ...NO_FIGURES, cpuPercent: 80, latencyMs: 2_400 });
  await seconds(2);
  expect(ann.told.at(-1)?.program).toMatchObject({
    fps: 30,
    wantedFps: 30,
    cpuPercent: 80,
    latencyMs: 2_400,
    viewers: 7,
  });
  expect(keys(ann.told.at(-1))).toEqual(['starved']);
  expect(bob.told.at(-1)).toMatchObject({ program: null, findings: [] });
  const before = ann.told.length;
  await seconds(6);
  expect(ann.told.length).toBe(before + 3);
  health.program({ ...live, state: 'ended' }, NO_FIGURES);
  await seconds(12);
  expect(ann.told.at(-1)).toMatchObject({ program: null, findings: [] });
});

test('who is away is told of, and an empty room is left alone', async () => {
  const { ann, bob, seated, health } = setUp();
  health.wake();
  Object.assign(bob.peer, { presence: 'away', link: undefined });
  await seconds(2);
  expect(keys(ann.told.at(-1))).toEqual(['away:pbobaaaaaaaaa']);
  expect(ann.told.at(-1)?.people[1]?.level).toBe('none');
  seated.length = 0;
  await seconds(30);
  expect(health.view).toEqual({ people: [], program: null, findings: [] });
  expect(vi.getTimerCount()).toBe(0);
  seated.push(ann.peer);
  health.wake();
  await seconds(2);
  expect(health.view.people).toHaveLength(1);
});

test('closed, it tells nobody anything, counts nothing, and does not begin again', async () => {
  const { ann, bob, metrics, health } = setUp();
  Object.assign(bob.peer, { presence: 'away' });
  health.wake();
  await seconds(2);
  expect(await readMetric(metrics.findings, { code: 'away' })).toBe(1);
  health.close();
  health.close();
  health.wake();
  const { length } = ann.told;
  await seconds(20);
  expect(ann.told).toHaveLength(length);
  expect(await readMetric(metrics.findings, { code: 'away' })).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
