/** Each kills one thing of a show and tells what was seen while it healed; what only the program shows is read from the recording. */
import { readFile } from 'node:fs/promises';
import { flvFrames } from './flv.ts';
import { SEGMENT_SECONDS, type Show, STREAM_KEY, soon } from './Show.ts';
import { StallMeter } from './StallMeter.ts';

/** So much of the program is recorded after a fault, seconds: what it did to the program is in there. */
const AFTERMATH_SECONDS = 8;

export type FaultKind = 'rtmp' | 'worker' | 'compositor';

/** Times are program time, seconds. */
export interface Fault {
  kind: FaultKind;
  at: number;
  /** Up to here the recording tells of it. */
  until: number;
  seen: Record<string, unknown>;
}

export const KILLS: Record<FaultKind, (show: Show) => Promise<Fault>> = {
  rtmp: killRtmp,
  worker: killWorker,
  compositor: killCompositor,
};

async function killRtmp(show: Show): Promise<Fault> {
  const { rtmp } = show;
  const publishes = rtmp.publishes(STREAM_KEY);
  const old = new Set(await rtmp.recordings());
  const pid = await show.childPid('ffmpeg');
  const at = show.now;
  const published = new Promise<number>((resolve) => {
    rtmp.on('call', ({ call }) => {
      if (call === 'publish') resolve(show.now);
    });
  });
  process.kill(pid, 'SIGKILL');
  const first = await soon(async () => {
    const file = (await rtmp.recordings()).find((name) => !old.has(name));
    return file ? flvFrames(await readFile(file))[0] : undefined;
  }, 'the RTMP server has a frame');
  const backAt = show.now;
  const publishedAt = await published;
  await show.recordedTo(at + AFTERMATH_SECONDS);
  const seen = {
    published_s: round(publishedAt - at),
    back_s: round(backAt - at),
    first_frame_is_key: first.key,
    publishes: rtmp.publishes(STREAM_KEY) - publishes,
  };
  return { kind: 'rtmp', at, until: show.now, seen };
}

async function killWorker(show: Show): Promise<Fault> {
  const { restarts } = await show.status();
  const publishes = show.rtmp.publishes(STREAM_KEY);
  const pid = Number(show.lastLog('room has a router').worker);
  const routed = show.nextLog('room has a router');
  const tapped = show.nextLog('compositor joined to a new router');
  const at = show.now;
  process.kill(pid, 'SIGKILL');
  const routedAt = (await routed).at;
  const tappedAt = (await tapped).at;
  await show.recordedTo(at + AFTERMATH_SECONDS);
  const seen = {
    router_s: round(routedAt - at),
    tap_s: round(tappedAt - at),
    compositor_restarts: (await show.status()).restarts - restarts,
    rtmp_reconnects: show.rtmp.publishes(STREAM_KEY) - publishes,
  };
  return { kind: 'worker', at, until: show.now, seen };
}

interface PlayerStats {
  restarts: number;
  rescues: number;
  latency: number | null;
}

const playerStats = (show: Show): Promise<PlayerStats> =>
  show.page.evaluate(() => ({ ...(globalThis as unknown as { lianmai: { hls: PlayerStats } }).lianmai.hls }));

async function killCompositor(show: Show): Promise<Fault> {
  const { restarts, id } = await show.status();
  const publishes = show.rtmp.publishes(STREAM_KEY);
  const ffmpeg = await show.childPid('ffmpeg');
  const player = await playerStats(show);
  const pid = Number(show.lastLog('compositor bound').pid);
  const metrics = await show.metrics();
  const meter = new StallMeter(show.page);
  await meter.start();
  const bound = show.nextLog('compositor bound');
  const ready = show.nextLog('compositor ready', ['fence']);
  const at = show.now;
  process.kill(pid, 'SIGKILL');
  const boundAt = (await bound).at;
  const { at: readyAt, firstSegment } = await ready;
  const begins = Number(firstSegment) * SEGMENT_SECONDS;
  await show.recordedTo(begins + AFTERMATH_SECONDS);
  // The viewer is some seconds behind the program: until it sees what came after.
  const { currentTime } = await meter.read();
  await soon(
    async () => (await meter.read()).currentTime > currentTime + SEGMENT_SECONDS || undefined,
    'the watch page plays on',
  );
  const stalls = await meter.read();
  const after = await playerStats(show);
  const status = await show.status();
  const later = await show.metrics();
  const grown = (name: string) => (later[name] ?? 0) - (metrics[name] ?? 0);
  const seen = {
    bound_s: round(boundAt - at),
    ready_s: round(readyAt - at),
    first_segment_s: round(begins - at),
    stall_s: round(stalls.clockMs / 1000),
    stall_ended_s: round(stalls.clockEndMs / 1000),
    picture_stall_s: round(stalls.pictureMs / 1000),
    jumped_s: round(stalls.jumpedSeconds),
    latency_s: [round(player.latency ?? 0), round(after.latency ?? 0)],
    late_frames: grown('lianmai_compositor_late_frames_total'),
    repeated_frames: grown('lianmai_compositor_repeated_frames_total'),
    player_restarts: after.restarts - player.restarts,
    player_rescues: after.rescues - player.rescues,
    rtmp_reconnects: show.rtmp.publishes(STREAM_KEY) - publishes,
    same_rtmp_child: (await show.childPid('ffmpeg')) === ffmpeg,
    same_broadcast: status.id === id,
    restarts: status.restarts - restarts,
  };
  return { kind: 'compositor', at, until: show.now, seen };
}

export const round = (value: number): number => Number(value.toFixed(2));
