import { describe, expect, test } from 'vitest';
import { H264RtpPayload, Vp8RtpPayload } from 'werift';
import { MTU, packetizeH264, packetizeVp8, payloadsOf, setPictureId } from '../../../scripts/simulator/packetize.ts';

const bytes = (length: number, seed: number) =>
  Buffer.from(Array.from({ length }, (_, i) => ((i * 31 + seed) % 255) + 1));

describe('packetizeVp8', () => {
  test('pieces join to the frame; only the first says that it starts', () => {
    const frame = bytes(MTU * 2 + 5, 1);
    const payloads = packetizeVp8(frame);
    for (const payload of payloads) setPictureId(payload, 0x1234);
    const parsed = payloads.map((payload) => Vp8RtpPayload.deSerialize(payload));
    expect(parsed.map((p) => p.sBit)).toEqual([1, 0, 0]);
    expect(parsed.map((p) => p.pictureId)).toEqual([0x1234, 0x1234, 0x1234]);
    expect(Buffer.concat(parsed.map((p) => p.payload))).toEqual(frame);
    expect(Math.max(...payloads.map((p) => p.length))).toBeLessThanOrEqual(MTU + 4);
  });
});

describe('packetizeH264', () => {
  const nal = (type: number, length: number) => Buffer.concat([Buffer.from([0x60 | type]), bytes(length, type)]);
  const start = Buffer.from([0, 0, 0, 1]);
  const shortStart = Buffer.from([0, 0, 1]);

  test('small units stand alone, large ones are fragmented, the delimiter is left out', () => {
    const [aud, sps, pps, idr] = [nal(9, 1), nal(7, 10), nal(8, 4), nal(5, MTU * 2 + 100)];
    const payloads = packetizeH264(Buffer.concat([start, aud, start, sps, shortStart, pps, shortStart, idr]));
    expect(payloads[0]).toEqual(sps);
    expect(payloads[1]).toEqual(pps);
    expect(payloads).toHaveLength(5);
    let fragment: Buffer | undefined;
    let whole: Buffer | undefined;
    for (const payload of payloads.slice(2)) {
      const parsed = H264RtpPayload.deSerialize(payload, fragment);
      fragment = parsed.fragment;
      if (!fragment) whole = parsed.payload;
    }
    expect(whole).toEqual(Buffer.concat([start, idr]));
  });
});

test('payloadsOf cuts a frame once', () => {
  const frame = { data: bytes(100, 3), key: true };
  expect(payloadsOf('vp8', frame)).toBe(payloadsOf('vp8', frame));
});
