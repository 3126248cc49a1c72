/** Clips of every video codec that the program takes, made by ffmpeg: as frames, as RTP payloads, and as ffmpeg decodes them. */
import { execFileSync } from 'node:child_process';
import type { Frame } from 'node-av';
import type { EncodedVideo } from '../../../compositor/types.ts';
import { type EncodedFrame, VIDEO_CODECS } from '../../../scripts/simulator/clip/makeClip.ts';
import { payloadsOf } from '../../../scripts/simulator/packetize.ts';
import { type ClipPacket, clip, temporaryFile } from '../pipelineHarness.ts';

export type Mime = EncodedVideo['mime'];
export const MIMES: readonly Mime[] = ['video/VP8', 'video/H264', 'video/VP9', 'video/AV1'];

const ENCODERS: Record<Mime, string[]> = {
  'video/VP8': ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-auto-alt-ref', '0'],
  'video/H264': ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-x264-params', 'aud=1:scenecut=0'],
  'video/VP9': ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0'],
  'video/AV1': ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0'],
};

export interface CodecClipOptions {
  /** A source of libavfilter with its size and rate. */
  filter: string;
  frames: number;
  gop?: number;
  pixelFormat?: string;
}

export interface CodecClip {
  frames: ClipPacket[];
  file: string;
}

/** 30 fps, 1 Mbit/s, a key frame each `gop` frames. */
export async function codecClip(mime: Mime, o: CodecClipOptions): Promise<CodecClip> {
  const { filter, frames: count, gop = 30, pixelFormat = 'yuv420p' } = o;
  const extension = mime === 'video/H264' ? 'h264' : 'ivf';
  const file = temporaryFile(extension);
  execFileSync('ffmpeg', [
    ...['-y', '-v', 'error', '-f', 'lavfi', '-i', filter, '-frames:v', String(count), ...ENCODERS[mime]],
    ...['-threads', '1', '-b:v', '1M', '-g', String(gop), '-keyint_min', String(gop), '-pix_fmt', pixelFormat, file],
  ]);
  const packets = await clip('video', extension, ['-i', file, '-c', 'copy']);
  return { file, frames: packets.map((packet, i) => ({ ...packet, atMs: (i * 1000) / 30 })) };
}

/** All frames of a clip as the system's ffmpeg decodes them, I420. */
export function decodedByFfmpeg(file: string): Buffer {
  const out = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-'];
  return execFileSync('ffmpeg', ['-v', 'error', '-i', file, ...out], { maxBuffer: 1 << 28 });
}

/** The picture's planes without what stands behind each line. */
export function i420Of(frame: Frame): Buffer {
  const { width, height, linesize } = frame;
  const lines = (frame.data ?? []).flatMap((plane, i) => {
    const [columns, rows] = i === 0 ? [width, height] : [(width + 1) >> 1, (height + 1) >> 1];
    const stride = linesize[i] ?? 0;
    return Array.from({ length: rows }, (_, y) => plane.subarray(y * stride, y * stride + columns));
  });
  return Buffer.concat(lines);
}

/** The RTP payloads of one frame, as the simulator cuts them. */
export function codecPayloads(mime: Mime, { data, key }: EncodedFrame): Buffer[] {
  const codec = VIDEO_CODECS.find((name) => `video/${name.toUpperCase()}` === mime) ?? 'vp8';
  return payloadsOf(codec, { data, key });
}
