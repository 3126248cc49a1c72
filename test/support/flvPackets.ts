import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface FlvPackets {
  /** Decode times in seconds. */
  video: number[];
  audio: number[];
  /** Those of the key frames. */
  keys: number[];
  startsWithKey: boolean;
}

/** What an RTMP server has recorded, by ffprobe; the file may still grow. */
export async function packetsOf(file: string): Promise<FlvPackets> {
  const entries = ['-show_entries', 'packet=codec_type,dts_time,flags', '-of', 'csv=p=0'];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, file], { maxBuffer: 1 << 26 });
  const rows = stdout.split('\n').map((line) => line.split(','));
  const times = (kind: string): number[] => rows.flatMap((r) => (r[0] === kind ? [Number(r[1])] : []));
  const keys = rows.flatMap((r) => (r[0] === 'video' && r[2]?.startsWith('K') ? [Number(r[1])] : []));
  const video = times('video');
  return { video, audio: times('audio'), keys, startsWithKey: video.length > 0 && video[0] === keys[0] };
}

/** Times that are not `step` after the one before; FLV has milliseconds: a step of 1/30 s is 33 or 34. */
export function uneven(times: readonly number[], step: number): number[] {
  return times.filter((time, i) => Math.abs(time - (times[0] ?? 0) - i * step) >= 0.0021);
}
