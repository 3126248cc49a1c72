import { describe, expect, test } from 'vitest';
import type { RtpHeader } from 'werift';
import { CaptureClock } from '../../../scripts/simulator/CaptureClock.ts';
import { LayerPlayer } from '../../../scripts/simulator/LayerPlayer.ts';
import { RtpStream } from '../../../scripts/simulator/RtpStream.ts';
import { SentFrames } from '../../../scripts/simulator/SentFrames.ts';

class Wire {
  readonly headers: RtpHeader[] = [];
  readonly sent: Buffer[] = [];
  protect(payload: Buffer, header: RtpHeader): Buffer {
    this.headers.push(header);
    return Buffer.concat([Buffer.from([header.sequenceNumber >> 8, header.sequenceNumber & 0xff]), payload]);
  }
  send(packet: Buffer): void {
    this.sent.push(packet);
  }
}

describe('RtpStream', () => {
  test('a NACK gets the same bytes again; what is not kept is counted', () => {
    const wire = new Wire();
    const stream = new RtpStream(96, 90_000);
    for (let n = 0; n < 1100; n++) stream.send(wire, Buffer.from([n & 0xff]), 1e12 + n, false);
    const numbers = wire.headers.map((h) => h.sequenceNumber);
    stream.resend(wire, [numbers.at(-1)!, numbers[90]!, numbers[0]!]);
    expect(wire.sent.slice(1100)).toEqual([wire.sent[1099], wire.sent[90]]);
    expect(stream).toMatchObject({ packets: 1100, resent: 2, forgotten: 1 });
    expect(wire.headers).toHaveLength(1100);
  });

  test('timestamps are whole frames apart and map to the report', () => {
    const wire = new Wire();
    const stream = new RtpStream(96, 90_000);
    const first = CaptureClock.unitAtOrAfter(1.76e12, 30, 7);
    for (let n = first; n < first + 100; n++)
      stream.send(wire, Buffer.alloc(1), CaptureClock.captureMs(n, 30, 7), true);
    const steps = wire.headers.slice(1).map((h, i) => (h.timestamp - wire.headers[i]!.timestamp + 2 ** 32) % 2 ** 32);
    expect(new Set(steps)).toEqual(new Set([3000]));
    const atMs = CaptureClock.captureMs(first, 30, 7);
    const { senderInfo } = stream.report(atMs);
    expect(senderInfo.rtpTimestamp).toBe(wire.headers[0]!.timestamp);
    const ntpMs =
      (Number(senderInfo.ntpTimestamp >> 32n) - 2_208_988_800) * 1000 +
      (Number(senderInfo.ntpTimestamp & 0xffffffffn) / 2 ** 32) * 1000;
    expect(ntpMs).toBeCloseTo(atMs, 2);
    expect(senderInfo.packetCount).toBe(100);
  });

  test('what is lost on the way is still kept for a NACK', () => {
    const wire = new Wire();
    const stream = new RtpStream(96, 90_000, 1);
    stream.send(wire, Buffer.alloc(1), 0, true);
    expect(wire.sent).toEqual([]);
    stream.resend(wire, [wire.headers[0]!.sequenceNumber]);
    expect(wire.sent).toHaveLength(1);
  });
});

describe('LayerPlayer', () => {
  /** Three copies of 30 frames, key frames 10 apart; a frame's byte says copy and number. */
  const copies = [0, 1, 2].map((copy) =>
    Array.from({ length: 30 }, (_, n) => ({ data: Buffer.from([copy, n]), key: n === 0 || n === copy * 10 })),
  );
  const play = (layer: LayerPlayer, index: number): [number, number][] => {
    const wire = new Wire();
    for (const send of layer.frame(index)) send(wire, index);
    // 2 bytes of the wire's, 4 of the VP8 descriptor.
    return wire.sent.map((packet) => [packet[6]!, packet[7]!]);
  };

  test('starts with a key frame, and answers a request in the copy that has one next, without leaving a frame out', () => {
    const layer = new LayerPlayer('vp8', copies, 96);
    expect(play(layer, 5)).toEqual([]);
    const shown: [number, number][] = [];
    for (let n = 10; n < 30; n++) {
      if (n === 13) layer.requestKeyFrame();
      shown.push(...play(layer, n));
    }
    expect(shown.map(([, n]) => n)).toEqual(Array.from({ length: 20 }, (_, i) => i + 10));
    expect(shown.map(([copy]) => copy)).toEqual([...new Array(10).fill(1), ...new Array(10).fill(2)]);
    expect(layer).toMatchObject({ keyFrames: 2, keyFrameRequests: 1 });
  });

  test('VP8 pictures are numbered one by one', () => {
    const layer = new LayerPlayer('vp8', copies, 96);
    const numbers = [0, 1, 2].map((n) => {
      const wire = new Wire();
      for (const send of layer.frame(n)) send(wire, n);
      return ((wire.sent[0]![4]! & 0x7f) << 8) | wire.sent[0]![5]!;
    });
    expect([(numbers[1]! - numbers[0]!) & 0x7fff, (numbers[2]! - numbers[1]!) & 0x7fff]).toEqual([1, 1]);
  });
});

test('CaptureClock: a counter tells its capture time modulo the clip', () => {
  const clock = new CaptureClock(() => 5);
  expect(clock.nowMs()).toBe(5);
  for (const phase of [0, clock.phaseMs(3)]) {
    const n = CaptureClock.unitAtOrAfter(1_760_000_123_456, 30, phase);
    const captured = CaptureClock.captureMs(n, 30, phase);
    expect(captured).toBeGreaterThanOrEqual(1_760_000_123_456);
    expect(captured).toBeLessThan(1_760_000_123_456 + 34);
    expect(CaptureClock.captureOf(n % 300, phase, captured + 1800)).toBeCloseTo(captured, 2);
  }
});

test('SentFrames keeps the newest, and finds a frame by its counter', () => {
  const frames = new SentFrames();
  for (let n = 1000; n < 6000; n++) frames.add(n, n * 10, n * 10 + 2);
  expect(frames.get(1000)).toBeUndefined();
  expect(frames.get(5999)).toEqual({ frame: 5999, captureMs: 59_990, sentMs: 59_992 });
  expect(frames.all()).toHaveLength(4096);
  expect(frames.withCounter(10, 300, 59_000)?.frame).toBe(5710);
});
