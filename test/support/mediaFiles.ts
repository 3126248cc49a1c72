/** What ffprobe and a look at the boxes say of a media file or playlist. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Probe {
  format: { duration: number; format_name: string };
  streams: { codec_type: 'video' | 'audio'; duration: number; start_time: number; width?: number; height?: number }[];
}

export async function probe(source: string): Promise<Probe> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', source]);
  const found = JSON.parse(stdout) as {
    format: { duration: string; format_name: string };
    streams: { codec_type: 'video' | 'audio'; duration: string; start_time: string; width?: number; height?: number }[];
  };
  return {
    format: { ...found.format, duration: Number(found.format.duration) },
    streams: found.streams.map((s) => ({ ...s, duration: Number(s.duration), start_time: Number(s.start_time) })),
  };
}

/** Decodes everything; what ffmpeg complains of, and presentation times of all frames of the picture, s. */
export async function decode(source: string, { audio = true } = {}): Promise<{ complaints: string; times: number[] }> {
  const frames = run(
    'ffprobe',
    [...['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', source]],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const all = run('ffmpeg', [
    ...['-v', 'warning', '-xerror', '-i', source, '-map', '0:v:0'],
    ...[...(audio ? ['-map', '0:a:0'] : []), '-f', 'null', '-'],
  ]);
  const [{ stdout }, { stderr }] = await Promise.all([frames, all]);
  return { complaints: stderr, times: [...stdout.matchAll(/^[\d.]+/gm)].map(([time]) => Number(time)) };
}

/** Types of the boxes of an MP4, in order. */
export function boxesOf(bytes: Buffer): string[] {
  const types: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += Math.max(8, bytes.readUInt32BE(at)))
    types.push(bytes.toString('latin1', at + 4, at + 8));
  return types;
}
