/**
 * What arrives of a person is judged where it arrives: a peer sends through a hop that loses packets; the host and the peer are told, and told
 * when it is over. Real workers, rooms and signalling.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

/** A quarter of all packets, and each up to 30 ms late. */
const DAMAGED = { loss: 0.25, delayMs: 0, jitterMs: 30 };
/** Several looks, each of which a client waits for by itself; only a hang meets this, ms. */
const LIMIT_MS = 90_000;

let stack: SignalingStack;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  stack = await SignalingStack.create();
});

afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
  await stack?.close();
});

/** A room with a host and a co-host, who is called Ada. */
async function roomOf(room: string): Promise<{ host: SignalingClient; ada: SignalingClient }> {
  const host = await stack.join({ sub: 'host', room });
  return { host, ada: await stack.join({ sub: 'ada', room, role: 'cohost', name: 'Ada' }) };
}

/** She sends a camera and a microphone, through a hop both ways. */
async function sendThroughHop(client: SignalingClient): Promise<{ hop: LossyHop; sending: RtcPeer }> {
  const hop = await LossyHop.create();
  const options = await client.call('transport:create', { direction: 'send' });
  const candidate = options.iceCandidates.find(({ protocol }) => protocol === 'udp');
  hop.to(Number(candidate?.port));
  const transport = await RtcTransport.prepare({ ...options, iceCandidates: [{ ...candidate, port: hop.port }] });
  const { fingerprints } = transport.dtls.localParameters;
  await client.call('transport:connect', { transportId: options.id, dtlsParameters: { role: 'client', fingerprints } });
  await transport.ice.start();
  await transport.dtls.start();
  const sending = new RtcPeer(transport);
  for (const [source, rtpParameters] of [
    ['camera', sending.cameraParameters],
    ['microphone', sending.microphoneParameters],
  ] as const)
    await client.call('producer:create', { transportId: transport.id, source, rtpParameters });
  sending.start();
  cleanups.push(async () => {
    sending.stop();
    await transport.stop();
    hop.close();
  });
  return { hop, sending };
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

// They mostly wait: each in its own room, all at a time.
describe.concurrent('the host is told', { timeout: LIMIT_MS }, () => {
  test('how much of each person arrives; then whose upload loses packets, until it is over. The person is told of themselves, nobody else is', async () => {
    const { host, ada } = await roomOf('damaged');
    const bob = await stack.join({ sub: 'bob', room: 'damaged', role: 'cohost', name: 'Bob' });
    const { hop } = await sendThroughHop(ada);
    const good = await told(host, (each) => of(each, ada.id)?.layers?.sent === 3 && of(each, ada.id)?.level === 'good');
    expect(RoomHealth.parse(good)).toEqual(good);
    expect(good.people.map(({ peer }) => peer)).toEqual([host.id, ada.id, bob.id]);
    expect(of(good, ada.id)).toMatchObject({
      protocol: 'udp',
      layers: { sent: 3, of: 3 },
      limitedBy: 'none',
      picture: null,
    });
    // Who sends nothing is not judged.
    expect(of(good, bob.id)?.level).toBe('none');
    const own = await told(ada, (each) => of(each, ada.id)?.level === 'good');
    expect(own).toMatchObject({ program: null, people: [{ peer: ada.id }] });

    hop.damage = DAMAGED;
    const bad = await told(host, (each) => found(each, 'upload', ada.id) !== undefined);
    const finding = found(bad, 'upload', ada.id);
    expect(['warn', 'bad']).toContain(finding?.severity);
    expect(Number(finding?.values.lost)).toBeGreaterThanOrEqual(3);
    expect(['fair', 'poor']).toContain(of(bad, ada.id)?.level);
    expect(found(await told(ada, (each) => each.findings.length > 0), 'upload', ada.id)).toBeDefined();
    expect(await readMetric(stack.metrics.rooms.health.raised, { code: 'upload' })).toBeGreaterThanOrEqual(1);
    expect(stack.registry.get('damaged')?.health.view.findings.map(({ key }) => key)).toContain(`upload:${ada.id}`);

    hop.damage = SOUND;
    const after = await told(host, (each) => found(each, 'upload', ada.id) === undefined);
    expect(of(after, ada.id)?.lostPercent).toBeLessThan(3);
    const toBob = bob.events.filter(({ name }) => name === 'room:health').map(({ arg }) => arg as RoomHealth);
    expect(toBob.flatMap(({ findings }) => findings)).toEqual([]);
  });

  test('of a camera and a microphone that are on and of which nothing comes: nobody sees or hears that person', async () => {
    const { host, ada } = await roomOf('nothing');
    const { sending } = await sendThroughHop(ada);
    await told(host, (each) => of(each, ada.id)?.level === 'good');
    sending.stop();
    const missing = (each: RoomHealth) => [found(each, 'no-sound', ada.id), found(each, 'no-picture', ada.id)];
    const health = await told(host, (each) => missing(each).every(Boolean));
    expect(of(health, ada.id)?.level).not.toBe('good');
    sending.start();
    await told(host, (each) => !missing(each).some(Boolean));
  });

  test('what a page reports; what is none is refused, and what comes from nobody with a seat passed over', async () => {
    const { host, ada } = await roomOf('reports');
    const picture = { width: 640, height: 360, fps: 24 };
    const report = { picture, limitedBy: 'cpu', availableBps: 900_000, rttMs: 41, silentMs: 0 };
    const reporting = setInterval(() => void ada.call('health:report', report), 1_000);
    try {
      const health = await told(host, (each) => found(each, 'cpu', ada.id) !== undefined);
      expect(of(health, ada.id)).toMatchObject({ picture, limitedBy: 'cpu', availableBps: 900_000, rttMs: 41 });
    } finally {
      clearInterval(reporting);
    }
    expect(await ada.refusal('health:report', { ...report, limitedBy: 'the moon' })).toBe('bad-request');
    const watcher = await stack.join({ sub: 'eve', room: 'reports', role: 'audience' });
    await watcher.call('health:report', report);
    expect(watcher.events.map(({ name }) => name)).not.toContain('room:health');
  });

  test('of a broadcast that gives way to CPU pressure, with the program’s figures', async () => {
    const { host } = await roomOf('starved');
    const board = new StatusBoard({
      ...{ id: 'baaaaaaaaaaaa', room: 'starved', input: BroadcastInput.parse({}) },
      onStatus: (room, status, figures) => stack.registry.get(room)?.broadcastStatus(status, figures),
    });
    cleanups.push(() => board.close());
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
    await told(host, ({ program }) => program === null);
  });

  test('who loses the connection, until they are back', async () => {
    const { host, ada } = await roomOf('away');
    ada.close();
    const health = await told(host, (each) => found(each, 'away', ada.id) !== undefined);
    expect(of(health, ada.id)?.level).toBe('none');
    await stack.join({ sub: 'ada', room: 'away', role: 'cohost' }, { resume: ada.id });
    await told(host, (each) => found(each, 'away', ada.id) === undefined);
  });
});
