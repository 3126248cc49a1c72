import { describe, expect, test } from 'vitest';
import { PlayoutDelay } from '../../../../compositor/ingest/PlayoutDelay.ts';
import type { RtpPacket } from '../../../../compositor/ingest/rtpPacket.ts';
import { SfuClock } from '../../../../compositor/ingest/SfuClock.ts';
import { SourceReceiver } from '../../../../compositor/ingest/SourceReceiver.ts';
import type { EncodedAudio, EncodedVideo } from '../../../../compositor/types.ts';
import type { JobSource } from '../../../../src/contracts/job.ts';
import { vp8Payloads } from '../../../support/ingest/packetize.ts';

const CAMERA: JobSource = {
  id: 'ptestpeer1.camera',
  peer: 'ptestpeer1',
  kind: 'camera',
  mime: 'video/VP8',
  payloadType: 96,
  clockRate: 90_000,
  fmtp: {},
  ssrc: 42,
  paused: false,
};
const MICROPHONE: JobSource = {
  ...CAMERA,
  id: 'ptestpeer1.microphone',
  kind: 'microphone',
  mime: 'audio/opus',
  clockRate: 48_000,
};

interface Rig {
  receiver: SourceReceiver;
  frames: EncodedVideo[];
  packets: EncodedAudio[];
  nacked: { ms: number; indices: number[] }[];
  keyFrameRequests: number[];
  delay: PlayoutDelay;
  /** Lets time pass to `ms` with a tick each 10 ms. */
  pass(ms: number): void;
  nowMs(): number;
}

function rig(source: JobSource): Rig {
  let nowMs = 0;
  const frames: EncodedVideo[] = [];
  const packets: EncodedAudio[] = [];
  const nacked: { ms: number; indices: number[] }[] = [];
  const keyFrameRequests: number[] = [];
  const delay = new PlayoutDelay(0, 100);
  const receiver = new SourceReceiver({
    source,
    clock: new SfuClock(),
    delay,
    nowMs: 0,
    wishes: {
      nack: (_, indices) => nacked.push({ ms: nowMs, indices: [...indices] }),
      keyFrame: () => keyFrameRequests.push(nowMs),
    },
    video: (frame) => frames.push(frame),
    audio: (packet) => packets.push(packet),
  });
  const pass = (ms: number): void => {
    for (; nowMs < ms; nowMs += 10) receiver.tick(nowMs);
    nowMs = ms;
  };
  return { receiver, frames, packets, nacked, keyFrameRequests, delay, pass, nowMs: () => nowMs };
}

/** Packets of frame `n` of a clip with a key frame each `gop` frames and three packets a frame. */
function framePackets(n: number, gop = 1_000, marker = true): RtpPacket[] {
  const head = n % gop === 0 ? Buffer.from('1000009d012a80026801', 'hex') : Buffer.from([0x11]);
  const payloads = vp8Payloads(Buffer.concat([head, Buffer.alloc(250, n)]), n, 100);
  return payloads.map((payload, i) => ({
    index: 100 + 3 * n + i,
    timestamp: (0xffff0000 + n * 3_000) >>> 0,
    marker: marker && i === payloads.length - 1,
    payloadType: 96,
    ssrc: 42,
    payload,
  }));
}

const numbers = (frames: EncodedVideo[]): number[] =>
  frames.map((frame) => Math.round((frame.rtp - 0xffff0000) / 3_000));
const opus = (n: number): RtpPacket => ({
  index: n,
  timestamp: n * 960,
  marker: false,
  payloadType: 96,
  ssrc: 42,
  payload: Buffer.from([0xf8, n]),
});

describe('SourceReceiver, video', () => {
  test('gives out a frame with its last packet, in the same call', () => {
    const { receiver, frames } = rig(CAMERA);
    const [a, b, c] = framePackets(0);
    receiver.rtp(a!, 0);
    receiver.rtp(b!, 1);
    expect(frames).toHaveLength(0);
    receiver.rtp(c!, 2);
    expect(frames[0]).toMatchObject({
      source: CAMERA.id,
      mime: 'video/VP8',
      keyFrame: true,
      rtp: 0xffff0000,
      playoutMs: 100,
    });
    expect(frames[0]!.data.length).toBe(260);
  });

  test('asks for a missing packet at once, again each 25 to 30 ms, and goes on when it comes', () => {
    const { receiver, frames, nacked, pass } = rig(CAMERA);
    for (const packet of framePackets(0)) receiver.rtp(packet, 0);
    const [a, b, c] = framePackets(1);
    pass(33);
    receiver.rtp(a!, 33);
    receiver.rtp(c!, 33);
    for (const packet of framePackets(2)) receiver.rtp(packet, 66);
    expect(nacked).toEqual([{ ms: 33, indices: [104] }]);
    pass(100);
    expect(nacked.length).toBe(3);
    receiver.rtp(b!, 101);
    expect(numbers(frames)).toEqual([0, 1, 2]);
    expect(receiver.stats).toMatchObject({ packets: 9, lost: 0, recovered: 1, nacks: 3 });
    expect(receiver.pending).toBe(false);
  });

  test('asks for a key frame after 200 ms of a hole, gives it up after 400 ms, and waits for the key frame', () => {
    const { receiver, frames, keyFrameRequests, pass, nowMs } = rig(CAMERA);
    for (const packet of framePackets(0)) receiver.rtp(packet, 0);
    for (let n = 1; n <= 20; n++) {
      pass(n * 33);
      for (const packet of framePackets(n).slice(n === 1 ? 1 : 0)) receiver.rtp(packet, nowMs());
    }
    expect(keyFrameRequests[0]).toBeGreaterThanOrEqual(233);
    expect(keyFrameRequests[0]).toBeLessThan(260);
    expect(numbers(frames)).toEqual([0]);
    expect(receiver.stats).toMatchObject({ lost: 1 });
    for (let n = 21; n <= 23; n++) for (const packet of framePackets(n, 22)) receiver.rtp(packet, n * 33);
    expect(numbers(frames)).toEqual([0, 22, 23]);
    expect(frames[1]!.keyFrame).toBe(true);
  });

  test('does not wait long for what lies before a key frame', () => {
    const { receiver, frames, pass } = rig(CAMERA);
    for (const packet of framePackets(0, 3)) receiver.rtp(packet, 0);
    for (const packet of framePackets(1, 3).slice(1)) receiver.rtp(packet, 33);
    for (const packet of framePackets(3, 3)) receiver.rtp(packet, 99);
    expect(numbers(frames)).toEqual([0]);
    pass(170);
    expect(numbers(frames)).toEqual([0]);
    pass(200);
    expect(numbers(frames)).toEqual([0, 3]);
  });

  test('time in which the process stood still does not count as waiting', () => {
    const { receiver, frames, pass } = rig(CAMERA);
    for (const packet of framePackets(0)) receiver.rtp(packet, 0);
    const [a, b, c] = framePackets(1);
    receiver.rtp(a!, 33);
    receiver.rtp(c!, 33);
    pass(100);
    receiver.stalled(1_000);
    receiver.tick(1_100);
    receiver.rtp(b!, 1_101);
    expect(numbers(frames)).toEqual([0, 1]);
    expect(receiver.stats.lost).toBe(0);
  });

  test('an outage of thousands of packets ends at the next key frame', () => {
    const { receiver, frames, keyFrameRequests } = rig(CAMERA);
    for (const packet of framePackets(0)) receiver.rtp(packet, 0);
    for (const packet of framePackets(1_001)) receiver.rtp(packet, 33_000);
    expect(keyFrameRequests).toHaveLength(1);
    for (const packet of framePackets(1_002, 1_002)) receiver.rtp(packet, 33_033);
    expect(numbers(frames)).toEqual([0, 1_002]);
    expect(receiver.stats.lost).toBe(3_000);
  });

  test('after an outage asks for a key frame with the first packet, however often it asked before', () => {
    const { receiver, frames, keyFrameRequests, pass, nowMs } = rig(CAMERA);
    for (const packet of framePackets(0)) receiver.rtp(packet, 0);
    for (const packet of framePackets(2)) receiver.rtp(packet, 66);
    pass(3_000);
    const before = keyFrameRequests.length;
    expect(before).toBeGreaterThan(1);
    for (const packet of framePackets(90)) receiver.rtp(packet, nowMs());
    expect(keyFrameRequests.slice(before)).toEqual([3_000]);
    for (const packet of framePackets(91, 91)) receiver.rtp(packet, 3_033);
    expect(numbers(frames)).toEqual([0, 91]);
  });

  test('a screen that stood still loses nothing: its first packet is asked for again', () => {
    const { receiver, frames, nacked, keyFrameRequests, pass } = rig(CAMERA);
    for (const packet of framePackets(0)) receiver.rtp(packet, 0);
    pass(2_000);
    const [a, b, c] = framePackets(1).map((packet) => ({ ...packet, timestamp: packet.timestamp + 180_000 }));
    receiver.rtp(b!, 2_000);
    receiver.rtp(c!, 2_001);
    expect(nacked).toHaveLength(1);
    pass(2_020);
    receiver.rtp(a!, 2_020);
    expect(frames).toHaveLength(2);
    expect(keyFrameRequests).toEqual([]);
  });

  test('drops the frame that a layer switch cut off, keeps one whose marker is missing', () => {
    const { receiver, frames } = rig(CAMERA);
    const send = (packets: RtpPacket[], from: number): void => {
      for (const [i, packet] of packets.entries()) receiver.rtp({ ...packet, index: from + i }, 0);
    };
    send(framePackets(0), 0);
    send(framePackets(1, 1_000, false), 3);
    send(framePackets(2).slice(0, 2), 6);
    send(framePackets(3, 3), 8);
    expect(numbers(frames)).toEqual([0, 1, 3]);
    expect(receiver.stats.droppedFrames).toBe(1);
  });

  test('two frames of one timestamp are two frames', () => {
    const { receiver, frames } = rig(CAMERA);
    for (const packet of framePackets(0)) receiver.rtp(packet, 0);
    for (const packet of framePackets(1)) receiver.rtp({ ...packet, timestamp: 0xffff0000 }, 0);
    expect(numbers(frames)).toEqual([0, 0]);
  });

  test('asks for a key frame when a stream starts without one, or does not start at all', () => {
    const silent = rig(CAMERA);
    silent.pass(3_000);
    expect(silent.keyFrameRequests).toEqual([1_000, 1_500, 2_500]);
    const running = rig(CAMERA);
    for (const packet of framePackets(1)) running.receiver.rtp(packet, 0);
    running.pass(400);
    expect(running.frames).toHaveLength(0);
    expect(running.keyFrameRequests[0]).toBeLessThanOrEqual(260);
    const paused = rig({ ...CAMERA, paused: true });
    paused.pass(3_000);
    expect(paused.keyFrameRequests).toEqual([]);
  });

  test('refuses another payload type, and packets of padding alone cost nothing', () => {
    const { receiver, frames } = rig(CAMERA);
    const [a, b, c] = framePackets(0);
    expect(receiver.rtp({ ...a!, payloadType: 97 }, 0)).toBe(false);
    for (const packet of [a!, b!, c!]) expect(receiver.rtp(packet, 0)).toBe(true);
    receiver.rtp({ ...c!, index: c!.index + 1, payload: Buffer.alloc(0), timestamp: 1 }, 1);
    for (const packet of framePackets(1)) receiver.rtp({ ...packet, index: packet.index + 1 }, 33);
    expect(numbers(frames)).toEqual([0, 1]);
  });

  test('gives every frame of a stream that is lost, doubled and reordered at random, and mended', () => {
    const { receiver, frames, pass, nowMs, nacked } = rig(CAMERA);
    let state = 99;
    const chance = (p: number): boolean => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32 < p;
    };
    const sent = new Map<number, RtpPacket>();
    let answered = 0;
    for (let n = 0; n < 600; n++) {
      pass(n * 33);
      const packets = framePackets(n, 100);
      if (chance(0.1)) packets.reverse();
      for (const packet of packets) {
        sent.set(packet.index, packet);
        // The first packet of all cannot be missed.
        if (n > 0 && chance(0.08)) continue;
        receiver.rtp(packet, nowMs());
        if (chance(0.05)) receiver.rtp(packet, nowMs());
      }
      for (; answered < nacked.length; answered++) {
        for (const index of nacked[answered]!.indices) if (chance(0.8)) receiver.rtp(sent.get(index)!, nowMs());
      }
    }
    for (let n = 600; n < 610; n++) for (const packet of framePackets(n)) receiver.rtp(packet, n * 33);
    const got = numbers(frames);
    expect(got.length).toBeGreaterThan(590);
    expect(got).toEqual(got.map((_, i) => i));
    expect(receiver.stats.lost).toBe(0);
  });
});

describe('SourceReceiver, audio', () => {
  test('gives up a lost packet 30 ms before the next one is to be heard', () => {
    const { receiver, packets, pass, nowMs } = rig(MICROPHONE);
    for (const n of [0, 1, 2, 5, 6]) {
      // Sent when its 20 ms are over.
      pass((n + 1) * 20);
      receiver.rtp(opus(n), nowMs());
    }
    expect(packets.map((packet) => packet.data[1])).toEqual([0, 1, 2]);
    // Packet 5 was captured at 100 ms and is heard at 200 ms.
    pass(160);
    expect(packets).toHaveLength(3);
    pass(190);
    expect(packets.map((packet) => [packet.data[1], packet.lostBefore, packet.playoutMs])).toEqual([
      [0, 0, 100],
      [1, 0, 120],
      [2, 0, 140],
      [5, 2, 200],
      [6, 0, 220],
    ]);
    receiver.rtp(opus(4), 200);
    expect(packets).toHaveLength(5);
    expect(receiver.stats).toMatchObject({ lost: 2, plis: 0 });
  });

  test('silence (DTX) is no loss', () => {
    const { receiver, packets, pass } = rig(MICROPHONE);
    receiver.rtp(opus(0), 20);
    pass(2_020);
    receiver.rtp({ ...opus(1), timestamp: 100 * 960 }, 2_020);
    expect(packets.map((packet) => packet.lostBefore)).toEqual([0, 0]);
    expect(packets[1]!.playoutMs).toBeCloseTo(2_000 + 100, 0);
  });

  test('flush gives out what waits behind a hole', () => {
    const { receiver, packets } = rig(MICROPHONE);
    for (const n of [0, 2, 4]) receiver.rtp(opus(n), n);
    receiver.flush(5);
    expect(packets.map((packet) => [packet.data[1], packet.lostBefore])).toEqual([
      [0, 0],
      [2, 1],
      [4, 1],
    ]);
  });
});
