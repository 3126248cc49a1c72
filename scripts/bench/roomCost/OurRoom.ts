import { setTimeout as delay } from 'node:timers/promises';
import { HlsRecorder } from '../../../test/support/program/HlsRecorder.ts';
import { type LogLine, ServerProcess } from '../../../test/support/ServerProcess.ts';
import type { BenchContext } from '../../bench.ts';
import { ServerApi } from '../../simulator/serverApi.ts';
import { cpuSecondsOf } from '../support/CpuMeter.ts';
import { residentBytesOf } from '../support/residentBytes.ts';
import { SimulatorProcess } from '../support/SimulatorProcess.ts';
import { scrape } from '../support/scrape.ts';

const ROOM = 'bench';
/**
 * From `live` to the measuring, ms: the slate is made beside the first segment, the agent loads its next process, and the SFU moves
 * up to the layers that fit. All happen once a broadcast.
 */
const SETTLE_MS = 8_000;
const SAMPLE_MS = 1_000;

export interface RoomUse {
  /** User and system, scaled to exactly the seconds that were asked for. */
  cpuSeconds: number;
  /** The most that was resident at any second, octets. */
  rssBytes: number;
  /** One sample a second. */
  rss: { atSeconds: number; bytes: number }[];
  /** Frames that were the last picture again because there was no time; a figure with many is none. */
  repeatedFrames: number;
  /** Recorded tracks. */
  video: string;
  audio: string;
}

export interface RoomOptions extends BenchContext {
  peers: number;
  seconds: number;
  /** For the recording; null: nothing is recorded. */
  folder: string | null;
}

export async function runRoom({ peers, seconds, folder, say, signal }: RoomOptions): Promise<RoomUse> {
  await using stack = new AsyncDisposableStack();
  signal.throwIfAborted();
  const server = await ServerProcess.start({ LIANMAI_LOG_LEVEL: 'info' });
  stack.defer(() => server.stop().then(() => {}));
  const simulator = await SimulatorProcess.start(['--url', server.url, '--room', ROOM, '--peers', String(peers)]);
  stack.defer(() => simulator.stop().then(() => {}));
  await simulator.joined(peers);
  const api = new ServerApi(server.url);
  const status = await api.startBroadcast(ROOM, {});
  const pid = Number((await server.waitForLog(isReady)).pid);
  await delay(SETTLE_MS, undefined, { signal });
  const before = await scrape(`${server.internalUrl}/metrics`);
  const recorder =
    folder === null ? null : await HlsRecorder.start({ url: server.url + status.playlist, folder, signal });
  if (recorder) stack.defer(() => recorder.stop());
  const use = await measure(pid, seconds, signal);
  const after = await scrape(`${server.internalUrl}/metrics`);
  if (server.logs().filter(isReady).length > 1) throw new Error('the compositor was replaced while it was measured');
  await recorder?.segments(Math.ceil(seconds / 2));
  await api.stopBroadcast(ROOM);
  await recorder?.finished();
  const repeated = 'lianmai_compositor_repeated_frames_total';
  const repeatedFrames = (after[repeated] ?? 0) - (before[repeated] ?? 0);
  say(
    `${peers} peers: compositor ${use.cpuSeconds.toFixed(2)} s of CPU, ${(use.rssBytes / 1e6).toFixed(0)} MB, ${repeatedFrames} frames repeated`,
  );
  const file = (letter: string) => recorder?.tracks.find(({ name }) => name.startsWith(letter))?.file ?? '';
  return { ...use, repeatedFrames, video: file('v'), audio: file('a') };
}

/** The compositor's own line; the controller says so too. */
const isReady = ({ name, msg }: LogLine): boolean => name === 'compositor' && msg === 'compositor ready';

async function measure(pid: number, seconds: number, signal: AbortSignal) {
  const rss: RoomUse['rss'] = [];
  const [cpu, begunAt] = [await cpuSecondsOf(pid), performance.now()];
  const passed = () => (performance.now() - begunAt) / 1000;
  while (passed() < seconds) {
    await delay(Math.min(SAMPLE_MS, 1000 * (seconds - passed())), undefined, { signal });
    rss.push({ atSeconds: passed(), bytes: await residentBytesOf(pid) });
  }
  const used = (await cpuSecondsOf(pid)) - cpu;
  return {
    cpuSeconds: (used * seconds) / passed(),
    rssBytes: Math.max(...rss.map(({ bytes }) => bytes)),
    rss,
  };
}
