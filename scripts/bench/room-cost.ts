/**
 * What a room costs, CPU seconds (user and system) for the same media, in real time, 1280x720 at 30 fps, x264 veryfast, one thread:
 *
 *   cpu_s            the compositor's process, fed by the SFU with RTP: simulcast peers, sound mixed and encoded, parts put
 *   floor_cpu_s      encoding of that program's finished pictures and sound, and nothing else        to_floor ≤ 1.45 (4 peers)
 *   ffmpeg_cpu_s     the ffmpeg command line, a static `xstack` and `amix` of the clips' top layers   to_ffmpeg ≤ 0.90
 *   gstreamer_cpu_s  GStreamer's `compositor` and `audiomixer` of the same                            to_gstreamer ≤ 0.62
 *   rss_mb           the most that the compositor had resident                                        ≤ 250
 *   ratio_16_to_4    cpu_s of 16 peers to that of 4                                                   ≤ 1.7
 *
 * The four run one after the other, so that each has the machine's noise of the same minute; with --repeat several rounds, of which the
 * medians are told. --peers 1,2,4 runs only these rooms; --seconds of media (20); --keep FOLDER keeps recordings and clips.
 * --soak MINUTES runs 4 peers for so long instead, and tells `rss_slope_mb_per_h`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, BenchContext } from '../bench.ts';
import { installDebianPackages, missingDebianPackages } from '../setup/systemPackages.mjs';
import { ClipStore } from '../simulator/clip/ClipStore.ts';
import { writeClipFiles } from './roomCost/clipFiles.ts';
import type { FloorResult } from './roomCost/floor.ts';
import { runRoom } from './roomCost/OurRoom.ts';
import {
  missedLimits,
  type PeersReport,
  type Round,
  ratio16To4,
  reportPeers,
  slopeMbPerHour,
} from './roomCost/report.ts';
import { type Command, ffmpegCommand, GSTREAMER_PACKAGES, gstreamerCommand, PROGRAM } from './roomCost/rivals.ts';

const ROOMS = [1, 2, 4, 9, 16];
const SOAK_PEERS = 4;
/** Of all frames, those that may be the last picture again, which costs less, for a figure to be one. */
const MAX_REPEATED_SHARE = 0.01;
/** Rounds that are thrown away before the bench gives up. */
const MAX_STARVED = 3;
/** Linux' USER_HZ: /proc counts CPU in hundredths of a second. */
const TICKS_PER_SECOND = 100;

interface Settings extends BenchContext {
  seconds: number;
  folder: string;
  clips: ClipStore;
  gstreamer: boolean;
}

export const run: Bench = async (context) => {
  const options = readOptions(context.args);
  const folder = options.keep ?? (await mkdtemp(join(tmpdir(), 'lianmai-cost-')));
  const clips = new ClipStore({ onMake: (clip) => context.say(`making the clip of peer ${clip} (once) …`) });
  context.signal.addEventListener('abort', () => clips.close(), { once: true });
  try {
    if (options.soakMinutes > 0) return await soak(options.soakMinutes, context);
    const gstreamer = await haveGstreamer(context);
    const settings = { ...context, ...options, folder, clips, gstreamer };
    const peers: Record<string, PeersReport> = {};
    for (const count of options.peers) {
      peers[count] = reportPeers(await runRounds(count, settings));
    }
    const reported = { peers, ratio_16_to_4: ratio16To4(peers), rss_slope_mb_per_h: null };
    const missed = missedLimits(reported);
    return { ...reported, seconds: options.seconds, repeat: options.repeat, missed, pass: missed.length === 0 };
  } finally {
    clips.close();
    if (!options.keep) await rm(folder, { recursive: true, force: true });
  }
};

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      peers: { type: 'string', default: ROOMS.join(',') },
      seconds: { type: 'string', default: '20' },
      repeat: { type: 'string', default: '1' },
      soak: { type: 'string', default: '0' },
      keep: { type: 'string' },
    },
  });
  const peers = values.peers.split(',').map(Number);
  const [seconds, repeat, soakMinutes] = [Number(values.seconds), Number(values.repeat), Number(values.soak)];
  if (!peers.every((count) => ROOMS.includes(count))) throw new Error(`--peers: some of ${ROOMS.join(',')}`);
  // Whole segments: the floor encodes them one by one.
  if (!(seconds >= 4 && seconds % 2 === 0)) throw new Error('--seconds: an even number, 4 or more');
  if (!(repeat >= 1 && Number.isInteger(repeat))) throw new Error('--repeat: 1 or more');
  if (!(soakMinutes >= 0)) throw new Error('--soak: minutes');
  return { peers, seconds, repeat, soakMinutes, keep: values.keep };
}

/** A round in which the machine had no time for the program is made again, some times. */
async function runRounds(peers: number, settings: Settings & { repeat: number }): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let tries = 0; rounds.length < settings.repeat; tries++) {
    const round = await runRound(peers, tries, settings);
    const starved = round.repeatedFrames > MAX_REPEATED_SHARE * settings.seconds * PROGRAM.fps;
    if (!starved) rounds.push(round);
    else if (tries >= settings.repeat + MAX_STARVED)
      throw new Error('the machine is too busy to measure anything on it');
    else settings.say('the machine had no time for the program: once more');
  }
  return rounds;
}

async function runRound(peers: number, round: number, settings: Settings): Promise<Round> {
  const { folder, clips, seconds, say, signal, gstreamer } = settings;
  const files = await writeClipFiles({ clips, folder, peers, seconds });
  const room = await runRoom({ ...settings, peers, folder: join(folder, `${peers}-peers-${round}`) });
  const floor = await runFloor([room.video, room.audio, String(seconds)], signal);
  const ffmpeg = await cpuOf(ffmpegCommand(files, seconds), signal);
  const gst = gstreamer ? await cpuOf(gstreamerCommand(files), signal) : null;
  say(`floor ${floor.toFixed(2)} s, ffmpeg ${ffmpeg.toFixed(2)} s, GStreamer ${gst?.toFixed(2) ?? 'not there'}`);
  const { cpuSeconds: cpu, rssBytes, repeatedFrames } = room;
  return { cpu, floor, ffmpeg, gstreamer: gst, rssBytes, repeatedFrames };
}

async function runFloor(args: string[], signal: AbortSignal): Promise<number> {
  const entry = join(import.meta.dirname, 'roomCost/floor.ts');
  const out = await runCommand({ program: process.execPath, args: [entry, ...args] }, signal);
  const { cpuSeconds, videoFrames } = JSON.parse(out) as FloorResult;
  if (videoFrames < Number(args[2]) * PROGRAM.fps) throw new Error(`the recorded program has ${videoFrames} frames`);
  return cpuSeconds;
}

/** What a program uses from its start to its end. No other child may end meanwhile. */
async function cpuOf(command: Command, signal: AbortSignal): Promise<number> {
  const before = await endedChildrenSeconds();
  await runCommand(command, signal);
  return (await endedChildrenSeconds()) - before;
}

/** CPU of all children that have ended, and of theirs (proc(5): cutime, cstime). */
async function endedChildrenSeconds(): Promise<number> {
  const stat = await readFile('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** Its stdout. Rejects with its last words. */
async function runCommand({ program, args }: Command, signal: AbortSignal): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err = (said.err + text).slice(-2000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said.err}`);
  return said.out;
}

/** Installs it where that can be done; else says how, and the bench goes on without. */
async function haveGstreamer({ say }: BenchContext): Promise<boolean> {
  const missing = missingDebianPackages(GSTREAMER_PACKAGES);
  if (missing.length === 0) return true;
  try {
    say(`installing ${missing.join(' ')} …`);
    await installDebianPackages(missing, 'GStreamer, which the bench compares with');
    return true;
  } catch (error) {
    say(`without GStreamer: ${(error as Error).message}`);
    return false;
  }
}

async function soak(minutes: number, context: BenchContext): Promise<Record<string, unknown>> {
  const seconds = Math.round(minutes * 60);
  const { rss, rssBytes, cpuSeconds } = await runRoom({ ...context, peers: SOAK_PEERS, seconds, folder: null });
  const slope = slopeMbPerHour(rss);
  const missed = missedLimits({ peers: {}, ratio_16_to_4: null, rss_slope_mb_per_h: slope });
  const everyMinute = rss.filter((_, i) => i % 60 === 0).map(({ bytes }) => Math.round(bytes / 1e6));
  return {
    ...{ peers: {}, ratio_16_to_4: null, rss_slope_mb_per_h: slope, seconds, rss_mb: Math.round(rssBytes / 1e6) },
    ...{ rss_mb_each_minute: everyMinute, cpu_s: cpuSeconds, missed, pass: missed.length === 0 },
  };
}
