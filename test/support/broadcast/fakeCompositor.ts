/**
 * A compositor child without media: a real process on a real UDP port that speaks the IPC protocol of compositor/agent. It counts
 * the packets that come, by SSRC (which SRTP leaves in the clear), and says so in its stats.
 *
 * FAKE_COMPOSITOR in its environment makes it misbehave: `silent` is never warm, `unbound` never binds, `unready` is never ready,
 * `stubborn` neither stops nor takes SIGTERM, `crash-at-open`, `crash-at-job`, `fenced` (ends so on its first job), `fatal` (dies before it is warm),
 * `not-taken` (all that it puts is refused).
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { ChildMessage } from '../../../compositor/agent/childProtocol.ts';
import type { ControllerMessage } from '../../../src/contracts/control.ts';
import type { Job } from '../../../src/contracts/job.ts';

const mode = process.env.FAKE_COMPOSITOR ?? '';
const STATS_MS = 100;

const say = (message: ChildMessage): void => {
  if (process.connected) process.send?.(message);
};
process.on('disconnect', () => process.exit(0));
if (mode === 'fatal') {
  console.error('the fake compositor falls over');
  process.exit(3);
}
if (mode === 'stubborn') process.on('SIGTERM', () => {});

const socket = createSocket('udp4');
const packets = new Map<number, number>();
socket.on('message', (packet) => {
  const rtcp = (packet[1] ?? 0) >= 192 && (packet[1] ?? 0) <= 223;
  if (!rtcp) packets.set(packet.readUInt32BE(8), (packets.get(packet.readUInt32BE(8)) ?? 0) + 1);
});

let job: Job | undefined;
let frame = 0;
let clockErrorMs = 0;

function stats(): void {
  const sources = Object.fromEntries(
    (job?.sources ?? []).map((source) => [
      source.id,
      {
        packets: packets.get(source.ssrc) ?? 0,
        lost: 0,
        recovered: 0,
        nacks: 0,
        plis: 0,
        decoded: 0,
        dropped: 0,
        width: 0,
        height: 0,
        playoutDelayMs: 0,
      },
    ]),
  );
  frame += 3;
  const figures = { repeatedFrames: 0, composeMsP50: 1, composeMsP95: 2, encodeMsP50: 3, encodeMsP95: 4 };
  const process_ = { cpuSeconds: process.cpuUsage().user / 1e6, rssBytes: process.memoryUsage.rss() };
  say({
    type: 'stats',
    stats: {
      frame,
      fps: 30,
      frames: frame,
      lateFrames: 2,
      partLatencyMsP95: 5,
      bitrate: 1000,
      clockErrorMs,
      degradation: 'none',
      ...figures,
      ...process_,
      sources,
    },
  });
  if (mode === 'not-taken') say({ type: 'not-taken' });
  say({ type: 'clock-ask', t0: performance.now() });
  const carry = { playoutDelayMs: 77, gainDb: -3, rtpToProgram: { atRtp: 1, atProgramMs: 2 } };
  say({ type: 'carry', sources: Object.fromEntries((job?.sources ?? []).map((s) => [s.id, carry])) });
}

function onJob(next: Job): void {
  if (mode === 'unbound') return;
  const first = !job;
  job = next;
  if (first && mode === 'crash-at-job') process.abort();
  if (first && mode === 'fenced') {
    say({ type: 'ended', reason: 'fenced', lastSegment: null, message: 'a newer owner exists' });
    process.exit(0);
  }
  if (first && mode !== 'unready') {
    say({ type: 'ready' });
    setInterval(stats, STATS_MS);
  }
  say({ type: 'applied', fromFrame: next.fromFrame });
}

process.on('message', (raw) => {
  const message = raw as ControllerMessage;
  switch (message.type) {
    case 'open':
      if (mode === 'crash-at-open') process.exit(7);
      if (mode === 'unbound') return;
      socket.bind(0, process.env.LIANMAI_MEDIA_HOST, () => {
        const { address: ip, port } = socket.address();
        const srtpParameters = {
          cryptoSuite: 'AEAD_AES_128_GCM',
          keyBase64: randomBytes(28).toString('base64'),
        } as const;
        say({ type: 'bound', ip, port, srtpParameters, pid: process.pid });
      });
      return;
    case 'job':
      onJob(message.job);
      return;
    case 'clock':
      // Controller and child share the machine's monotonic clock but not its zero; only the way there and back is known.
      clockErrorMs = performance.now() - message.t0;
      return;
    case 'stop':
      if (mode === 'stubborn') return;
      say({ type: 'ended', reason: 'stopped', lastSegment: message.lastSegment ?? 3, message: '' });
      socket.close();
      process.disconnect();
      process.exit(0);
      return;
    default:
  }
});

if (mode !== 'silent') say({ type: 'warm' });
