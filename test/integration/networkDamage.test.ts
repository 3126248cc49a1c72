/**
 * A sender → hop → mediasoup → hop → ingest → pipeline → program, in real time, one camera of each codec, VP8 and H.264 in three simulcast
 * layers between which the SFU goes to and fro. One of the two hops is damaged: the program's cadence does not change, no picture is
 * ever smeared (each is compared with what was drawn), and a second after the network is good again each tile shows what was
 * captured since.
 */

import type { types } from 'mediasoup';
import { pino } from 'pino';
import { beforeAll, describe, expect, test } from 'vitest';
import { MediaIngest } from '../../compositor/ingest/MediaIngest.ts';
import { ProgramPacer } from '../../compositor/Pacer.ts';
import { Pipeline } from '../../compositor/Pipeline.ts';
import { ClipStore } from '../../scripts/simulator/clip/ClipStore.ts';
import { FramePainter } from '../../scripts/simulator/clip/drawFrame.ts';
import { BASE_WIDTH, CLIP_FRAMES, hueOf } from '../../scripts/simulator/clip/frameCode.ts';
import { type EncodedClip, VIDEO_CODECS, type VideoCodec } from '../../scripts/simulator/clip/makeClip.ts';
import { createLogger } from '../../src/common/logger.ts';
import { JobSource } from '../../src/contracts/job.ts';
import { arrange } from '../../src/layout/tiles.ts';
import { DEAD, type HopDamage, LossyHop, SOUND } from '../support/ingest/LossyHop.ts';
import { MediasoupRig, sourceOf, srtpOf } from '../support/ingest/MediasoupRig.ts';
import { FPS, RIG_CODECS, sendCamera } from '../support/ingest/sendCamera.ts';
import { CollectingSink, jobOf } from '../support/pipelineHarness.ts';
import { decodeMedia } from '../support/program/decodeMedia.ts';
import { type Picture, readTile } from '../support/program/readTile.ts';

const WIDTH = 640;
const HEIGHT = 360;

/** What happens, one after the other; between two damages the network is good for RECOVERY_S. */
const DAMAGES: { name: string; seconds: number; damage: HopDamage }[] = [
  { name: '1 % loss', seconds: 2, damage: { ...SOUND, loss: 0.01 } },
  { name: '5 % loss', seconds: 2, damage: { ...SOUND, loss: 0.05 } },
  { name: '20 % loss', seconds: 3, damage: { ...SOUND, loss: 0.2 } },
  { name: '200 ± 80 ms', seconds: 3, damage: { loss: 0, delayMs: 200, jitterMs: 80 } },
  { name: '3 s of nothing', seconds: 3, damage: DEAD },
];
const WARM_UP_S = 3;
const RECOVERY_S = 2.5;
/** From the good network to a tile that shows what was captured since. */
const RECOVERED_S = 1;
/** A camera's picture that stands is its placeholder from then on (TileView.ts, 2 s), less a frame or two, s. */
const PLACEHOLDER_AFTER_S = 1.9;
/** A pipeline on a busy machine composes one of eleven frames (Pipeline.ts); then one step of the clock's mapping, s. */
const LONGEST_REPEAT_S = 0.5;
/** What is compared with the drawing: the tile's middle, which no name or mark covers, in blocks. Base units, which are pixels here. */
const COMPARED = { x: 0, y: 40, width: BASE_WIDTH, height: 100 };
const BLOCK = 20;
/** Peak signal to noise, dB, of the whole and of its worst block, after two encoders and a scaler (measured: 29 and 22). */
const MIN_PSNR_DB = 25;
const MIN_BLOCK_PSNR_DB = 19;
/** Of Cb and Cr, which are one colour all over: mean difference of the worst block (measured: 5). Grey is 72 away, green more. */
const MAX_CHROMA_DIFFERENCE = 12;
/** The buffer's delay on a good network: it starts with 130 ms, and a busy machine adds its own. Bounds: PlayoutDelay.ts. */
const CALM_DELAY_MS = 300;
/** The first packet's way may be the longest or the shortest: of 200 ± 80 ms the buffer sees at least the difference, ms. */
const SPREAD_MS = 160;
const CLIPS_MS = 180_000;

const clips = new Map<VideoCodec, EncodedClip>();
let drawn: Buffer[] = [];
beforeAll(async () => {
  const store = new ClipStore();
  await Promise.all(VIDEO_CODECS.map(async (codec) => clips.set(codec, await store.get(0, codec))));
  const painter = new FramePainter(0);
  drawn = Array.from({ length: CLIP_FRAMES }, (_, counter) => painter.draw(counter));
}, CLIPS_MS);

interface Reading {
  atS: number;
  counter: number | null;
  clip: number | null;
  hue: number;
  likeness: Likeness;
}

/** Of a tile to the drawing of its counter. */
interface Likeness {
  psnrDb: number;
  blockPsnrDb: number;
  chromaDifference: number;
}

const UNLIKE: Likeness = { psnrDb: 0, blockPsnrDb: 0, chromaDifference: Number.POSITIVE_INFINITY };
const psnr = (squares: number, samples: number) => 10 * Math.log10(255 ** 2 / Math.max(1e-9, squares / samples));

function likenessTo(picture: Picture, cell: { x: number; y: number }, counter: number): Likeness {
  const { x, y, width, height } = COMPARED;
  let [all, worst, difference] = [0, 0, 0];
  for (let y0 = y; y0 < y + height; y0 += BLOCK) {
    for (let x0 = x; x0 < x + width; x0 += BLOCK) {
      const squares = squaresOfBlock(picture, cell, drawn[counter] ?? Buffer.alloc(0), x0, y0);
      all += squares;
      worst = Math.max(worst, squares);
      difference = Math.max(difference, chromaOfBlock(picture, cell, x0, y0));
    }
  }
  return { psnrDb: psnr(all, width * height), blockPsnrDb: psnr(worst, BLOCK ** 2), chromaDifference: difference };
}

/** Sum of the squared differences of luma. */
function squaresOfBlock(picture: Picture, cell: { x: number; y: number }, drawing: Buffer, x0: number, y0: number) {
  const [luma = new Uint8Array()] = picture.planes;
  const [stride = 0] = picture.strides;
  let squares = 0;
  for (let row = y0; row < y0 + BLOCK; row++) {
    const is = (cell.y + row) * stride + cell.x;
    const wanted = row * BASE_WIDTH;
    for (let column = x0; column < x0 + BLOCK; column++)
      squares += ((luma[is + column] ?? 0) - (drawing[wanted + column] ?? 0)) ** 2;
  }
  return squares;
}

/** Mean difference of Cb or Cr, whichever is larger; both have half as many rows and columns. */
function chromaOfBlock(picture: Picture, cell: { x: number; y: number }, x0: number, y0: number): number {
  const { cb, cr } = hueOf(0);
  const [, chromaStride = 0] = picture.strides;
  const [left, top] = [(cell.x + x0) >> 1, (cell.y + y0) >> 1];
  const offBy = (plane: Uint8Array | undefined, hue: number): number => {
    let off = 0;
    for (let row = top; row < top + BLOCK / 2; row++)
      for (let column = left; column < left + BLOCK / 2; column++)
        off += Math.abs((plane?.[row * chromaStride + column] ?? 0) - hue);
    return off / (BLOCK / 2) ** 2;
  };
  return Math.max(offBy(picture.planes[1], cb), offBy(picture.planes[2], cr));
}

interface Outcome {
  /** By codec, one for each frame of the program. */
  readings: Map<VideoCodec, Reading[]>;
  times: number[];
  /** Program time at which each damage began and ended, s. */
  phases: { name: string; damage: HopDamage; fromS: number; toS: number; delaysMs: number[] }[];
  calmDelayMs: number;
  /** Program time at which frame 0 of every clip was captured, s. */
  firstS: number;
}

/** An outcome that is not read yet. */
type Played = Omit<Outcome, 'readings' | 'times'> & { program: string; tiles: ReturnType<typeof arrange> };

async function play(damaged: 'uplink' | 'downlink'): Promise<Played> {
  const [uplink, downlink] = await Promise.all([LossyHop.create(), LossyHop.create()]);
  const rig = await MediasoupRig.create(uplink);
  const pacer = new ProgramPacer({ now: () => performance.now() });
  const startMs = performance.now() + 1000;
  pacer.setStart(startMs);
  const ingest = await MediaIngest.create({
    ...{ ip: '127.0.0.1', portRange: [0, 0] as const, clock: pacer, logger: createLogger({ level: 'silent' }) },
  });
  const transport = await rig.output({ ip: downlink.ip, port: downlink.port, srtpParameters: ingest.srtpParameters });
  downlink.to(ingest.port);
  ingest.connect({ ip: downlink.ip, port: downlink.port, srtpParameters: srtpOf(transport) });
  const consumers: types.Consumer[] = [];
  for (const [i, codec] of VIDEO_CODECS.entries()) {
    const ssrcs = sendCamera(rig.streamer, { codec, clip: clips.get(codec)!, firstSsrc: 6000 + 10 * i });
    consumers.push(await rig.consume(transport, await rig.produce(RIG_CODECS[codec], ssrcs)));
  }
  const sources = consumers.map((consumer, i) => sourceOf(consumer, `ptestpeer${i}`, 'camera'));
  const parsed = sources.map((source) => JobSource.parse(source));
  ingest.setSources(parsed);
  const job = jobOf(sources, {
    scene: { transition: { type: 'cut' } },
    renditions: [
      { id: 'v360', kind: 'video', width: WIDTH, height: HEIGHT, bitrate: 4_000_000 },
      { id: 'a0', kind: 'audio', bitrate: 128_000 },
    ],
  });
  const sink = new CollectingSink();
  const pipeline = await Pipeline.create({ job, pacer, sink, logger: pino({ level: 'silent' }) });
  ingest.on('video', (frame) => pipeline.writeVideo(frame));
  pipeline.on('keyframe', (source) => ingest.requestKeyFrame(source));
  const ended = new Promise<void>((resolve) => pipeline.once('ended', () => resolve()));
  const signal = new AbortController().signal;
  const delays = () => Object.values(ingest.stats()).map((stats) => stats.playoutDelayMs);

  rig.streamer.start();
  const prefer = (spatialLayer: number) =>
    Promise.all(consumers.slice(0, 2).map((consumer) => consumer.setPreferredLayers({ spatialLayer })));
  await prefer(1);
  await Promise.all(consumers.map((consumer) => consumer.resume()));
  pipeline.start();
  await pacer.until(WARM_UP_S * 1000, signal);
  const calmDelayMs = Math.max(...delays());
  const hop = damaged === 'uplink' ? uplink : downlink;
  const phases: Outcome['phases'] = [];
  for (const [i, { name, seconds, damage }] of DAMAGES.entries()) {
    const fromS = pacer.nowMs() / 1000;
    hop.damage = damage;
    await pacer.until((fromS + seconds / 2) * 1000, signal);
    // Amid the damage another size is wanted.
    await prefer((i + 1) % 3);
    await pacer.until((fromS + seconds) * 1000, signal);
    hop.damage = SOUND;
    const toS = pacer.nowMs() / 1000;
    phases.push({ name, damage, fromS, toS, delaysMs: delays() });
    await pacer.until((toS + RECOVERY_S) * 1000, signal);
  }
  pipeline.stop(Math.ceil(pacer.nowMs() / 1000));
  await ended;
  ingest.close();
  rig.close();
  uplink.close();
  downlink.close();

  const firstS = (rig.streamer.startedUnixMs - performance.timeOrigin - startMs) / 1000;
  return { program: sink.file('v360'), tiles: arrange(job, WIDTH, HEIGHT), phases, calmDelayMs, firstS };
}

async function read({ program, tiles, ...played }: Played): Promise<Outcome> {
  const readings = new Map<VideoCodec, Reading[]>(VIDEO_CODECS.map((codec) => [codec, []]));
  const { video } = await decodeMedia(program, {
    onPicture: (picture, atS) => {
      for (const [i, codec] of VIDEO_CODECS.entries()) {
        const tile = tiles.find(({ peer }) => peer === `ptestpeer${i}`)!;
        const { code, hue } = readTile(picture, tile.cell);
        const likeness = code ? likenessTo(picture, tile.cell, code.counter) : UNLIKE;
        readings.get(codec)!.push({
          ...{ atS, counter: code?.counter ?? null, clip: code?.clip ?? null, hue: hue.clip, likeness },
        });
      }
    },
  });
  return { ...played, readings, times: video!.packets.map((packet) => packet.at) };
}

/** Program time at which what is shown was captured, s: of all runs of the clip the newest before `atS`. */
function capturedS({ atS, counter }: Reading, firstS: number): number {
  if (counter === null) return Number.NEGATIVE_INFINITY;
  const inClipS = firstS + counter / FPS;
  const clipS = CLIP_FRAMES / FPS;
  return inClipS + clipS * Math.floor((atS + 1 / FPS - inClipS) / clipS);
}

/** Without the placeholder, which has no code: it may take a camera's place when its picture has stood for long enough, and only then. */
function withoutPlaceholders(shown: readonly Reading[]): Reading[] {
  let since = shown[0];
  let stood = false;
  return shown.filter((reading, i) => {
    if (reading.counter !== null) {
      if (reading.counter !== since?.counter) since = reading;
      return true;
    }
    if (shown[i - 1]?.counter !== null) stood = reading.atS - (since?.atS ?? reading.atS) >= PLACEHOLDER_AFTER_S;
    return !stood;
  });
}

/** Longest time for which one picture stands between two program times, s. */
function longestRepeat(readings: readonly Reading[], fromS: number, toS: number): number {
  let longest = 0;
  let since: Reading | null = null;
  for (const reading of readings) {
    if (reading.atS < fromS || reading.atS > toS) continue;
    if (!since || reading.counter !== since.counter) since = reading;
    longest = Math.max(longest, reading.atS - since.atS + 1 / FPS);
  }
  return longest;
}

describe.each(['uplink', 'downlink'] as const)('with a damaged %s', (damaged) => {
  let outcome: Outcome;
  beforeAll(async () => {
    outcome = await read(await play(damaged));
  }, 120_000);

  test('the program’s cadence does not change at all', () => {
    const frames = outcome.times.map((atS) => Math.round((atS - outcome.times[0]!) * FPS));
    expect(frames).toEqual(frames.map((_, n) => n));
  });

  test.each(VIDEO_CODECS)('%s: each picture is whole, and none comes a second time after a later one', (codec) => {
    const readings = outcome.readings.get(codec)!;
    const shown = readings.slice(readings.findIndex((reading) => reading.counter !== null));
    const pictures = withoutPlaceholders(shown);
    const smeared = pictures.filter(
      ({ counter, clip, hue, likeness }) =>
        counter === null ||
        clip !== 0 ||
        hue !== 0 ||
        likeness.psnrDb < MIN_PSNR_DB ||
        likeness.blockPsnrDb < MIN_BLOCK_PSNR_DB ||
        likeness.chromaDifference > MAX_CHROMA_DIFFERENCE,
    );
    expect(smeared.slice(0, 5)).toEqual([]);
    const steps = pictures.map(
      ({ counter }, i) => (counter! - (pictures[i - 1]?.counter ?? counter!) + CLIP_FRAMES) % CLIP_FRAMES,
    );
    expect(steps.filter((step) => step > CLIP_FRAMES / 2)).toEqual([]);
  });

  test.each(VIDEO_CODECS)('%s: a second after the network is good the tile shows what was captured since', (codec) => {
    const readings = outcome.readings.get(codec)!;
    for (const { name, toS } of outcome.phases) {
      const fromS = toS + RECOVERED_S;
      const after = readings.filter(({ atS }) => atS >= fromS && atS < toS + RECOVERY_S);
      expect(after.length, name).toBeGreaterThan(FPS / 2);
      for (const reading of after) expect(capturedS(reading, outcome.firstS), name).toBeGreaterThan(toS);
      expect(longestRepeat(readings, fromS, toS + RECOVERY_S), name).toBeLessThan(LONGEST_REPEAT_S);
    }
  });

  test('the jitter buffer grows with the jitter, and within its bounds', () => {
    const jitter = outcome.phases.find(({ name }) => name === '200 ± 80 ms')!;
    expect(outcome.calmDelayMs).toBeLessThan(CALM_DELAY_MS);
    for (const delayMs of jitter.delaysMs) expect(delayMs).toBeGreaterThan(SPREAD_MS);
    for (const delayMs of outcome.phases.flatMap(({ delaysMs }) => delaysMs)) {
      expect(delayMs).toBeGreaterThanOrEqual(20);
      expect(delayMs).toBeLessThanOrEqual(400);
    }
  });
});
