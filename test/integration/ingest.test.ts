/** Ingest against a real mediasoup worker over real UDP, with a hop between them that damages what passes. */
import type { types } from 'mediasoup';
import { afterEach, describe, expect, test } from 'vitest';
import { MediaIngest } from '../../compositor/ingest/MediaIngest.ts';
import type { EncodedAudio, EncodedVideo } from '../../compositor/types.ts';
import { createLogger } from '../../src/common/logger.ts';
import type { JobSource } from '../../src/contracts/job.ts';
import { type ClipFrame, h264Clip, nalUnits, vp8Clip } from '../support/ingest/clip.ts';
import { DamageProxy } from '../support/ingest/DamageProxy.ts';
import { H264, MediasoupRig, OPUS, sourceOf, srtpOf, VP8 } from '../support/ingest/MediasoupRig.ts';
import { h264Payloads, vp8Payloads } from '../support/ingest/packetize.ts';

const PEER = 'ptestpeer1';
const CAMERA = `${PEER}.camera`;
const AUDIO_FRAME_MS = 20;
const VIDEO_FRAME_MS = 1000 / 30;
/** Sound against picture of one instant, ms. */
const AV_TOLERANCE_MS = 5;
/** Captured by the mapping against captured in truth, on a machine that does other things as well, ms. */
const CAPTURE_TOLERANCE_MS = 30;

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

/** Resolves once `condition` holds, asked whenever the ingest gives something out. */
function until(ingest: MediaIngest, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (condition()) resolve();
    };
    ingest.on('video', look).on('audio', look);
    look();
  });
}

interface Setup {
  rig: MediasoupRig;
  ingest: MediaIngest;
  proxy: DamageProxy;
  frames: EncodedVideo[];
  packets: EncodedAudio[];
  sources: JobSource[];
  transport: types.PlainTransport;
  camera: types.Consumer;
  resume(): Promise<void>;
}

/** Program time 0 is the process's start of time, so that it compares with the streamer's wall clock. */
const clock = { nowMs: () => performance.now() };
const programMsOf = (unixMs: number): number => unixMs - performance.timeOrigin;

async function setUp(video: typeof VP8 | typeof H264, videoSsrcs: number[]): Promise<Setup> {
  const rig = await MediasoupRig.create();
  const logger = createLogger({ level: 'silent' });
  const ingest = await MediaIngest.create({ ip: '127.0.0.1', portRange: [0, 0], clock, logger });
  const proxy = await DamageProxy.create();
  cleanUps.push(
    () => rig.close(),
    () => proxy.close(),
    () => ingest.close(),
  );
  const transport = await rig.output({ ip: proxy.ip, port: proxy.port, srtpParameters: ingest.srtpParameters });
  proxy.between({ sfuPort: transport.tuple.localPort, ingestPort: ingest.port });
  ingest.connect({ ip: proxy.ip, port: proxy.port, srtpParameters: srtpOf(transport) });
  const camera = await rig.consume(transport, await rig.produce(video, videoSsrcs));
  const microphone = await rig.consume(transport, await rig.produce(OPUS, [5001]));
  const sources = [sourceOf(camera, PEER, 'camera'), sourceOf(microphone, PEER, 'microphone')];
  ingest.setSources(sources);
  const frames: EncodedVideo[] = [];
  const packets: EncodedAudio[] = [];
  ingest.on('video', (frame) => frames.push(frame)).on('audio', (packet) => packets.push(packet));
  const resume = async (): Promise<void> => {
    await Promise.all([camera.resume(), microphone.resume()]);
  };
  return { rig, ingest, proxy, frames, packets, sources, transport, camera, resume };
}

/** Opus packets that carry their number; the first octet is a CELT 20 ms TOC. */
function addMicrophone(rig: MediasoupRig): void {
  rig.streamer.add({
    ssrc: 5001,
    payloadType: 111,
    clockRate: 48_000,
    frameMs: AUDIO_FRAME_MS,
    lengthMs: AUDIO_FRAME_MS,
    firstSequence: 65_500,
    firstTimestamp: 0xffff0000,
    frame: (n) => {
      const payload = Buffer.alloc(60 + (n % 7), 0xf8);
      payload.writeUInt32BE(n, 4);
      return [payload];
    },
  });
}

/** VP8 of a clip in a loop; asked for a key frame it jumps to the clip's start. Answers which clip frame went out as number n. */
function addCamera(rig: MediasoupRig, clip: ClipFrame[], ssrc = 6001): number[] {
  const order: number[] = [];
  rig.streamer.add({
    ssrc,
    payloadType: 96,
    clockRate: 90_000,
    frameMs: VIDEO_FRAME_MS,
    firstSequence: 65_400,
    firstTimestamp: 0xfffff000,
    frame: (n, wantsKey) => {
      const at = wantsKey ? 0 : ((order.at(-1) ?? -1) + 1) % clip.length;
      order.push(at);
      return vp8Payloads(clip[at]!.data, n & 0x7fff);
    },
  });
  return order;
}

/** True where the frame is this access unit, whatever parameter sets stand before its slices. */
function sameUnits(frame: EncodedVideo, sent: { units: Buffer[]; keyFrame: boolean }): boolean {
  const type = (unit: Buffer): number => (unit[0] ?? 0) & 0x1f;
  const units = nalUnits(frame.data);
  const slices = (list: Buffer[]): Buffer => Buffer.concat(list.filter((unit) => ![7, 8].includes(type(unit))));
  if (sent.keyFrame && (type(units[0]!) !== 7 || type(units[1]!) !== 8)) return false;
  return frame.keyFrame === sent.keyFrame && slices(units).equals(slices(sent.units));
}

/** Each frame is, to the byte, the one that was sent under its number, counted from some place in what was sent. */
function expectSent(frames: EncodedVideo[], numbers: number[], order: number[], clip: ClipFrame[]): void {
  const mismatch = (start: number): number =>
    frames.findIndex((frame, i) => !frame.data.equals(clip[order[start + numbers[i]!] ?? 0]!.data));
  expect(order.map((_, start) => mismatch(start))).toContain(-1);
}

describe('MediaIngest with mediasoup', () => {
  test('gives out every VP8 frame and Opus packet whole and in order with 5 % loss, doubles and reordering', async () => {
    const clip = await vp8Clip({ size: '640x360', frames: 60, gop: 30, bitrate: '1500k' });
    const { rig, ingest, proxy, frames, packets, resume } = await setUp(VP8, [6001]);
    const order = addCamera(rig, clip);
    addMicrophone(rig);
    rig.streamer.start();
    await resume();
    await until(ingest, () => frames.length > 5 && packets.length > 5);
    proxy.damage = { lose: 0.05, double: 0.02, reorder: 0.02 };
    const from = frames.length;
    await until(ingest, () => frames.length >= from + 150 && packets.length > 250);

    const first = frames[0]!.rtp;
    expect(frames[0]!.keyFrame).toBe(true);
    const numbers = frames.map((frame) => Math.round((frame.rtp - first) / 3000));
    expect(numbers).toEqual(frames.map((_, i) => i));
    expectSent(frames, numbers, order, clip);
    const heard = packets.map((packet) => packet.data.readUInt32BE(4));
    expect(heard).toEqual(heard.map((_, i) => heard[0]! + i));
    expect(proxy.counts.lost).toBeGreaterThan(20);
    const stats = ingest.stats();
    expect(stats[CAMERA]).toMatchObject({ lost: 0, droppedFrames: 0 });
    expect(stats[CAMERA]!.recovered).toBeGreaterThan(10);
    expect(ingest.drops()).toMatchObject({ unauthentic: 0, malformed: 0, unknownSsrc: 0 });
  });

  test('maps sound and picture of one instant to one playout time, by sender reports', async () => {
    const clip = await vp8Clip({ size: '320x180', frames: 30, gop: 30, bitrate: '300k' });
    const { rig, ingest, frames, packets, resume } = await setUp(VP8, [6001]);
    addCamera(rig, clip);
    addMicrophone(rig);
    rig.streamer.start();
    await resume();
    // mediasoup sends the first report 1.0 to 1.5 s after the start, and only then is the mapping exact.
    await until(ingest, () => frames.length > 100);
    const startMs = programMsOf(rig.streamer.startedUnixMs);
    const delays = Object.values(ingest.stats()).map((s) => s.playoutDelayMs);
    expect(delays[0]).toBe(delays[1]);
    const carried = ingest.carry();
    const errorMs = (id: string, rtpTicks: number, firstTimestamp: number, rate: number): number => {
      const { atRtp, atProgramMs } = carried[id]!.rtpToProgram!;
      const capturedMs = startMs + (((rtpTicks - firstTimestamp) | 0) * 1000) / rate;
      return atProgramMs + (((rtpTicks - atRtp) | 0) * 1000) / rate - capturedMs;
    };
    const video = errorMs(CAMERA, frames.at(-1)!.rtp, 0xfffff000, 90_000);
    const audio = errorMs(`${PEER}.microphone`, packets.at(-1)!.rtp, 0xffff0000, 48_000);
    expect(Math.abs(video - audio), `video ${video} ms, audio ${audio} ms off`).toBeLessThan(AV_TOLERANCE_MS);
    expect(Math.abs(video)).toBeLessThan(CAPTURE_TOLERANCE_MS);
  });

  test('gives out nothing between an unmendable loss and the key frame that it asked for', async () => {
    const clip = await vp8Clip({ size: '320x180', frames: 300, gop: 300, bitrate: '300k' });
    const { rig, ingest, proxy, frames, sources, resume } = await setUp(VP8, [6001]);
    const order = addCamera(rig, clip);
    addMicrophone(rig);
    rig.streamer.start();
    await resume();
    await until(ingest, () => frames.length > 10);
    const asked = new Promise<string>((resolve) => ingest.once('keyframe', resolve));
    const ssrc = sources.find((source) => source.id === CAMERA)!.ssrc;
    const before = frames.length;
    let doomed = -1;
    proxy.damage = {
      lose: 0,
      double: 0,
      reorder: 0,
      loseIf: (datagram, isRtcp) => {
        if (isRtcp || datagram.readUInt32BE(8) !== ssrc) return false;
        if (doomed < 0) doomed = datagram.readUInt16BE(2);
        return datagram.readUInt16BE(2) === doomed;
      },
    };
    expect(await asked).toBe(CAMERA);
    await until(
      ingest,
      () => frames.slice(before).some((frame) => frame.keyFrame) && frames.at(-1)!.keyFrame === false,
    );
    const key = frames.findIndex((frame, i) => i >= before && frame.keyFrame);
    expect(frames[key]!.data.equals(clip[0]!.data)).toBe(true);
    const first = frames[0]!.rtp;
    const numbers = frames.map((frame) => Math.round((frame.rtp - first) / 3000));
    expect(numbers.slice(0, key)).toEqual(numbers.slice(0, key).map((_, i) => i));
    expect(numbers[key]).toBeGreaterThan(key);
    expectSent(frames, numbers, order, clip);
    expect(rig.streamer.keyFrameRequests.get(6001)).toBeGreaterThan(0);
    expect(ingest.stats()[CAMERA]).toMatchObject({ lost: 1 });
  });

  test('gives out H.264 as Annex B with parameter sets before each IDR picture, through 5 % loss', async () => {
    const clip = await h264Clip({ size: '320x180', frames: 60, gop: 15 });
    const { rig, ingest, proxy, frames, resume } = await setUp(H264, [7001]);
    const sent: number[] = [];
    rig.streamer.add({
      ssrc: 7001,
      payloadType: 102,
      clockRate: 90_000,
      frameMs: VIDEO_FRAME_MS,
      firstSequence: 100,
      firstTimestamp: 5000,
      frame: (n, wantsKey) => {
        sent.push(wantsKey ? 0 : ((sent.at(-1) ?? -1) + 1) % clip.length);
        return h264Payloads(clip[sent[n]!]!.units, 300);
      },
    });
    addMicrophone(rig);
    proxy.damage = { lose: 0.05, double: 0.02, reorder: 0.02 };
    rig.streamer.start();
    await resume();
    await until(ingest, () => frames.length >= 90);
    expect(ingest.stats()[CAMERA]!.lost).toBe(0);
    expect(frames[0]!.keyFrame).toBe(true);
    // Where in what was sent the first frame is: some place from which all agree.
    const mismatch = (start: number): number => frames.findIndex((f, i) => !sameUnits(f, clip[sent[start + i] ?? 0]!));
    expect(sent.map((_, start) => mismatch(start))).toContain(-1);
  });

  test('follows a simulcast layer switch without losing a frame', async () => {
    const low = await vp8Clip({ size: '160x90', frames: 60, gop: 30, bitrate: '100k' });
    const high = await vp8Clip({ size: '640x360', frames: 60, gop: 30, bitrate: '1000k' });
    const { rig, ingest, frames, resume, camera } = await setUp(VP8, [6001, 6002]);
    addCamera(rig, low, 6001);
    addCamera(rig, high, 6002);
    addMicrophone(rig);
    const width = (frame: EncodedVideo): number => frame.data.readUInt16LE(6) & 0x3fff;
    rig.streamer.start();
    await resume();
    for (const [spatialLayer, wanted] of [
      [0, 160],
      [1, 640],
      [0, 160],
    ] as const) {
      await camera.setPreferredLayers({ spatialLayer });
      const from = frames.length;
      await until(ingest, () => frames.slice(from).some((frame) => frame.keyFrame && width(frame) === wanted));
      const there = frames.length;
      await until(ingest, () => frames.length >= there + 20);
    }
    expect(ingest.stats()[CAMERA]).toMatchObject({ lost: 0 });
    // A layer switch may step back by up to 75 ms, and cut off or repeat one frame; it never leaves a hole.
    for (let i = 1; i < frames.length; i++) {
      const stepMs = (frames[i]!.rtp - frames[i - 1]!.rtp) / 90;
      expect(stepMs).toBeGreaterThan(-80);
      expect(stepMs).toBeLessThan(120);
    }
  });

  test('goes on after a pause, and with a new transport when the old one is gone', async () => {
    const clip = await vp8Clip({ size: '320x180', frames: 60, gop: 30, bitrate: '300k' });
    const { rig, ingest, proxy, frames, sources, resume, camera, transport } = await setUp(VP8, [6001]);
    addCamera(rig, clip);
    addMicrophone(rig);
    rig.streamer.start();
    await resume();
    await until(ingest, () => frames.length > 45);
    await camera.pause();
    ingest.setSources(sources.map((source) => ({ ...source, paused: source.kind === 'camera' })));
    const paused = frames.length;
    const pausedAtMs = clock.nowMs();
    await until(ingest, () => clock.nowMs() > pausedAtMs + 600);
    expect(frames.length).toBeLessThan(paused + 5);
    ingest.setSources(sources);
    await camera.resume();
    await until(ingest, () => frames.length > paused + 10);
    // The time line went on: a frame is shown within the longest delay of now.
    expect(Math.abs(frames.at(-1)!.playoutMs - clock.nowMs())).toBeLessThan(400);

    const output = await rig.output({ ip: proxy.ip, port: proxy.port, srtpParameters: ingest.srtpParameters });
    const again = await rig.consume(output, camera);
    transport.close();
    proxy.between({ sfuPort: output.tuple.localPort, ingestPort: ingest.port });
    ingest.connect({ ip: proxy.ip, port: proxy.port, srtpParameters: srtpOf(output) });
    ingest.setSources([sourceOf(again, PEER, 'camera')]);
    const before = frames.length;
    await again.resume();
    await until(ingest, () => frames.length > before + 10);
    expect(frames[before]!.keyFrame).toBe(true);
    expect(Object.keys(ingest.stats())).toEqual([CAMERA]);
  });
});
