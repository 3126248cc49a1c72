import { describe, expect, test } from 'vitest';
import { isSupported, videoCodec } from '../../../../compositor/ingest/depacketize/codecs.ts';
import { H264Codec } from '../../../../compositor/ingest/depacketize/H264Codec.ts';
import { Vp8Codec } from '../../../../compositor/ingest/depacketize/Vp8Codec.ts';
import { h264Payloads, vp8Payloads } from '../../../support/ingest/packetize.ts';

const SPS = Buffer.from('6742e01fd900', 'hex');
const PPS = Buffer.from('68ce3c80', 'hex');
const IDR = Buffer.concat([Buffer.from([0x65]), Buffer.alloc(3_000, 0x55)]);
const SLICE = Buffer.concat([Buffer.from([0x41]), Buffer.alloc(50, 0x11)]);
const START = Buffer.from([0, 0, 0, 1]);
const annexB = (...units: Buffer[]): Buffer => Buffer.concat(units.flatMap((unit) => [START, unit]));
const keyFrame = (length: number): Buffer =>
  Buffer.concat([Buffer.from('1000009d012a80026801', 'hex'), Buffer.alloc(length, 7)]);
const deltaFrame = (length: number): Buffer => Buffer.concat([Buffer.from([0x11]), Buffer.alloc(length, 7)]);

describe('Vp8Codec', () => {
  test.each([
    ['one octet', [0x10]],
    ['X without more', [0x90, 0x00]],
    ['7-bit PictureID', [0x90, 0x80, 0x05]],
    ['15-bit PictureID', [0x90, 0x80, 0x85, 0x01]],
    ['TL0PICIDX', [0x90, 0x40, 0x01]],
    ['TID alone', [0x90, 0x20, 0x60]],
    ['KEYIDX alone', [0x90, 0x10, 0x03]],
    ['all of it', [0x90, 0xf0, 0x85, 0x01, 0x01, 0x63]],
  ])('reads a descriptor with %s', (_, descriptor) => {
    const vp8 = new Vp8Codec();
    const frame = keyFrame(20);
    const payload = Buffer.concat([Buffer.from(descriptor), frame]);
    expect(vp8.startOf(payload)).toBe('yes');
    expect(vp8.startsKeyFrame(payload)).toBe(true);
    expect(vp8.assemble([payload])).toEqual({ data: frame, keyFrame: true, continuous: true });
  });

  test('puts a frame of many packets and of partitions together', () => {
    const vp8 = new Vp8Codec();
    const frame = deltaFrame(5_000);
    const payloads = vp8Payloads(frame, 77);
    payloads[2]![0] = 0x92;
    expect(payloads.map((payload) => vp8.startOf(payload))).toEqual(['yes', 'no', 'no', 'no', 'no']);
    expect(vp8.assemble(payloads)).toEqual({ data: frame, keyFrame: false, continuous: true });
    expect(vp8.startsKeyFrame(payloads[0]!)).toBe(false);
  });

  test('refuses descriptors without a payload, and a key frame without its start code', () => {
    const vp8 = new Vp8Codec();
    expect(vp8.assemble([Buffer.from([0x90, 0x80])])).toBeNull();
    expect(vp8.assemble([Buffer.from([0x90, 0xf0, 0x85, 0x01])])).toBeNull();
    const broken = keyFrame(20);
    broken[4] = 2;
    expect(vp8.assemble([Buffer.concat([Buffer.from([0x10]), broken])])).toBeNull();
  });

  test('finds a frame that is missing though no packet is, over the wrap of the PictureID', () => {
    const vp8 = new Vp8Codec();
    const whole = (frame: Buffer, id: number) => vp8.assemble(vp8Payloads(frame, id & 0x7fff))!.continuous;
    expect(whole(keyFrame(20), 0x7ff8)).toBe(true);
    for (let id = 0x7ff9; id < 0x8006; id++) expect(whole(deltaFrame(9), id)).toBe(true);
    expect(whole(deltaFrame(9), 0x8007)).toBe(false);
    expect(whole(keyFrame(20), 0x9000)).toBe(true);
    expect(whole(deltaFrame(9), 0x9001)).toBe(true);
  });

  test('temporal layers that the SFU drops are no loss; a picture of layer 0 that is missing is one', () => {
    const vp8 = new Vp8Codec();
    // L and T without a PictureID, as after an SFU that does not renumber: TL0PICIDX alone counts.
    const picture = (tl0: number, temporal: number) =>
      vp8.assemble([Buffer.concat([Buffer.from([0x90, 0x60, tl0 & 0xff, temporal << 6]), deltaFrame(9)])])!.continuous;
    vp8.assemble([Buffer.concat([Buffer.from([0x90, 0x60, 250, 0]), keyFrame(20)])]);
    for (let tl0 = 251; tl0 < 260; tl0++) {
      expect(picture(tl0, 0)).toBe(true);
      if (tl0 % 3 === 0) expect(picture(tl0, 1)).toBe(true);
    }
    expect(picture(261, 0)).toBe(false);
  });

  test('a sender whose ids mean nothing is taken at its packets', () => {
    const vp8 = new Vp8Codec();
    vp8.assemble(vp8Payloads(keyFrame(20), 5));
    const ids = Array.from({ length: 50 }, (_, i) => (i * 7919) & 0x7fff);
    expect(ids.every((id) => vp8.assemble(vp8Payloads(deltaFrame(9), id))!.continuous)).toBe(true);
  });
});

describe('H264Codec', () => {
  test('STAP-A and FU-A become Annex B, parameter sets in front', () => {
    const codec = new H264Codec();
    const payloads = h264Payloads([SPS, PPS, IDR], 1_000);
    expect(payloads.map((payload) => codec.startOf(payload))).toEqual(['yes', 'maybe', 'no', 'no']);
    expect(codec.startsKeyFrame(payloads[0]!)).toBe(true);
    expect(codec.assemble(payloads)).toEqual({ data: annexB(SPS, PPS, IDR), keyFrame: true, continuous: true });
    expect(codec.assemble([SLICE])).toEqual({ data: annexB(SLICE), keyFrame: false, continuous: true });
  });

  test('puts the newest parameter sets before an IDR picture that has none', () => {
    const codec = new H264Codec();
    const newer = Buffer.from('6742e01fd9ff', 'hex');
    codec.assemble([SPS, PPS, IDR]);
    expect(codec.assemble([IDR])!.data.equals(annexB(SPS, PPS, IDR))).toBe(true);
    expect(codec.assemble([newer])).toEqual({ data: Buffer.alloc(0), keyFrame: false, continuous: true });
    expect(codec.assemble([IDR])!.data.equals(annexB(newer, PPS, IDR))).toBe(true);
  });

  test('takes parameter sets from the session description', () => {
    const sets = `${SPS.toString('base64')},${PPS.toString('base64')}`;
    const found = videoCodec({ mime: 'video/h264', fmtp: { 'sprop-parameter-sets': sets } });
    expect(found!.mime).toBe('video/H264');
    expect(found!.codec.assemble([IDR])!.data.equals(annexB(SPS, PPS, IDR))).toBe(true);
  });

  test('keeps an access unit delimiter first', () => {
    const delimiter = Buffer.from([0x09, 0x10]);
    const codec = new H264Codec();
    expect(codec.startOf(delimiter)).toBe('yes');
    expect(codec.assemble([delimiter, SPS, PPS, IDR])!.data.equals(annexB(delimiter, SPS, PPS, IDR))).toBe(true);
  });

  test('refuses fragments that do not fit, lengths beyond the payload, and an IDR picture without parameter sets', () => {
    const codec = new H264Codec();
    expect(codec.assemble([IDR])).toBeNull();
    const [, first, middle, last] = h264Payloads([SPS, PPS, IDR], 1_000);
    expect(codec.assemble([SPS, PPS, first!, last!.subarray(0, 2)])).toBeNull();
    expect(codec.assemble([middle!, last!])).toBeNull();
    expect(codec.assemble([first!, middle!])).toBeNull();
    expect(codec.assemble([first!, SLICE])).toBeNull();
    expect(codec.assemble([Buffer.from([0x78, 0xff, 0xff, 0x41])])).toBeNull();
    expect(codec.assemble([Buffer.from([0x78, 0x00])])).toBeNull();
  });
});

describe('every depacketizer', () => {
  const MIMES = ['video/VP8', 'video/H264', 'video/VP9', 'video/AV1'];

  test.each(MIMES)('%s never throws on random payloads', (mime) => {
    let state = 5;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 8) % below;
    };
    const { codec } = videoCodec({ mime, fmtp: { 'sprop-parameter-sets': 'Z0,aA==,,=' } })!;
    for (let i = 0; i < 20_000; i++) {
      const payloads = Array.from({ length: 1 + random(3) }, () =>
        Buffer.from(Array.from({ length: random(20) }, () => random(256))),
      );
      const frame = codec.assemble(payloads);
      const given = payloads.reduce((sum, payload) => sum + payload.length, 0);
      // Headers and kept parameter sets come on top: nothing grows without bound.
      if (frame) expect(frame.data.length).toBeLessThan(10 * given + 1_000);
      for (const payload of payloads) {
        codec.startOf(payload);
        codec.startsKeyFrame(payload);
      }
    }
  });

  test('says which media types it can receive', () => {
    const mimes = [...MIMES, 'video/vp8', 'video/av1', 'audio/opus', 'audio/OPUS', 'video/H265', 'audio/PCMU'];
    const taken = [true, true, true, true, true, true, true, true, false, false];
    expect(mimes.map((mime) => isSupported({ mime }))).toEqual(taken);
  });
});
