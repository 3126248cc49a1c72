/**
 * What the people of the screenshots send: the drawn heads of scripts/layouts/cameras.ts, moving a little, as clips of the simulator
 * and as the file of a browser's fake camera. In: a seat. Out: files in a folder. Next: Stage.ts.
 */
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Demuxer } from 'node-av';
import { cameraPicture } from '../layouts/cameras.ts';
import { packClip } from '../simulator/clip/clipFile.ts';
import { CLIP_FRAMES, FPS } from '../simulator/clip/frameCode.ts';
import { type EncodedFrame, LAYERS } from '../simulator/clip/makeClip.ts';

const run = promisify(execFile);

/** The picture moves in a loop of one second, which begins with a key frame: a clip is the same second again and again. */
const LOOP_FRAMES = 30;
const FFMPEG = ['-hide_banner', '-loglevel', 'error', '-y'];
/** A hand-held camera: a little larger than the picture, and never quite still. */
const SWAY = [
  'scale=iw*1.04:ih*1.04:flags=bicubic',
  `crop=iw/1.04:ih/1.04:(iw-ow)/2*(1+sin(2*PI*n/${LOOP_FRAMES})/3):(ih-oh)/2*(1+cos(2*PI*n/${LOOP_FRAMES})/3)`,
].join(',');

interface Still {
  path: string;
  input: string[];
}

/** Writes the seat's picture as raw I420, and says how ffmpeg reads it again and again. */
async function stillOf(seat: number, folder: string): Promise<Still> {
  const { frame, width, height } = cameraPicture(seat);
  const path = join(folder, `seat-${seat}.yuv`);
  try {
    const planes = (frame.data ?? []).slice(0, 3).map((plane, i) => {
      const [columns, rows] = i === 0 ? [width, height] : [width / 2, height / 2];
      const stride = frame.linesize[i] ?? columns;
      return Buffer.concat(Array.from({ length: rows }, (_, y) => plane.subarray(y * stride, y * stride + columns)));
    });
    await writeFile(path, Buffer.concat(planes));
  } finally {
    frame.free();
  }
  const shape = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${width}x${height}`, '-r', String(FPS)];
  return { path, input: ['-stream_loop', '-1', ...shape, '-i', path] };
}

/** A file for Chromium's `--use-file-for-fake-video-capture`; its path. */
export async function makeCamera(seat: number, folder: string): Promise<string> {
  const still = await stillOf(seat, folder);
  const file = join(folder, `camera-${seat}.y4m`);
  await run('ffmpeg', [...FFMPEG, ...still.input, '-vf', SWAY, '-frames:v', String(LOOP_FRAMES), file]);
  await rm(still.path);
  return file;
}

/** Fills a folder that a ClipStore reads: peer `number` is the person of seat `number`. */
export async function makeClips(seats: readonly number[], folder: string): Promise<string> {
  const clips = join(folder, 'clips');
  await mkdir(clips, { recursive: true });
  for (const seat of seats) {
    const still = await stillOf(seat, folder);
    const video: EncodedFrame[][][] = [];
    for (const layer of LAYERS) {
      const file = join(folder, 'layer.ivf');
      // A phone that is held upright keeps its shape, as a browser sends it.
      const upright = `scale='if(gt(ih,iw),${layer.height},${layer.width})':'if(gt(ih,iw),${layer.width},${layer.height})'`;
      const encode = ['-c:v', 'libvpx', '-b:v', `${layer.kbps}k`, '-deadline', 'realtime', '-cpu-used', '8'];
      const oneKey = ['-g', '9999', '-auto-alt-ref', '0', '-lag-in-frames', '0', '-frames:v', String(LOOP_FRAMES)];
      await run('ffmpeg', [...FFMPEG, ...still.input, '-vf', `${SWAY},${upright}`, ...encode, ...oneKey, file]);
      video.push([repeated(await packetsOf(file), CLIP_FRAMES)]);
    }
    const sound = join(folder, 'sound.ogg');
    const noise = `anoisesrc=color=pink:amplitude=0.05:duration=${CLIP_FRAMES / FPS}:sample_rate=48000`;
    await run('ffmpeg', [...FFMPEG, '-f', 'lavfi', '-i', noise, '-c:a', 'libopus', '-frame_duration', '20', sound]);
    const audio = (await packetsOf(sound)).map(({ data }) => data).slice(0, (CLIP_FRAMES / FPS) * 50);
    await writeFile(join(clips, `vp8-${String(seat).padStart(2, '0')}.clip`), packClip({ video, audio }));
    await rm(still.path);
  }
  return clips;
}

const repeated = (loop: readonly EncodedFrame[], length: number): EncodedFrame[] =>
  Array.from({ length }, (_, i) => loop[i % loop.length] ?? { data: Buffer.alloc(0), key: false });

async function packetsOf(path: string): Promise<EncodedFrame[]> {
  await using input = await Demuxer.open(path);
  const frames: EncodedFrame[] = [];
  for await (const packet of input.packets()) {
    if (packet?.data) frames.push({ data: Buffer.from(packet.data), key: packet.isKeyframe });
    packet?.free();
  }
  return frames;
}
