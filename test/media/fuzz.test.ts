/**
 * Four people send broken media, one each of the video codecs and broken Opus with it; a fifth sends sound pictures. All of it goes through the
 * real depacketizers, jitter buffers, decoders and pipeline. The process lives, its memory is bounded, the fifth's tile moves on.
 */
import { pino } from 'pino';
import { beforeAll, describe, expect, test } from 'vitest';
import { VideoDecoder } from '../../compositor/decode/VideoDecoder.ts';
import { VideoSource } from '../../compositor/decode/VideoSource.ts';
import { PlayoutDelay } from '../../compositor/ingest/PlayoutDelay.ts';
import { SfuClock } from '../../compositor/ingest/SfuClock.ts';
import { SourceReceiver } from '../../compositor/ingest/SourceReceiver.ts';
import type { Pipeline } from '../../compositor/Pipeline.ts';
import type { EncodedAudio, EncodedVideo } from '../../compositor/types.ts';
import { ClipStore } from '../../scripts/simulator/clip/ClipStore.ts';
import type { EncodedClip } from '../../scripts/simulator/clip/makeClip.ts';
import { JobSource } from '../../src/contracts/job.ts';
import { codecClip, codecPayloads, MIMES, type Mime } from '../support/ingest/codecClips.ts';
import { Fuzzer } from '../support/ingest/Fuzzer.ts';
import {
  type ClipPacket,
  jobOf,
  peakOf,
  runPipeline,
  samples,
  sourceOf,
  videoFeed,
} from '../support/pipelineHarness.ts';
import { decodeMedia } from '../support/program/decodeMedia.ts';
import { readTiles, type TileReading } from '../support/program/readTile.ts';

const SECONDS = 10;
/** Of each codec in one frame of the program: 1,500 frames in all. */
const FRAMES_AT_ONCE = 5;
/** Frames from one key frame to the next: decoders get into broken streams again and again. */
const GOP = 10;
/** Encoders, canvas and the pictures of five small sources; what leaks 10 kB a frame would be 60 MB above it. */
const MAX_GROWTH_BYTES = 120 << 20;
const CLIPS_MS = 120_000;

const PEERS = ['pgoodpeer', 'pbrokenvp8', 'pbrokenh264', 'pbrokenvp9', 'pbrokenav1'];
const GOOD = `${PEERS[0]}.camera`;

let good: EncodedClip;
const clips = new Map<Mime, ClipPacket[]>();
beforeAll(async () => {
  good = await new ClipStore().get(0, 'vp8');
  for (const mime of MIMES) {
    clips.set(mime, (await codecClip(mime, { filter: 'testsrc2=s=160x90:r=30', frames: 60, gop: GOP })).frames);
  }
}, CLIPS_MS);

/** One broken camera or microphone: packets go in, what ingest makes of them goes to the pipeline. */
class BrokenSource {
  sent = 0;
  given = 0;
  readonly receiver: SourceReceiver;
  readonly #source: JobSource;
  readonly #fuzzer: Fuzzer;
  readonly #payloads: Buffer[][];
  #pipeline: Pipeline | null = null;

  constructor(source: JobSource, payloads: Buffer[][], seed: number) {
    this.#source = source;
    this.#payloads = payloads;
    this.#fuzzer = new Fuzzer(seed);
    const give = (write: (pipeline: Pipeline) => void): void => {
      this.given++;
      if (this.#pipeline) write(this.#pipeline);
    };
    this.receiver = new SourceReceiver({
      ...{ source, clock: new SfuClock(), delay: new PlayoutDelay(0), nowMs: 0 },
      wishes: { nack: () => undefined, keyFrame: () => undefined },
      video: (frame: EncodedVideo) => give((pipeline) => pipeline.writeVideo(frame)),
      audio: (packet: EncodedAudio) => give((pipeline) => pipeline.writeAudio(packet)),
    });
  }

  /** The next frame, at `atMs`. */
  send(pipeline: Pipeline, atMs: number): void {
    this.#pipeline = pipeline;
    const payloads = this.#payloads[this.sent % this.#payloads.length] ?? [];
    const timestamp = Math.round((atMs * this.#source.clockRate) / 1000);
    const whole = this.#fuzzer.random(3) > 0;
    for (const packet of this.#fuzzer.packets(this.#source, payloads, timestamp, whole))
      this.receiver.rtp(packet, atMs);
    this.receiver.tick(atMs);
    this.sent++;
  }
}

function brokenSources(job: { sources: readonly JobSource[] }): BrokenSource[] {
  return job.sources.slice(1).map((source, i) => {
    const mime = MIMES.find((known) => known === source.mime);
    const payloads = mime ? clips.get(mime)!.map((frame) => codecPayloads(mime, frame)) : good.audio.map((p) => [p]);
    return new BrokenSource(source, payloads, 17 + i);
  });
}

describe('broken bitstreams of every codec', () => {
  test('the process lives, memory is bounded, and the other tile does not notice', async () => {
    const cameras = MIMES.map((mime, i) => sourceOf(`${PEERS[i + 1]}.camera`, { mime, ssrc: 100 + i }));
    const microphones = MIMES.map((_, i) => sourceOf(`${PEERS[i + 1]}.microphone`, { ssrc: 200 + i }));
    const job = jobOf([sourceOf(GOOD), ...cameras, ...microphones]);
    const broken = brokenSources({ sources: job.sources.map((source) => JobSource.parse(source)) });
    const frames = good.video[1]![0]!.map(({ data, key }, n) => ({ data, key, atMs: (n * 1000) / 30 }));
    let before = 0;
    let after = 0;
    let stats: ReturnType<Pipeline['decodeStats']> = {};
    const { sink } = await runPipeline({
      ...{ job, lastSegment: SECONDS - 1, video: videoFeed(GOOD, frames) },
      onFrame: (timeMs, pipeline) => {
        if (timeMs < 0 || timeMs >= SECONDS * 1000) return;
        for (const source of broken) {
          for (let i = 0; i < FRAMES_AT_ONCE; i++) source.send(pipeline, timeMs + (i * 1000) / 30 / FRAMES_AT_ONCE);
        }
        stats = pipeline.decodeStats();
        after = process.memoryUsage.rss();
        if (timeMs < 1000) before = after;
      },
    });

    const readings: (TileReading | undefined)[] = [];
    await decodeMedia(sink.file('v360'), {
      onPicture: (picture) => void readings.push(readTiles(picture, 5).find((tile) => tile.code?.clip === 0)),
    });
    const counters = readings.map((reading) => reading?.code?.counter);
    const first = counters.findIndex((counter) => counter !== undefined);
    expect(first).toBeLessThan(3);
    expect(counters.slice(first)).toEqual(counters.slice(first).map((_, i) => counters[first]! + i));
    expect(stats[GOOD]).toMatchObject({ dropped: 0 });
    for (const source of broken) {
      expect(source.sent).toBe(SECONDS * 30 * FRAMES_AT_ONCE);
      // Far from all is stopped on the way: the decoders had their share.
      expect(source.given).toBeGreaterThan(300);
    }
    for (const { id } of job.sources) expect(stats[id]!.decoded, id).toBeGreaterThan(100);
    expect(after - before).toBeLessThan(MAX_GROWTH_BYTES);
    // The limiter holds what goes into the AAC encoder; what comes out of a decoder may lie a little above.
    expect(peakOf(samples(sink.file('a0')))).toBeLessThan(1.3);
  });

  test.each(MIMES)('%s: a good key frame is shown at once after thousands of broken frames', async (mime) => {
    const fuzzer = new Fuzzer(4711);
    const logger = pino({ level: 'silent' });
    let asked = 0;
    const source = new VideoSource({ id: GOOD, logger, requestKeyFrame: () => asked++ });
    source.setSeen(true);
    const clip = clips.get(mime)!;
    const show = async (n: number, data: Buffer, keyFrame: boolean): Promise<number | undefined> => {
      source.write({ source: GOOD, mime, data, keyFrame, rtp: n * 3000, playoutMs: n });
      await source.settled();
      return source.show(n, 1)?.playoutMs;
    };
    for (let n = 0; n < 2_000; n++) {
      const { data, key } = clip[n % clip.length]!;
      await show(n, fuzzer.random(3) === 0 ? data : fuzzer.broken(data), key);
    }
    expect(asked).toBeGreaterThan(50);
    expect(await show(2_000, clip[0]!.data, true)).toBe(2_000);
    expect(await show(2_001, clip[1]!.data, false)).toBe(2_001);
    expect(source.stats()).toMatchObject({ width: 160, height: 90 });
    source.close();
  });
});

describe('pictures larger than any camera’s', () => {
  /** Writes `value` over 16 bits from bit `at` on. */
  const putBits = (data: Buffer, at: number, value: number): void => {
    for (let i = 0; i < 16; i++) {
      const mask = 0x80 >> ((at + i) & 7);
      const octet = data[(at + i) >> 3] ?? 0;
      data[(at + i) >> 3] = (value >> (15 - i)) & 1 ? octet | mask : octet & ~mask;
    }
  };

  async function hugeFrame(mime: Mime): Promise<Buffer> {
    if (mime === 'video/H264' || mime === 'video/AV1') {
      return (await codecClip(mime, { filter: 'color=c=red:s=8192x4320:r=30', frames: 1 })).frames[0]!.data;
    }
    const data = Buffer.from(clips.get(mime)![0]!.data);
    // Two fields of 14 bits (RFC 6386, 9.1); two of 16 behind 36 bits of header (VP9 bitstream specification, 6.2).
    if (mime === 'video/VP8') data.writeUInt32LE(0x3fff3fff, 6);
    else for (const at of [36, 52]) putBits(data, at, 16_383);
    return data;
  }

  test.each(MIMES)('%s is refused before memory is taken for it', async (mime) => {
    const data = await hugeFrame(mime);
    const decoder = await VideoDecoder.create(mime);
    const frame = { source: GOOD, mime, data, keyFrame: true, rtp: 0, playoutMs: 0 };
    const before = process.memoryUsage.rss();
    await expect(decoder.decode(frame)).rejects.toThrow();
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 << 20);
    decoder.close();
  });
});
