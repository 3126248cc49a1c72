/**
 * What arrives of a person is judged where it arrives: a peer sends through a hop that loses packets; the host and the peer are told, and told
 * when it is over. Real workers, rooms and signalling.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NO_FIGURES } from '../../src/broadcast/ProgramMeter.ts';
import { StatusBoard } from '../../src/broadcast/StatusBoard.ts';
import { BroadcastInput } from '../../src/contracts/broadcast.ts';
import { type Finding, RoomHealth } from '../../src/contracts/health.ts';
import type { PeerId } from '../../src/contracts/ids.ts';
import { LossyHop, SOUND } from '../support/ingest/LossyHop.ts';
import { RtcPeer, RtcTransport } from '../support/RtcPeer.ts';
import type { SignalingClient } from '../support/SignalingClient.ts';
import { SignalingStack } from '../support/SignalingStack.ts';
import { readMetric } from '../support/sfuMetrics.ts';

const ROOM = 'health';
/** A quarter of all packets, and each up to 30 ms late. */
const DAMAGED = { loss: 0.25, delayMs: 0, jitterMs: 30 };
/** Several looks, each of which a client waits for by itself; only a hang meets this, ms. */
const LIMIT_MS = 90_000;

let stack: SignalingStack;
let hop: LossyHop;
let host: SignalingClient;
let ada: SignalingClient;
let bob: SignalingClient;
let transport: RtcTransport;
let sending: RtcPeer;

beforeAll(async () => {
  stack = await SignalingStack.create();
  hop = await LossyHop.create();
  host = await stack.join({ sub: 'host', room: ROOM });
  ada = await stack.join({ sub: 'ada', room: ROOM, role: 'cohost', name: 'Ada' });
  bob = await stack.join({ sub: 'bob', room: ROOM, role: 'cohost', name: 'Bob' });
  transport = await sendThrough(hop, ada);
  sending = new RtcPeer(transport);
  for (const [source, rtpParameters] of [
    ['camera', sending.cameraParameters],
    ['microphone', sending.microphoneParameters],
  ] as const)
    await ada.call('producer:create', { transportId: transport.id, source, rtpParameters });
  sending.start();
});

afterAll(async () => {
  sending?.stop();
  await transport?.stop();
  await stack?.close();
  hop?.close();
});

/** A transport to send by, whose packets go through the hop both ways. */
async function sendThrough(way: LossyHop, client: SignalingClient): Promise<RtcTransport> {
  const options = await client.call('transport:create', { direction: 'send' });
  const candidate = options.iceCandidates.find(({ protocol }) => protocol === 'udp');
  way.to(Number(candidate?.port));
  const prepared = await RtcTransport.prepare({ ...options, iceCandidates: [{ ...candidate, port: way.port }] });
  const { fingerprints } = prepared.dtls.localParameters;
  await client.call('transport:connect', { transportId: options.id, dtlsParameters: { role: 'client', fingerprints } });
  await prepared.ice.start();
  await prepared.dtls.start();
  return prepared;
}

/** The next that is like this, however many come before. */
async function told(client: SignalingClient, match: (health: RoomHealth) => boolean): Promise<RoomHealth> {
  for (;;) {
    const health = await client.next('room:health');
    if (match(health)) return health;
  }
}

const of = (health: RoomHealth, peer: string) => health.people.find((person) => person.peer === peer);
const found = ({ findings }: RoomHealth, code: Finding['code'], peer?: PeerId): Finding | undefined =>
  findings.find((finding) => finding.code === code && finding.peer === peer);

test('a host is told how much of each person arrives; the person is told of themselves alone', async () => {
  const health = await told(host, (each) => of(each, ada.id)?.level === 'good');
  expect(RoomHealth.parse(health)).toEqual(health);
  expect(health.people.map(({ peer }) => peer)).toEqual([host.id, ada.id, bob.id]);
  expect(of(health, ada.id)).toMatchObject({ protocol: 'udp', limitedBy: 'none', picture: null });
  expect(of(health, ada.id)?.bitrate).toBeGreaterThan(0);
  // Who sends nothing is not judged.
  expect(of(health, bob.id)?.level).toBe('none');
  const own = await told(ada, (each) => of(each, ada.id)?.level === 'good');
  expect(own).toMatchObject({ program: null, people: [{ peer: ada.id }] });
  const whole = await told(host, (each) => of(each, ada.id)?.layers?.sent === 3);
  expect(of(whole, ada.id)?.layers).toEqual({ sent: 3, of: 3 });
}, LIMIT_MS);

test('an upload that loses packets is found and told to the host and to the person, and to nobody else; it goes away after', async () => {
  hop.damage = DAMAGED;
  const health = await told(host, (each) => found(each, 'upload', ada.id) !== undefined);
  const finding = found(health, 'upload', ada.id);
  expect(['warn', 'bad']).toContain(finding?.severity);
  expect(Number(finding?.values.lost)).toBeGreaterThanOrEqual(3);
  expect(['fair', 'poor']).toContain(of(health, ada.id)?.level);
  expect(found(await told(ada, (each) => each.findings.length > 0), 'upload', ada.id)).toBeDefined();
  expect(await readMetric(stack.metrics.rooms.health.raised, { code: 'upload' })).toBe(1);
  expect(stack.registry.get(ROOM)?.health.view.findings.map(({ key }) => key)).toContain(`upload:${ada.id}`);
  expect(bob.events.filter(({ name, arg }) => name === 'room:health' && (arg as RoomHealth).findings.length > 0)).toEqual(
    [],
  );

  hop.damage = SOUND;
  const after = await told(host, (each) => found(each, 'upload', ada.id) === undefined);
  expect(of(after, ada.id)?.lostPercent).toBeLessThan(3);
}, LIMIT_MS);

test('a camera and a microphone that are on and of which nothing comes: nobody sees or hears that person', async () => {
  sending.stop();
  const health = await told(host, (each) => Boolean(found(each, 'no-sound', ada.id) && found(each, 'no-picture', ada.id)));
  expect(of(health, ada.id)?.level).not.toBe('good');
  sending.start();
  await told(host, (each) => !found(each, 'no-sound', ada.id) && !found(each, 'no-picture', ada.id));
}, LIMIT_MS);

test('what a page reports is shown and judged; what is none is refused, and what comes from nobody with a seat passed over', async () => {
  const picture = { width: 640, height: 360, fps: 24 };
  const report = { picture, limitedBy: 'cpu', availableBps: 900_000, rttMs: 41, silentMs: 0 };
  const reporting = setInterval(() => void bob.call('health:report', report), 1_000);
  try {
    const health = await told(host, (each) => found(each, 'cpu', bob.id) !== undefined);
    expect(of(health, bob.id)).toMatchObject({ picture, limitedBy: 'cpu', availableBps: 900_000, rttMs: 41 });
  } finally {
    clearInterval(reporting);
  }
  expect(await bob.refusal('health:report', { ...report, limitedBy: 'the moon' })).toBe('bad-request');
  const watcher = await stack.join({ sub: 'eve', room: ROOM, role: 'audience' });
  await watcher.call('health:report', report);
  expect(watcher.events.map(({ name }) => name)).not.toContain('room:health');
}, LIMIT_MS);

test('a broadcast that gives way to CPU pressure is a finding, with the program’s figures', async () => {
  const board = new StatusBoard({
    ...{ id: 'baaaaaaaaaaaa', room: ROOM, input: BroadcastInput.parse({}) },
    onStatus: (room, status, figures) => stack.registry.get(room)?.broadcastStatus(status, figures),
  });
  board.meter.delivered({ type: 'stats', bitrate: 1, viewers: 3, latencyMs: 2_300, stalledPercent: 0 });
  board.set({ state: 'live', fps: 30, viewers: 3, degradation: 'half-source-rate' });
  const health = await told(host, (each) => found(each, 'starved') !== undefined);
  expect(found(health, 'starved')?.values).toEqual({ step: 'half-source-rate' });
  expect(health.program).toEqual({
    ...{ ...NO_FIGURES, latencyMs: 2_300, stalledPercent: 0 },
    ...{ fps: 30, wantedFps: 30, bitrate: 0, viewers: 3, degradation: 'half-source-rate' },
  });
  board.set({ degradation: 'none' });
  await told(host, (each) => found(each, 'starved') === undefined);
  board.set({ state: 'ended' });
  board.close();
  expect((await told(host, ({ program }) => program === null)).findings.map(({ code }) => code)).not.toContain('starved');
}, LIMIT_MS);

test('who loses the connection is told of until they are back', async () => {
  ada.close();
  const health = await told(host, (each) => found(each, 'away', ada.id) !== undefined);
  expect(of(health, ada.id)?.level).toBe('none');
  ada = await stack.join({ sub: 'ada', room: ROOM, role: 'cohost' }, { resume: ada.id });
  await told(host, (each) => found(each, 'away', ada.id) === undefined);
}, LIMIT_MS);
