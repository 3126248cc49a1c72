/** Small encoded clips, made by ffmpeg, as lists of frames. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface ClipFrame {
  data: Buffer;
  keyFrame: boolean;
}

const run = promisify(execFile);

async function encode(args: string[], extension: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-clip-'));
  try {
    const file = join(folder, `clip.${extension}`);
    await run('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...args, file]);
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const picture = (o: { size: string; frames: number }): string[] => [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=size=${o.size}:rate=30`,
  '-frames:v',
  String(o.frames),
];

/** VP8, 30 fps, a key frame each `gop` frames. */
export async function vp8Clip(o: { size: string; frames: number; gop: number; bitrate: string }): Promise<ClipFrame[]> {
  const codec = ['-c:v', 'libvpx', '-b:v', o.bitrate, '-g', String(o.gop), '-keyint_min', String(o.gop)];
  const ivf = await encode(
    [...picture(o), ...codec, '-deadline', 'realtime', '-cpu-used', '8', '-auto-alt-ref', '0'],
    'ivf',
  );
  const frames: ClipFrame[] = [];
  for (let at = ivf.readUInt16LE(6); at + 12 <= ivf.length; ) {
    const length = ivf.readUInt32LE(at);
    const data = ivf.subarray(at + 12, at + 12 + length);
    frames.push({ data, keyFrame: ((data[0] ?? 1) & 1) === 0 });
    at += 12 + length;
  }
  return frames;
}

/** H.264 constrained baseline, 30 fps: access units as lists of NAL units without start codes. */
export async function h264Clip(o: {
  size: string;
  frames: number;
  gop: number;
}): Promise<{ units: Buffer[]; keyFrame: boolean }[]> {
  const codec = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-profile:v',
    'baseline',
    '-pix_fmt',
    'yuv420p',
  ];
  const x264 = ['-g', String(o.gop), '-x264-params', 'scenecut=0:sliced-threads=0:aud=1:bframes=0'];
  const stream = await encode([...picture(o), ...codec, ...x264], 'h264');
  const frames: { units: Buffer[]; keyFrame: boolean }[] = [];
  for (const unit of nalUnits(stream)) {
    const type = (unit[0] ?? 0) & 0x1f;
    if (type === 9) frames.push({ units: [], keyFrame: false });
    else if (type !== 6) {
      const frame = frames.at(-1);
      frame?.units.push(unit);
      if (type === 5 && frame) frame.keyFrame = true;
    }
  }
  return frames;
}

/** The NAL units of an Annex B stream. */
export function nalUnits(stream: Buffer): Buffer[] {
  const starts: { at: number; end: number }[] = [];
  for (let at = stream.indexOf('000001', 0, 'hex'); at >= 0; at = stream.indexOf('000001', at + 3, 'hex')) {
    starts.push({ at: at + 3, end: at > 0 && stream[at - 1] === 0 ? at - 1 : at });
  }
  return starts.map(({ at }, i) => stream.subarray(at, starts[i + 1]?.end ?? stream.length));
}
