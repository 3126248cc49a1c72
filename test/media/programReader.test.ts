import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AV_CHANNEL_ORDER_NATIVE,
  AV_CODEC_ID_OPUS,
  AVERROR_EAGAIN,
  Codec,
  CodecContext,
  FFmpegError,
  Frame,
  Packet,
} from 'node-av';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClipStore } from '../../scripts/simulator/clip/ClipStore.ts';
import { CLIP_FRAMES, firstEventFrame } from '../../scripts/simulator/clip/frameCode.ts';
import { type EncodedClip, type EncodedFrame, LAYERS } from '../../scripts/simulator/clip/makeClip.ts';
import { gridLayout } from '../../src/layout/grid.ts';
import { readProgram } from '../support/program/readProgram.ts';
import { breaks, cadence } from '../support/program/timeline.ts';

/** Making the two clips, which happens once on a machine, takes 10 to 30 s. */
const CLIPS_MS = 180_000;
/** Opus, AAC and their windows blur an onset; the reader's own error is below 1 ms. */
const LIP_SYNC_TOLERANCE_MS = 3;

/** FLV has no edit list: a player hears a plain AAC encoder's priming, 1024 samples, as a delay. */
const AAC_PRIMING_MS = 1024 / 48 + LIP_SYNC_TOLERANCE_MS;

let folder: string;
let store: ClipStore;
let clips: EncodedClip[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-reader-'));
  store = new ClipStore();
  clips = await Promise.all([store.get(0, 'vp8'), store.get(1, 'vp8')]);
}, CLIPS_MS);

afterAll(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

/** IVF, libvpx's own container. */
function ivf(frames: readonly EncodedFrame[], width: number, height: number): Buffer {
  const head = Buffer.alloc(32);
  head.write('DKIF');
  head.writeUInt16LE(32, 6);
  head.write('VP80', 8);
  head.writeUInt16LE(width, 12);
  head.writeUInt16LE(height, 14);
  head.writeUInt32LE(30, 16);
  head.writeUInt32LE(1, 20);
  head.writeUInt32LE(frames.length, 24);
  return Buffer.concat([
    head,
    ...frames.flatMap((frame, i) => {
      const each = Buffer.alloc(12);
      each.writeUInt32LE(frame.data.length, 0);
      each.writeBigUInt64LE(BigInt(i), 4);
      return [each, frame.data];
    }),
  ]);
}

/** As a WebRTC receiver decodes: packet after packet, nothing trimmed. */
async function decodeOpus(packets: readonly Buffer[]): Promise<Buffer> {
  const codec = Codec.findDecoder(AV_CODEC_ID_OPUS);
  if (!codec) throw new Error('no Opus decoder');
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.sampleRate = 48_000;
  decoder.channelLayout = { order: AV_CHANNEL_ORDER_NATIVE, nbChannels: 1, mask: 4n };
  FFmpegError.throwIfError(await decoder.open2(codec, null), 'Opus');
  const frame = new Frame();
  frame.alloc();
  const out: Buffer[] = [];
  for (const data of packets) {
    const packet = new Packet();
    packet.alloc();
    packet.data = data;
    FFmpegError.throwIfError(await decoder.sendPacket(packet), 'Opus');
    packet.free();
    const code = await decoder.receiveFrame(frame);
    if (code === AVERROR_EAGAIN) continue;
    FFmpegError.throwIfError(code, 'Opus');
    out.push(Buffer.from(frame.data?.[0]?.subarray(0, frame.nbSamples * 4) ?? []));
    frame.unref();
  }
  frame.free();
  decoder.freeContext();
  return Buffer.concat(out);
}

async function ffmpeg(args: string[]): Promise<void> {
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code).toBe(0);
}

/** A program of `count` tiles as a compositor makes it: layer `layer` of the clips in turn, x264 and AAC, sound moved by `audioDelay` s. */
async function compose(name: string, count: number, layer: number, seconds: number, audioDelay = 0): Promise<string> {
  const size = LAYERS[layer]!;
  const inputs: string[] = [];
  const cells = gridLayout(count, 1280, 720);
  for (const clip of [0, 1]) {
    const path = join(folder, `${name}-${clip}.ivf`);
    await writeFile(path, ivf(clips[clip]!.video[layer]![clip]!, size.width, size.height));
    inputs.push('-i', path);
  }
  for (const clip of [0, 1]) {
    const path = join(folder, `${name}-${clip}.f32`);
    await writeFile(path, await decodeOpus(clips[clip]!.audio));
    inputs.push('-itsoffset', String(audioDelay), '-f', 'f32le', '-ar', '48000', '-ac', '1', '-i', path);
  }
  const halves = [0, 1].map((clip) => cells.filter((_, i) => i % 2 === clip).map((cell) => ({ cell, clip })));
  const split = halves.map(
    (half, clip) => `[${clip}:v]split=${half.length}${half.map((_, i) => `[s${clip}x${i}]`).join('')}`,
  );
  const scaled = halves.flatMap((half, clip) =>
    half.map(({ cell: { width, height } }, i) => {
      const cover = `scale=${width}:${height}:force_original_aspect_ratio=increase,crop=${width}:${height}`;
      return `[s${clip}x${i}]${cover}[c${clip}x${i}]`;
    }),
  );
  let canvas = 'bg';
  const overlays = halves.flatMap((half, clip) =>
    half.map(({ cell: { x, y } }, i) => {
      const from = canvas;
      canvas = `o${clip}x${i}`;
      return `[${from}][c${clip}x${i}]overlay=${x}:${y}:eof_action=pass[${canvas}]`;
    }),
  );
  const background = `color=0x12141a:s=1280x720:r=30:d=${seconds}[bg]`;
  const sound = '[2:a][3:a]amix=inputs=2:normalize=0,apad[a]';
  const graph = [background, ...split, ...scaled, ...overlays, sound].join(';');
  const path = join(folder, `${name}.mp4`);
  const encode = [
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-tune',
    'zerolatency',
    '-b:v',
    '2500k',
    '-pix_fmt',
    'yuv420p',
  ];
  const audio = ['-c:a', 'aac', '-b:a', '128k', '-ar', '48000', '-ac', '2'];
  const maps = ['-filter_complex', graph, '-map', `[${canvas}]`, '-map', '[a]', '-t', String(seconds)];
  await ffmpeg([...inputs, ...maps, ...encode, ...audio, path]);
  return path;
}

describe('a program of simulated clips, through VP8, a small cell and x264', () => {
  test('six tiles: every counter, flash and beep is read back, picture and sound together', async () => {
    const program = await readProgram({ inputs: [await compose('six', 6, 1, 10)] });
    expect(program.frames).toHaveLength(CLIP_FRAMES);
    expect(cadence(program.videoTimes, 30)).toMatchObject({ missing: 0, doubled: 0, offGrid: 0 });
    expect(breaks(program.audioPackets)).toEqual([]);
    program.frames.forEach((frame, n) => {
      expect(frame.tiles.map((tile) => tile.code)).toEqual(frame.tiles.map((_, i) => ({ clip: i % 2, counter: n })));
      expect(frame.tiles).toHaveLength(6);
      expect(frame.tiles.map((tile) => tile.hue.clip)).toEqual([0, 1, 0, 1, 0, 1]);
    });
    for (const clip of [0, 1]) {
      const peer = program.peers.get(clip)!;
      expect(peer.counters).toEqual({ frames: 300, repeats: 0, skips: 0, backwards: 0 });
      const expected = [0, 1, 2, 3, 4].map((i) => (firstEventFrame(clip) + 60 * i) / 30);
      expect(peer.flashes).toHaveLength(5);
      peer.flashes.forEach((at, i) => void expect(at).toBeCloseTo(expected[i]!, 3));
      expect(peer.beeps).toHaveLength(5);
      expect(peer.offsets).toHaveLength(5);
      for (const { offsetMs } of peer.offsets) expect(Math.abs(offsetMs)).toBeLessThan(LIP_SYNC_TOLERANCE_MS);
    }
    expect([...program.peers.keys()]).toEqual([0, 1]);
  });

  test('sixteen tiles of the lowest layer, and two whose sides are cut off', async () => {
    for (const [count, layer] of [
      [16, 0],
      [2, 2],
    ] as const) {
      const program = await readProgram({ inputs: [await compose(`of-${count}`, count, layer, 2)] });
      for (const [n, frame] of program.frames.entries()) {
        expect(frame.tiles.map((tile) => tile.code?.counter)).toEqual(new Array(count).fill(n));
      }
    }
  });

  test('sound that is 80 ms late is told as that', async () => {
    const { peers } = await readProgram({ inputs: [await compose('late', 2, 0, 6, 0.08)] });
    for (const clip of [0, 1]) {
      const offsets = peers.get(clip)!.offsets;
      expect(offsets).toHaveLength(3);
      for (const { offsetMs } of offsets) expect(Math.abs(offsetMs - 80)).toBeLessThan(LIP_SYNC_TOLERANCE_MS);
    }
  });

  test('the same program as FLV, as an RTMP server has it: times are whole milliseconds', async () => {
    const mp4 = await compose('flv', 2, 0, 4);
    const flv = join(folder, 'program.flv');
    await ffmpeg(['-i', mp4, '-c', 'copy', flv]);
    const program = await readProgram({ inputs: [flv] });
    expect(program.frames).toHaveLength(120);
    expect(cadence(program.videoTimes, 30, 0.0011)).toMatchObject({ missing: 0, doubled: 0, offGrid: 0 });
    expect(breaks(program.audioPackets, 0.0021)).toEqual([]);
    for (const peer of program.peers.values()) {
      expect(peer.counters).toMatchObject({ repeats: 0, skips: 0, backwards: 0 });
      for (const { offsetMs } of peer.offsets) expect(Math.abs(offsetMs)).toBeLessThan(AAC_PRIMING_MS);
    }
  });

  test('reading stops after the seconds that were asked for', async () => {
    const { frames } = await readProgram({ inputs: [await compose('short', 2, 0, 4)], seconds: 1 });
    expect(frames.length).toBeGreaterThan(25);
    expect(frames.length).toBeLessThan(40);
  });
});
