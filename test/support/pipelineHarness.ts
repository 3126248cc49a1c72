/**
 * Runs the compositor's pipeline without network and without waiting: a clock that the pipeline's own waiting moves on, clips
 * in place of ingest, and a sink that keeps what it is given.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AV_LOG_QUIET, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO, FormatContext, Log, Packet } from 'node-av';
import { pino } from 'pino';
import type { PartSink, ProgramPart } from '../../compositor/output/PartSink.ts';
import type { Pacer } from '../../compositor/Pacer.ts';
import { Pipeline } from '../../compositor/Pipeline.ts';
import type { EncodedAudio, EncodedVideo } from '../../compositor/types.ts';
import { Job } from '../../src/contracts/job.ts';

export interface ClipPacket {
  data: Buffer;
  key: boolean;
  atMs: number;
}

/** A folder that is gone when the process ends. */
const folder = mkdtempSync(path.join(tmpdir(), 'lianmai-pipeline-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

Log.setLevel(AV_LOG_QUIET);

let files = 0;
export const temporaryFile = (extension: string): string => path.join(folder, `${files++}.${extension}`);

/** What ffmpeg makes of `args`, as packets. */
export async function clip(kind: 'video' | 'audio', extension: string, args: string[]): Promise<ClipPacket[]> {
  const file = temporaryFile(extension);
  execFileSync('ffmpeg', ['-y', '-v', 'error', ...args, file]);
  const input = new FormatContext();
  if ((await input.openInput(file)) < 0) throw new Error(`cannot open ${file}`);
  await input.findStreamInfo();
  const index = input.findBestStream(kind === 'video' ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO);
  const base = input.streams[index]?.timeBase;
  const packet = new Packet();
  packet.alloc();
  const packets: ClipPacket[] = [];
  while ((await input.readFrame(packet)) >= 0) {
    if (packet.streamIndex === index && packet.data && base) {
      const atMs = (Number(packet.pts) * 1000 * base.num) / base.den;
      packets.push({ data: Buffer.from(packet.data), key: packet.isKeyframe, atMs });
    }
    packet.unref();
  }
  packet.free();
  await input.closeInput();
  return packets;
}

export const vp8 = (filter: string, seconds: number, gop = 30): Promise<ClipPacket[]> =>
  clip('video', 'ivf', [
    '-f',
    'lavfi',
    '-i',
    filter,
    '-t',
    String(seconds),
    '-c:v',
    'libvpx',
    '-deadline',
    'realtime',
    '-cpu-used',
    '8',
    '-b:v',
    '1M',
    '-g',
    String(gop),
    '-pix_fmt',
    'yuv420p',
  ]);

export const h264 = (filter: string, seconds: number, gop = 30): Promise<ClipPacket[]> =>
  clip('video', 'h264', [
    '-f',
    'lavfi',
    '-i',
    filter,
    '-t',
    String(seconds),
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-profile:v',
    'baseline',
    '-g',
    String(gop),
    '-pix_fmt',
    'yuv420p',
  ]).then(
    // A raw stream has no times.
    (packets) => packets.map((packet, i) => ({ ...packet, atMs: (i * 1000) / 30 })),
  );

export const opus = (filter: string, seconds: number): Promise<ClipPacket[]> =>
  clip('audio', 'ogg', [
    '-f',
    'lavfi',
    '-i',
    filter,
    '-t',
    String(seconds),
    '-c:a',
    'libopus',
    '-b:a',
    '64k',
    '-ac',
    '2',
    '-ar',
    '48000',
  ]).then(
    // As in RTP: the first packet's timestamp is the encoder's first input sample.
    (packets) => packets.map((packet, i) => ({ ...packet, atMs: i * 20 })),
  );

export const videoFeed = (
  source: string,
  packets: ClipPacket[],
  startMs = 0,
  mime: EncodedVideo['mime'] = 'video/VP8',
): EncodedVideo[] =>
  packets.map(({ data, key, atMs }) => ({
    source,
    mime,
    data,
    keyFrame: key,
    rtp: Math.round(atMs * 90),
    playoutMs: startMs + atMs,
  }));

export const audioFeed = (source: string, packets: ClipPacket[], startMs = 0): EncodedAudio[] =>
  packets.map(({ data, atMs }) => ({
    source,
    data,
    rtp: Math.round(atMs * 48),
    playoutMs: startMs + atMs,
    lostBefore: 0,
  }));

export const PEERS = ['paaaaaaaa', 'pbbbbbbbb', 'pcccccccc', 'pdddddddd'] as const;
export const camera = (i: number): string => `${PEERS[i]}.camera`;
export const microphone = (i: number): string => `${PEERS[i]}.microphone`;

export function sourceOf(id: string, extra: object = {}): object {
  const [peer, kind = ''] = id.split('.');
  const audio = kind === 'microphone' || kind === 'screen-audio';
  const ssrc = 1000 + [...id].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 1_000_000, 7);
  return {
    id,
    peer,
    kind,
    mime: audio ? 'audio/opus' : 'video/VP8',
    payloadType: audio ? 100 : 101,
    clockRate: audio ? 48_000 : 90_000,
    ssrc,
    ...extra,
  };
}

export function jobOf(sources: object[], extra: Record<string, unknown> = {}): Job {
  const all = sources as { peer: string }[];
  const peers = [...new Set(all.map((source) => source.peer))].map((id) => ({
    id,
    name: `Peer ${id[1]?.toUpperCase()}`,
  }));
  return Job.parse({
    protocol: 1,
    broadcast: 'btestbroadcast',
    compositor: 'ctestcompositor',
    fence: 1,
    epoch: 0,
    startMs: 0,
    grid: { fps: 30, framesPerSegment: 30, framesPerPart: 10 },
    encoder: {},
    renditions: [
      { id: 'v360', kind: 'video', width: 640, height: 360, bitrate: 1_000_000 },
      { id: 'a0', kind: 'audio', bitrate: 128_000 },
    ],
    deliveryUrl: 'http://127.0.0.1:1',
    token: 'token',
    firstSegment: 0,
    scene: {},
    peers,
    sources,
    ...extra,
  });
}

export class CollectingSink implements PartSink {
  readonly inits = new Map<string, Buffer>();
  readonly slates = new Map<string, Buffer>();
  readonly parts: ProgramPart[] = [];

  async putInit(rendition: string, init: Buffer): Promise<void> {
    this.inits.set(rendition, init);
  }

  async putSlate(rendition: string, slate: Buffer): Promise<void> {
    this.slates.set(rendition, slate);
  }

  putPart(part: ProgramPart): void {
    this.parts.push(part);
  }

  of(rendition: string): ProgramPart[] {
    return this.parts.filter((part) => part.rendition === rendition);
  }

  /** Init segment and parts as a file. */
  file(rendition: string, parts = this.of(rendition)): string {
    const file = temporaryFile('mp4');
    writeFileSync(
      file,
      Buffer.concat([this.inits.get(rendition) ?? Buffer.alloc(0), ...parts.map((part) => part.data)]),
    );
    return file;
  }
}

/** Time goes on when the pipeline waits for it. */
export class VirtualPacer implements Pacer {
  #nowMs: number;
  /** Called before time becomes `timeMs`, or when it is past already. */
  onAdvance: (timeMs: number) => Promise<void> = async () => undefined;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** As if the process had stood still. */
  skip(ms: number): void {
    this.#nowMs += ms;
  }

  async until(timeMs: number): Promise<void> {
    await this.onAdvance(timeMs);
    this.#nowMs = Math.max(this.#nowMs, timeMs);
  }
}

export interface Run {
  job: Job;
  lastSegment: number;
  video?: EncodedVideo[];
  audio?: EncodedAudio[];
  /** Later jobs are given when program time reaches `atMs`. */
  jobs?: { atMs: number; job: Job }[];
  /** Called each frame. */
  onFrame?: (timeMs: number, pipeline: Pipeline, pacer: VirtualPacer) => void;
}

/** Packets are there this long before their time. */
const LEAD_MS = 120;

export async function runPipeline({ job, lastSegment, video = [], audio = [], jobs = [], onFrame }: Run) {
  const sink = new CollectingSink();
  const segmentMs = (job.grid.framesPerSegment * 1000) / job.grid.fps;
  const pacer = new VirtualPacer(job.firstSegment * segmentMs - 300);
  const pipeline = await Pipeline.create({ job, pacer, sink, logger: pino({ level: 'silent' }) });
  const applied: number[] = [];
  const keyframes: string[] = [];
  const seen: object[] = [];
  pipeline.on('applied', (frame) => applied.push(frame));
  pipeline.on('keyframe', (source) => keyframes.push(source));
  pipeline.on('seen', (sizes) => seen.push(sizes));
  const waiting = { video: [...video], audio: [...audio], jobs: [...jobs] };
  pacer.onAdvance = async (timeMs) => {
    const due = <T>(list: T[], at: (item: T) => number, give: (item: T) => void) => {
      const now = list.filter((item) => at(item) <= timeMs);
      list.splice(0, list.length, ...list.filter((item) => at(item) > timeMs));
      for (const item of now) give(item);
    };
    due(
      waiting.jobs,
      (item) => item.atMs,
      (item) => pipeline.applyJob(item.job),
    );
    await pipeline.settled();
    due(
      waiting.video,
      (item) => item.playoutMs - LEAD_MS,
      (item) => pipeline.writeVideo(item),
    );
    due(
      waiting.audio,
      (item) => item.playoutMs - LEAD_MS,
      (item) => pipeline.writeAudio(item),
    );
    await pipeline.settled();
    onFrame?.(timeMs, pipeline, pacer);
  };
  const ended = new Promise<{ lastSegment: number | null; error?: unknown }>((resolve) =>
    pipeline.once('ended', resolve),
  );
  pipeline.start();
  pipeline.stop(lastSegment);
  const end = await ended;
  if (end.error) throw end.error;
  return { sink, end, applied, keyframes, seen, figures: pipeline.takeFigures(), pipeline };
}

/** Each video packet (or frame) that ffprobe sees. */
export function probe(file: string, what: 'packets' | 'frames', fields: string): Record<string, string>[] {
  const entries = what === 'packets' ? `packet=${fields}` : `frame=${fields}`;
  const text = execFileSync('ffprobe', ['-v', 'error', '-of', 'json', '-show_entries', entries, file], {
    maxBuffer: 1 << 28,
  });
  return (JSON.parse(text.toString()) as Record<string, Record<string, string>[]>)[what] ?? [];
}

/** What ffmpeg complains of when it decodes all of a file; empty is good. */
export function complaints(file: string): string {
  return execFileSync('sh', ['-c', 'ffmpeg -v warning -i "$0" -f null - 2>&1', file]).toString();
}

export interface Picture {
  width: number;
  height: number;
  /** The mean of Y, Cb and Cr around a point. */
  at(x: number, y: number): [number, number, number];
}

/** All frames of a file, decoded. */
export function pictures(file: string, width: number, height: number): Picture[] {
  const raw = execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-'], {
    maxBuffer: 1 << 30,
  });
  const size = (width * height * 3) / 2;
  return Array.from({ length: Math.floor(raw.length / size) }, (_, n) => {
    const frame = raw.subarray(n * size, (n + 1) * size);
    const mean = (plane: Buffer, stride: number, x: number, y: number) => {
      let sum = 0;
      for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) sum += plane[(y + dy) * stride + x + dx] ?? 0;
      return Math.round(sum / 9);
    };
    return {
      width,
      height,
      at(x, y) {
        const chroma = width * height;
        const quarter = chroma / 4;
        return [
          mean(frame.subarray(0, chroma), width, x, y),
          mean(frame.subarray(chroma, chroma + quarter), width / 2, x >> 1, y >> 1),
          mean(frame.subarray(chroma + quarter), width / 2, x >> 1, y >> 1),
        ];
      },
    };
  });
}

/** The left channel of a file. */
export function samples(file: string): Float32Array {
  const out = temporaryFile('f32');
  execFileSync('ffmpeg', ['-y', '-v', 'error', '-i', file, '-map_channel', '0.0.0', '-f', 'f32le', out]);
  const bytes = readFileSync(out);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** The largest sample, whatever its sign. */
export const peakOf = (sound: Float32Array): number => sound.reduce((peak, v) => Math.max(peak, Math.abs(v)), 0);

/** Whether a colour is near another. */
export const near = (a: readonly number[], b: readonly number[], by = 12): boolean =>
  a.every((v, i) => Math.abs(v - (b[i] ?? 0)) <= by);
