/**
 * Makes a clip's packets with the system's ffmpeg: pictures (drawFrame.ts) and sound (drawSound.ts) → VP8 or H.264 in three
 * simulcast layers, VP9 or AV1 in one, each in several copies, and Opus. ClipStore.ts keeps what comes out.
 *
 * The copies of a layer show the same pictures; their key frames lie a few frames apart. Whoever plays the clip answers a
 * request for a key frame by going on in the copy that has one next, and no picture is skipped.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AV_PKT_FLAG_KEY, Demuxer } from 'node-av';
import { FramePainter } from './drawFrame.ts';
import { drawSound, SAMPLE_RATE } from './drawSound.ts';
import { BASE_HEIGHT, BASE_WIDTH, CLIP_FRAMES, FPS } from './frameCode.ts';

export const VIDEO_CODECS = ['vp8', 'h264', 'vp9', 'av1'] as const;
export type VideoCodec = (typeof VIDEO_CODECS)[number];

interface Layer {
  width: number;
  height: number;
  kbps: number;
  copies: number;
}

/** Simulcast layers, lowest first, as a browser sends a 720p camera. More copies where they cost little. */
export const LAYERS = [
  { width: 320, height: 180, kbps: 150, copies: 10 },
  { width: 640, height: 360, kbps: 500, copies: 10 },
  { width: 1280, height: 720, kbps: 1500, copies: 5 },
] as const;
/** mediasoup has no simulcast with VP9 and AV1, and ffmpeg no SVC: one layer, of a size that AV1 is encoded in within seconds. */
const SINGLE_LAYER: readonly Layer[] = [{ width: 640, height: 360, kbps: 500, copies: 5 }];
export const layersOf = (codec: VideoCodec): readonly Layer[] =>
  codec === 'vp9' || codec === 'av1' ? SINGLE_LAYER : LAYERS;
/** Frames between the key frames of one copy; a request waits at most GOP / copies frames: 0.1 s, 0.2 s in the top layer. */
const GOP = 30;
const OPUS_KBPS = 48;
/** The last lines of what ffmpeg said, for the error. */
const STDERR_BYTES = 4000;

export interface EncodedFrame {
  data: Buffer;
  key: boolean;
}

export interface EncodedClip {
  /** [layer][copy][frame] */
  video: EncodedFrame[][][];
  /** Opus packets of 20 ms. */
  audio: Buffer[];
}

/** Takes about 10 s of CPU. Rejects with ffmpeg's last words. */
export async function makeClip(clip: number, codec: VideoCodec, signal?: AbortSignal): Promise<EncodedClip> {
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-clip-'));
  try {
    const sound = join(folder, 'sound.f32');
    await writeFile(sound, Buffer.from(drawSound(clip).buffer));
    const extension = codec === 'h264' ? 'h264' : 'ivf';
    const layerFiles = layersOf(codec).map((layer, i) =>
      Array.from({ length: layer.copies }, (_, copy) => join(folder, `${i}-${copy}.${extension}`)),
    );
    const opus = join(folder, 'sound.ogg');
    await runFfmpeg(ffmpegArguments(codec, sound, layerFiles, opus), clip, signal);
    const video = await Promise.all(layerFiles.map((copies) => Promise.all(copies.map((file) => readFrames(file)))));
    for (const frames of video.flat())
      if (frames.length !== CLIP_FRAMES) throw new Error(`ffmpeg made ${frames.length} of ${CLIP_FRAMES} frames`);
    const audio = (await readFrames(opus)).map((packet) => packet.data);
    return { video, audio: audio.slice(0, (CLIP_FRAMES / FPS) * 50) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function ffmpegArguments(codec: VideoCodec, sound: string, layerFiles: string[][], opus: string): string[] {
  const layers = layersOf(codec);
  const branches = layers.map((layer, i) => {
    const outs = layerFiles[i]?.map((_, copy) => `[v${i}${copy}]`).join('') ?? '';
    return `[s${i}]scale=${layer.width}:${layer.height}:flags=bilinear,split=${layer.copies}${outs}`;
  });
  const graph = `[0:v]split=${layers.length}${layers.map((_, i) => `[s${i}]`).join('')};${branches.join(';')}`;
  const outputs = layers.flatMap((layer, i) =>
    (layerFiles[i] ?? []).flatMap((file, copy) => [
      ...['-map', `[v${i}${copy}]`, '-an', ...encoderArguments(codec, layer.kbps)],
      ...['-force_key_frames', `expr:eq(mod(n,${GOP}),${(copy * GOP) / layer.copies})`, '-y', file],
    ]),
  );
  return [
    ...['-hide_banner', '-loglevel', 'error', '-nostats', '-filter_complex_threads', '1'],
    ...[
      '-f',
      'rawvideo',
      '-pix_fmt',
      'yuv420p',
      '-s',
      `${BASE_WIDTH}x${BASE_HEIGHT}`,
      '-r',
      String(FPS),
      '-i',
      'pipe:0',
    ],
    ...['-f', 'f32le', '-ar', String(SAMPLE_RATE), '-ac', '1', '-i', sound],
    ...['-filter_complex', graph, ...outputs],
    ...['-map', '1:a', '-vn', '-c:a', 'libopus', '-b:a', `${OPUS_KBPS}k`, '-vbr', 'on', '-application', 'audio'],
    ...['-frame_duration', '20', '-y', opus],
  ];
}

function encoderArguments(codec: VideoCodec, kbps: number): string[] {
  const rate = ['-b:v', `${kbps}k`, '-maxrate', `${Math.round(kbps * 1.5)}k`, '-bufsize', `${kbps}k`, '-g', '9999'];
  const threads = ['-threads', '1'];
  if (codec === 'vp8') {
    const speed = ['-deadline', 'realtime', '-cpu-used', '16', '-lag-in-frames', '0', '-auto-alt-ref', '0'];
    return ['-c:v', 'libvpx', ...rate, ...threads, ...speed, '-error-resilient', 'default', '-max-intra-rate', '600'];
  }
  if (codec === 'vp9' || codec === 'av1') {
    const speed = ['-cpu-used', '8', '-lag-in-frames', '0', '-auto-alt-ref', '0'];
    const realtime = codec === 'vp9' ? ['-c:v', 'libvpx-vp9', '-deadline'] : ['-c:v', 'libaom-av1', '-usage'];
    return [...realtime, 'realtime', ...rate, ...threads, ...speed];
  }
  const speed = ['-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-level', '3.1'];
  // One slice a frame, and a delimiter before it, by which the raw stream is cut into frames again.
  return ['-c:v', 'libx264', ...rate, ...threads, ...speed, '-forced-idr', '1', '-x264-params', 'aud=1:scenecut=0'];
}

async function runFfmpeg(args: string[], clip: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'], ...(signal ? { signal } : {}) });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-STDERR_BYTES);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ended with ${code}: ${said}`))));
  });
  // A broken pipe is told better by the exit code and the words that come with it.
  child.stdin.on('error', () => {});
  const painter = new FramePainter(clip);
  const feed = async () => {
    for (let counter = 0; counter < CLIP_FRAMES && child.stdin.writable; counter++) {
      if (!child.stdin.write(painter.draw(counter))) await Promise.race([once(child.stdin, 'drain'), ended]);
    }
    child.stdin.end();
  };
  await Promise.all([feed(), ended]);
}

async function readFrames(path: string): Promise<EncodedFrame[]> {
  await using input = await Demuxer.open(path);
  const frames: EncodedFrame[] = [];
  for await (const packet of input.packets()) {
    if (packet?.data) frames.push({ data: Buffer.from(packet.data), key: (packet.flags & AV_PKT_FLAG_KEY) !== 0 });
    packet?.free();
  }
  return frames;
}
