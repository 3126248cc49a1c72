/**
 * The main job under load: a real server, simulated peers, a broadcast, and the HLS program recorded as a viewer gets it. What
 * was recorded is read afterwards, so that reading takes nothing from the two cores.
 *
 *   av_offset_ms_max   flash to beep in the program, largest of all peers and events; ≤ 50
 *   late_ratio         frames composed more than a frame period after their time on the grid, of all; ≤ 0.01
 *   missing, doubled   frames of the grid that the program lacks or has twice; 0
 *
 * --keep FOLDER keeps the recording and the server's log.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gridLayout } from '../../src/layout/grid.ts';
import { HlsRecorder } from '../../test/support/program/HlsRecorder.ts';
import { type PeerReading, type ProgramReading, readProgram } from '../../test/support/program/readProgram.ts';
import { breaks, cadence } from '../../test/support/program/timeline.ts';
import { ServerProcess } from '../../test/support/ServerProcess.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { ClipStore } from '../simulator/clip/ClipStore.ts';
import { ServerApi } from '../simulator/serverApi.ts';
import { CpuMeter } from './support/CpuMeter.ts';
import { SimulatorProcess, simulatorFigures } from './support/SimulatorProcess.ts';
import { scrape } from './support/scrape.ts';
import { spread } from './support/spread.ts';

const ROOM = 'bench';
/** What the issue asks for. */
const LIMITS = { avOffsetMs: 50, lateRatio: 0.01 } as const;
const FPS = 30;

interface Run {
  recorder: HlsRecorder;
  metrics: Record<string, number>;
  cpu: Record<string, number>;
  simulated: Record<string, unknown>;
}

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      peers: { type: 'string', default: '6' },
      seconds: { type: 'string', default: '60' },
      keep: { type: 'string' },
    },
  });
  const [peers, seconds] = [Number(values.peers), Number(values.seconds)];
  if (!(peers >= 1 && peers <= 16 && seconds >= 5)) throw new Error('--peers 1 to 16, --seconds 5 or more');
  const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'lianmai-bench-')));
  try {
    await makeClips(peers, context);
    const done = await broadcast(folder, peers, seconds, context);
    context.say('reading the recorded program …');
    const program = await readProgram({
      inputs: done.recorder.tracks.map((track) => track.file),
      cells: gridLayout(peers, 1280, 720),
    });
    return report(program, done, peers);
  } finally {
    if (!values.keep) await rm(folder, { recursive: true, force: true });
  }
};

async function makeClips(peers: number, { say, signal }: BenchContext): Promise<void> {
  const store = new ClipStore({ onMake: (clip) => say(`making the clip of peer ${clip} (once) …`) });
  signal.addEventListener('abort', () => store.close(), { once: true });
  await Promise.all(Array.from({ length: peers }, (_, clip) => store.get(clip, 'vp8')));
  store.close();
}

async function broadcast(folder: string, peers: number, seconds: number, { say, signal }: BenchContext): Promise<Run> {
  await using stack = new AsyncDisposableStack();
  signal.throwIfAborted();
  const server = await ServerProcess.start({ LIANMAI_LOG_LEVEL: 'info' });
  stack.defer(async () => {
    await server.stop();
    await writeFile(join(folder, 'server.log'), server.output.join('\n'));
  });
  const simulator = await SimulatorProcess.start(['--url', server.url, '--room', ROOM, '--peers', String(peers)]);
  stack.defer(() => simulator.stop().then(() => {}));
  await simulator.joined(peers);
  say(`${peers} peers have joined`);
  const api = new ServerApi(server.url);
  const status = await api.startBroadcast(ROOM, {});
  if (status.state !== 'live') throw new Error(`the broadcast is ${status.state}`);
  say(`live; recording ${seconds} s …`);
  const recorder = await HlsRecorder.start({ url: server.url + status.playlist, folder, signal });
  stack.defer(() => recorder.stop());
  const meter = await CpuMeter.start({ server: server.pid, simulator: simulator.pid });
  const segments = Math.ceil(seconds / 2);
  await recorder.segments(segments);
  const cpu = await meter.percent();
  const metrics = await scrape(`${server.internalUrl}/metrics`);
  await api.stopBroadcast(ROOM);
  await recorder.finished();
  const simulated = await simulator.stop();
  return { recorder, metrics, cpu, simulated };
}

function report(program: ProgramReading, { recorder, metrics, cpu, simulated }: Run, peers: number) {
  const frames = metrics.lianmai_compositor_frames_total ?? 0;
  const late = metrics.lianmai_compositor_late_frames_total ?? 0;
  const { missing, doubled, offGrid } = cadence(program.videoTimes, FPS);
  const readings = [...program.peers.values()];
  const offsets = readings.flatMap((peer) => peer.offsets.map((o) => o.offsetMs));
  const total = (of: (peer: (typeof readings)[number]) => number) => readings.reduce((sum, peer) => sum + of(peer), 0);
  const lateRatio = frames > 0 ? late / frames : null;
  const worst = offsets.length > 0 ? Math.max(...offsets.map(Math.abs)) : null;
  const tiles = program.frames.length * peers;
  const video = recorder.tracks.find((track) => track.name.startsWith('v'));
  return {
    peers,
    seconds: Math.round(program.frames.length / FPS),
    av_offset_ms_max: worst === null ? null : round(worst),
    av_offset_ms: spread(offsets),
    av_events: offsets.length,
    late_ratio: lateRatio === null ? null : Number(lateRatio.toFixed(5)),
    missing: missing + (program.videoTimes.length - program.frames.length),
    doubled,
    off_grid: offGrid,
    frames: program.frames.length,
    frames_composed: frames,
    frames_late: late,
    frames_repeated: metrics.lianmai_compositor_repeated_frames_total ?? 0,
    audio_breaks: breaks(program.audioPackets).length,
    init_segments: video?.inits.size ?? 0,
    segments_missed: recorder.tracks.reduce((sum, track) => sum + track.missed, 0),
    gaps: recorder.tracks.reduce((sum, track) => sum + track.gaps.length, 0),
    sequence_back: recorder.tracks.reduce((sum, track) => sum + stepsBack(track.sequences), 0),
    tiles_unread: tiles - total((peer) => peer.sightings.length),
    pictures_repeated: total((peer) => peer.counters.repeats),
    pictures_skipped: total((peer) => peer.counters.skips),
    pictures_back: total((peer) => peer.counters.backwards),
    /** Sums of all peers: where in the recording it went wrong. */
    pictures_repeated_by_second: repeatsBySecond(readings),
    by_peer: readings.map((peer) => ({
      ...{ peer: peer.clip, ...peer.counters, flashes: peer.flashes.length, beeps: peer.beeps.length },
      av_offset_ms: spread(peer.offsets.map((o) => o.offsetMs)),
    })),
    cpu_percent_of_core: cpu,
    simulator: simulatorFigures(simulated),
    pass:
      worst !== null &&
      lateRatio !== null &&
      readings.length === peers &&
      worst <= LIMITS.avOffsetMs &&
      lateRatio <= LIMITS.lateRatio &&
      missing === 0 &&
      doubled === 0,
  };
}

function repeatsBySecond(readings: readonly PeerReading[]): number[] {
  const seconds: number[] = [];
  for (const { sightings } of readings) {
    const start = sightings[0]?.at ?? 0;
    sightings.forEach(({ at, counter }, i) => {
      const second = Math.floor(at - start);
      seconds[second] = (seconds[second] ?? 0) + (counter === sightings[i - 1]?.counter ? 1 : 0);
    });
  }
  return Array.from(seconds, (repeats) => repeats ?? 0);
}

const round = (value: number): number => Number(value.toFixed(1));

const stepsBack = (values: readonly number[]): number => values.filter((v, i) => v < (values[i - 1] ?? 0)).length;
