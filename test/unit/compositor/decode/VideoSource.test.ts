import { pino } from 'pino';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { OpusDecoder } from '../../../../compositor/decode/OpusDecoder.ts';
import { SourceSet } from '../../../../compositor/decode/SourceSet.ts';
import { canDecode, VideoDecoder } from '../../../../compositor/decode/VideoDecoder.ts';
import { VideoSource } from '../../../../compositor/decode/VideoSource.ts';
import { JobSource } from '../../../../src/contracts/job.ts';
import { type ClipPacket, camera, microphone, sourceOf, videoFeed, vp8 } from '../../../support/pipelineHarness.ts';

const FRAME_MS = 1000 / 30;
const logger = pino({ level: 'silent' });
const id = camera(0);
let clip: ClipPacket[];
let asked: string[] = [];
let source: VideoSource;

beforeAll(async () => {
  clip = await vp8('testsrc2=s=64x48:r=30', 4, 30);
});
afterEach(() => source?.close());

function create(): VideoSource {
  asked = [];
  source = new VideoSource({ id, logger, requestKeyFrame: (of) => asked.push(of) });
  return source;
}

describe('VideoSource', () => {
  test('shows each picture once when both clocks run alike, however near the middle it falls and jitters', async () => {
    const camera = create();
    camera.setSeen(true);
    const shown: number[] = [];
    for (let n = 0; n < 60; n++) {
      const jitterMs = ((n * 7) % 5) - 2;
      const [frame] = videoFeed(id, clip.slice(n, n + 1));
      camera.write({ ...frame!, playoutMs: n * FRAME_MS + FRAME_MS / 2 + jitterMs });
      await camera.settled();
      const picture = camera.show(n * FRAME_MS, FRAME_MS);
      if (picture) shown.push(Math.floor(picture.playoutMs / FRAME_MS + 0.1));
    }
    expect(shown).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect(camera.stats()).toEqual({ decoded: 60, dropped: 0, width: 64, height: 48 });
  });

  test('decodes only a few pictures ahead, and goes on when they are shown', async () => {
    const camera = create();
    camera.setSeen(true);
    for (const frame of videoFeed(id, clip.slice(0, 20))) camera.write(frame);
    await camera.settled();
    expect(camera.stats().decoded).toBe(6);
    for (let n = 0; n < 20; n++) {
      expect(camera.show(n * FRAME_MS, FRAME_MS)?.playoutMs).toBeCloseTo(n * FRAME_MS, 0);
      await camera.settled();
    }
    expect(camera.stats()).toMatchObject({ decoded: 20, dropped: 0 });
  });

  test('begins with a key frame, asks for it, and drops what comes before', async () => {
    const camera = create();
    const frames = videoFeed(id, clip);
    camera.write(frames[0]!);
    expect(camera.stats().dropped).toBe(1);
    camera.setSeen(true);
    expect(asked).toEqual([id]);
    for (const frame of frames.slice(25, 32)) camera.write(frame);
    await camera.settled();
    expect(camera.stats()).toMatchObject({ decoded: 2, dropped: 6 });
  });

  test('a queue that overflows is dropped up to the next key frame', async () => {
    const camera = create();
    camera.setSeen(true);
    const frames = videoFeed(id, clip);
    for (const frame of frames.slice(0, 80)) camera.write(frame);
    expect(asked).toEqual([id, id]);
    await camera.settled();
    camera.write(frames[90]!);
    await camera.settled();
    camera.show(10_000, FRAME_MS);
    await camera.settled();
    expect(camera.show(10_000, FRAME_MS)?.playoutMs).toBeCloseTo(90 * FRAME_MS, 0);
  });

  test('a picture of a time that cannot be true does not stop what follows', async () => {
    const camera = create();
    camera.setSeen(true);
    const [one, two] = videoFeed(id, clip);
    camera.write({ ...one!, playoutMs: 1e9 });
    camera.write({ ...two!, playoutMs: 33 });
    await camera.settled();
    expect(camera.show(33, FRAME_MS)?.playoutMs).toBe(33);
  });

  test('no longer seen, it forgets its picture', async () => {
    const camera = create();
    camera.setSeen(true);
    camera.write(videoFeed(id, clip)[0]!);
    await camera.settled();
    expect(camera.show(0, FRAME_MS)).not.toBeNull();
    camera.setSeen(false);
    expect(camera.picture).toBeNull();
  });

  test('refuses when closed, also in the middle of a decode', async () => {
    const camera = create();
    camera.setSeen(true);
    for (const frame of videoFeed(id, clip.slice(0, 5))) camera.write(frame);
    camera.close();
    camera.close();
    await camera.settled();
    camera.write(videoFeed(id, clip)[0]!);
    camera.setSeen(true);
    expect(camera.show(0, FRAME_MS)).toBeNull();
  });
});

describe('SourceSet', () => {
  const jobSource = (of: string, extra = {}) => JobSource.parse(sourceOf(of, extra));

  test('makes what a job names, keeps what stays, drops what goes, closes with its parent', async () => {
    const set = new SourceSet(logger, () => undefined);
    const all = [jobSource(camera(0)), jobSource(camera(1), { mime: 'video/H265' }), jobSource(microphone(0))];
    await Promise.all([set.add(all), set.add(all)]);
    expect(Object.keys(set.stats()).sort()).toEqual([camera(0), microphone(0)]);
    const track = set.track(microphone(0));
    set.keep(all.slice(2), new Set());
    expect(Object.keys(set.stats())).toEqual([microphone(0)]);
    expect(set.track(microphone(0))).toBe(track);
    const adding = set.add(all);
    set.close();
    set.close();
    await adding;
    expect(set.track(microphone(0))).toBeNull();
    set.writeAudio({ source: microphone(0), data: Buffer.alloc(3), rtp: 0, playoutMs: 0, lostBefore: 0 });
  });
});

describe('decoders', () => {
  test('know their codecs, throw on what is none of it, and refuse when closed', async () => {
    const mimes = ['video/VP8', 'video/H264', 'video/VP9', 'video/AV1', 'video/toString', 'audio/opus'];
    expect(mimes.map(canDecode)).toEqual([true, true, true, true, false, false]);
    const video = await VideoDecoder.create('video/VP8');
    const [frame] = videoFeed(id, clip);
    await expect(video.decode({ ...frame!, data: Buffer.alloc(20, 0xff) })).rejects.toThrow();
    const [picture] = await video.decode(frame!);
    expect([picture?.width, picture?.height]).toEqual([64, 48]);
    picture?.frame.free();
    video.close();
    video.close();
    await expect(video.decode(frame!)).rejects.toThrow('closed');

    const opus = await OpusDecoder.create();
    expect(() => opus.decode(Buffer.from([0xff, 0xff, 0xff]))).toThrow();
    expect(() => opus.decode(Buffer.alloc(0))).toThrow('empty');
    opus.close();
    opus.close();
    expect(() => opus.decode(Buffer.alloc(3))).toThrow('closed');
  });

  test('a picture larger than any camera is refused before memory is asked for', async () => {
    const video = await VideoDecoder.create('video/VP8');
    const [frame] = videoFeed(id, clip);
    const huge = Buffer.from(frame!.data);
    // The key frame's header: 3 octets, start code, then width and height in 14 bits each (RFC 6386 section 9.1).
    huge.writeUInt16LE(16_383, 6);
    huge.writeUInt16LE(16_383, 8);
    await expect(video.decode({ ...frame!, data: huge })).rejects.toThrow();
    video.close();
  });
});
