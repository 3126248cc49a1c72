/** The controller with everything real: mediasoup, agent, the compositor's own child process, delivery. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Logger, pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { Agent } from '../../compositor/agent/Agent.ts';
import { Broadcasts } from '../../src/broadcast/Broadcasts.ts';
import { monotonicClock } from '../../src/common/clock.ts';
import { BroadcastInput } from '../../src/contracts/broadcast.ts';
import { MemoryDirectory } from '../../src/directory/MemoryDirectory.ts';
import { ControlClient } from '../support/broadcast/ControlClient.ts';
import { InternalServer } from '../support/broadcast/InternalServer.ts';
import { agentMetrics, broadcastMetrics } from '../support/broadcast/metrics.ts';
import { eventually, gone, isRunning } from '../support/broadcast/processes.ts';
import { TestRoom } from '../support/broadcast/TestRoom.ts';
import { DeliveryStack, SERVICE_TOKEN } from '../support/deliveryStack.ts';
import { grabPicture, meanColour, packetsOf } from '../support/frames.ts';
import { vp8Clip } from '../support/ingest/clip.ts';
import { MediasoupRig, VP8 } from '../support/ingest/MediasoupRig.ts';
import { vp8Payloads } from '../support/ingest/packetize.ts';
import { HlsRecorder } from '../support/program/HlsRecorder.ts';

/** From the death of a compositor to its successor's first segment: the rest of the segment that was broken off, and one more at most. */
const MAX_HOLE_SEGMENTS = 2;
/** The brightest channel, 0 to 255: about 250 in the test picture, below 80 in a placeholder. */
const PICTURE = 160;
const AGENT = fileURLToPath(new URL('../support/broadcast/agentProcess.ts', import.meta.url));
const ANNA = 'paaaaaaaa';
const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

/** Log lines, parsed, as they come. */
function capture(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  return { logger, lines };
}

async function setUp() {
  const { logger, lines } = capture();
  const delivery = await DeliveryStack.start();
  cleanup.push(() => delivery.close());
  const agent = await Agent.create({
    mediaIp: '127.0.0.1',
    mediaPorts: [42_000, 42_999],
    maxChildren: 2,
    logLevel: 'warn',
    verifyService: async (token) => token === SERVICE_TOKEN,
    logger,
    metrics: agentMetrics(),
  });
  cleanup.push(() => agent.close());
  const server = await InternalServer.listen({ '/control': agent });
  cleanup.push(() => server.close());
  const sfu = await MediasoupRig.create();
  cleanup.push(() => sfu.close());
  const room = new TestRoom(sfu.router);
  const broadcasts = new Broadcasts({
    directory: new MemoryDirectory({ agents: () => [server.url], delivery: () => delivery.internalUrl }),
    newServiceToken: async () => SERVICE_TOKEN,
    destinationPolicy: async (url) => url,
    clock: monotonicClock,
    logger,
    metrics: broadcastMetrics(),
    onStatus: () => {},
  });
  cleanup.push(() => broadcasts.close());
  const pids = () => lines.filter((l) => l.msg === 'compositor bound').map((l) => Number(l.pid));
  return { delivery, agent, sfu, room, broadcasts, lines, pids };
}

/** Sends a lively picture as the peer's camera. */
async function addCamera(sfu: MediasoupRig, room: TestRoom, peer: string): Promise<void> {
  const clip = await vp8Clip({ size: '640x360', frames: 60, gop: 30, bitrate: '800k' });
  room.publish(peer, 'camera', await sfu.produce(VP8, [7001]));
  let at = 0;
  sfu.streamer.add({
    ssrc: 7001,
    payloadType: VP8.preferredPayloadType,
    clockRate: 90_000,
    frameMs: 1000 / 30,
    firstSequence: 1,
    firstTimestamp: 1,
    frame: (n, wantsKey) => {
      at = wantsKey ? 0 : (at + 1) % clip.length;
      return vp8Payloads(clip[at]!.data, n & 0x7fff);
    },
  });
  sfu.streamer.start();
}

test('a killed compositor is replaced on the same grid: one init segment, no number back, frames 1/30 s apart', async () => {
  const { delivery, sfu, room, broadcasts, lines, pids } = await setUp();
  room.join(ANNA);
  await addCamera(sfu, room, ANNA);
  const status = await broadcasts.start(room, BroadcastInput.parse({ video: { width: 1280, height: 720 } }));
  expect(status.state).toBe('live');
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-program-'));
  cleanup.push(() => rm(folder, { recursive: true, force: true }));
  const recorder = await HlsRecorder.start({ url: `${delivery.url}${status.playlist}`, folder });
  cleanup.push(() => recorder.stop());
  await recorder.segments(2);

  const [pid] = pids();
  process.kill(pid!, 'SIGKILL');
  await gone(pid!);
  await eventually(() => broadcasts.status('demo')?.restarts === 1 && broadcasts.status('demo')?.state === 'live');
  await recorder.segments(4);

  const ended = await broadcasts.stop('demo', 'stopped');
  expect(ended).toMatchObject({ state: 'ended', endReason: 'stopped', restarts: 1 });
  await recorder.finished();
  for (const track of recorder.tracks) {
    expect(track).toMatchObject({ ended: true, missed: 0, discontinuities: 0 });
    expect(track.inits.size).toBe(1);
    expect(track.sequences).toEqual([...track.sequences].sort((a, b) => a - b));
    expect(track.gaps.length).toBeLessThanOrEqual(MAX_HOLE_SEGMENTS);
  }
  const track = recorder.tracks.find(({ name }) => name === 'v720')!;
  const packets = await packetsOf(track.file, 'v');
  // On the grid before and after the hole, and the hole itself is whole segments.
  const frames = packets.map(({ ptsS }) => Math.round((ptsS - packets[0]!.ptsS) * 30));
  const steps = frames.slice(1).map((frame, i) => frame - frames[i]!);
  const hole = track.gaps.length * 60;
  expect(steps.filter((step) => step !== 1)).toEqual(hole ? [hole + 1] : []);
  for (const [i, { ptsS }] of packets.entries())
    expect(Math.abs(ptsS - packets[0]!.ptsS - frames[i]! / 30)).toBeLessThan(1e-3);
  await eventually(() => pids().every((p) => !isRunning(p)));
  expect(lines.filter((l) => Number(l.level) >= 50)).toEqual([]);
});

test('a dead mediasoup worker: the program never stops, and the picture comes back over another one', async () => {
  const { delivery, sfu, room, broadcasts, pids } = await setUp();
  room.join(ANNA);
  await addCamera(sfu, room, ANNA);
  const status = await broadcasts.start(room, BroadcastInput.parse({ video: { width: 640, height: 360 } }));
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-program-'));
  cleanup.push(() => rm(folder, { recursive: true, force: true }));
  const recorder = await HlsRecorder.start({ url: `${delivery.url}${status.playlist}`, folder });
  cleanup.push(() => recorder.stop());
  const { file, segments } = recorder.tracks.find(({ name }) => name === 'v360')!;
  /** The left edge of the newest segment's last picture: the test picture's is bright red, a placeholder's is nearly black. */
  const brightness = async () => {
    const picture = await grabPicture(file, 640, 360, ['-sseof', '-0.1']);
    return Math.max(...meanColour(picture, { x: 0, y: 0, width: 100, height: 360 }));
  };
  await recorder.segments(2);
  expect(await brightness()).toBeGreaterThan(PICTURE);

  process.kill(sfu.worker.pid, 'SIGKILL');
  await once(sfu.worker, 'died');
  const other = await MediasoupRig.create();
  cleanup.push(() => other.close());
  room.replaceRouter(other.router);
  await recorder.segments(segments.length + 2);
  const without = await brightness();
  await addCamera(other, room, ANNA);
  await recorder.segments(segments.length + 2);
  expect(without).toBeLessThan(PICTURE);
  expect(await brightness()).toBeGreaterThan(PICTURE);

  expect(await broadcasts.stop('demo', 'stopped')).toMatchObject({ restarts: 0 });
  await recorder.finished();
  expect(pids()).toHaveLength(1);
  for (const track of recorder.tracks) expect(track).toMatchObject({ gaps: [], missed: 0, discontinuities: 0 });
  const times = (await packetsOf(file, 'v')).map(({ ptsS }) => ptsS);
  expect(times.every((t, i) => i === 0 || Math.abs(t - times[i - 1]! - 1 / 30) < 1e-3)).toBe(true);
});

test('when the agent’s process is killed, real compositors end too', async () => {
  const parent = fork(AGENT);
  cleanup.push(() => parent.kill('SIGKILL'));
  const [{ url }] = (await once(parent, 'message')) as [{ url: string }];
  const client = await ControlClient.connect(url);
  const { pid } = await client.open().message('bound');
  parent.kill('SIGKILL');
  await gone(pid);
});
