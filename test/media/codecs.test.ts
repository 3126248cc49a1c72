/** Every video codec at every size, from RTP payloads to the picture and into the program; and pictures that cannot be shown. */
import { execFileSync } from 'node:child_process';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { VideoDecoder } from '../../compositor/decode/VideoDecoder.ts';
import { VideoSource } from '../../compositor/decode/VideoSource.ts';
import { videoCodec } from '../../compositor/ingest/depacketize/codecs.ts';
import type { EncodedVideo } from '../../compositor/types.ts';
import { codecClip, codecPayloads, decodedByFfmpeg, i420Of, MIMES, type Mime } from '../support/ingest/codecClips.ts';
import { type ClipPacket, camera, jobOf, runPipeline, sourceOf, videoFeed } from '../support/pipelineHarness.ts';

const FRAMES = 3;
/** Two encoders at work; what is not the picture's is further off. */
const TOLERANCE = 14;
/** x264 makes no odd sizes of 4:2:0, and the standard's crop rectangle cannot name them. */
const SIZES: Record<Mime, string[]> = {
  'video/VP8': ['16x16', '17x23', '641x361', '1280x720', '3840x2160'],
  'video/H264': ['16x16', '18x22', '642x362', '1280x720', '3840x2160'],
  'video/VP9': ['16x16', '17x23', '641x361', '1280x720', '3840x2160'],
  'video/AV1': ['16x16', '17x23', '641x361', '1280x720', '3840x2160'],
};

/** What each encoder here makes beside 8 bit 4:2:0; VP8 has nothing else. */
const OTHER_FORMATS: [Mime, string][] = [
  ['video/H264', 'yuv444p'],
  ['video/H264', 'yuv420p10le'],
  ['video/VP9', 'yuv444p'],
  ['video/VP9', 'yuv420p10le'],
  ['video/AV1', 'yuv420p10le'],
];

/** What ingest makes of a clip. */
function received(mime: Mime, clip: ClipPacket[]): EncodedVideo[] {
  const { codec } = videoCodec({ mime, fmtp: {} })!;
  const frames = clip.map((packet) => ({ ...packet, data: codec.assemble(codecPayloads(mime, packet))!.data }));
  return videoFeed(camera(0), frames, 0, mime);
}

describe.each(MIMES)('%s', (mime) => {
  test.each(SIZES[mime])('%s: decoded to the bit as ffmpeg does', async (size) => {
    const { frames, file } = await codecClip(mime, { filter: `testsrc=s=${size}:r=30`, frames: FRAMES });
    const decoder = await VideoDecoder.create(mime);
    const decoded: Buffer[] = [];
    for (const frame of received(mime, frames)) {
      for (const picture of await decoder.decode(frame)) {
        expect(`${picture.width}x${picture.height}`).toBe(size);
        expect(picture.playoutMs).toBeCloseTo(frame.playoutMs, 2);
        decoded.push(i420Of(picture.frame));
        picture.frame.free();
      }
    }
    decoder.close();
    expect(decoded).toHaveLength(FRAMES);
    expect(Buffer.concat(decoded).equals(decodedByFfmpeg(file))).toBe(true);
  });

  test('follows the size and the orientation in the middle of the stream', async () => {
    const sizes = ['320x180', '180x320', '1280x720', '64x64'];
    const clips = sizes.map((size) => codecClip(mime, { filter: `testsrc=s=${size}:r=30`, frames: 3 }));
    const all = (await Promise.all(clips)).flatMap((clip) => clip.frames);
    const decoder = await VideoDecoder.create(mime);
    const seen: string[] = [];
    for (const frame of received(mime, all)) {
      for (const { width, height, frame: picture } of await decoder.decode(frame)) {
        seen.push(`${width}x${height}`);
        picture.free();
      }
    }
    decoder.close();
    expect(seen).toEqual(sizes.flatMap((size) => [size, size, size]));
  });
});

test.each(OTHER_FORMATS)('%s in %s costs a warning, and no key frame is asked for', async (mime, pixelFormat) => {
  const warnings: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line).reason) });
  const asked: string[] = [];
  const source = new VideoSource({ id: camera(0), logger, requestKeyFrame: (id) => asked.push(id) });
  source.setSeen(true);
  const filter = 'testsrc=s=64x48:r=30';
  for (const frame of received(mime, (await codecClip(mime, { filter, frames: 5, pixelFormat })).frames)) {
    source.write(frame);
    await source.settled();
  }
  expect(source.stats()).toMatchObject({ decoded: 0, dropped: 5 });
  expect(warnings).toEqual([expect.stringContaining(pixelFormat)]);
  expect(asked).toHaveLength(1);
  for (const frame of received(mime, (await codecClip(mime, { filter, frames: 2 })).frames)) source.write(frame);
  await source.settled();
  expect(source.stats().decoded).toBe(2);
  source.close();
});

describe('in the program', () => {
  test.each(SIZES['video/VP8'])('%s fills the program with its colour, to the last pixel', async (size) => {
    const { frames } = await codecClip('video/VP8', { filter: `color=c=0x3060C0:s=${size}:r=30`, frames: FRAMES });
    const job = jobOf([sourceOf(camera(0))], { scene: { names: false, marks: { muted: false } } });
    const { sink } = await runPipeline({ job, lastSegment: 0, video: received('video/VP8', frames) });
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-'];
    const program = execFileSync('ffmpeg', ['-v', 'error', '-i', sink.file('v360'), ...raw], { maxBuffer: 1 << 28 });
    const luma = 640 * 360;
    const picture = program.subarray(15 * luma * 1.5, 16 * luma * 1.5);
    // BT.601, limited range, of 0x3060C0; the encoders in between round.
    const planes = [picture.subarray(0, luma), picture.subarray(luma, luma * 1.25), picture.subarray(luma * 1.25)];
    for (const [i, value] of [95, 181, 98].entries()) {
      const samples = [...planes[i]!];
      expect(samples.reduce((least, v) => Math.min(least, v), 255)).toBeGreaterThan(value - TOLERANCE);
      expect(samples.reduce((most, v) => Math.max(most, v), 0)).toBeLessThan(value + TOLERANCE);
    }
  });
});
