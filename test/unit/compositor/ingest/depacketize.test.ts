import { describe, expect, test } from 'vitest';
import { isSupported, videoCodec } from '../../../../compositor/ingest/depacketize/codecs.ts';
import { H264Codec } from '../../../../compositor/ingest/depacketize/H264Codec.ts';
import { vp8 } from '../../../../compositor/ingest/depacketize/vp8.ts';
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

describe('vp8', () => {
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
    const frame = keyFrame(20);
    const payload = Buffer.concat([Buffer.from(descriptor), frame]);
    expect(vp8.startOf(payload)).toBe('yes');
    expect(vp8.startsKeyFrame(payload)).toBe(true);
    expect(vp8.assemble([payload])).toEqual({ data: frame, keyFrame: true });
  });

  test('puts a frame of many packets and of partitions together', () => {
    const frame = deltaFrame(5_000);
    const payloads = vp8Payloads(frame, 77);
    payloads[2]![0] = 0x92;
    expect(payloads.map((payload) => vp8.startOf(payload))).toEqual(['yes', 'no', 'no', 'no', 'no']);
    expect(vp8.assemble(payloads)).toEqual({ data: frame, keyFrame: false });
    expect(vp8.startsKeyFrame(payloads[0]!)).toBe(false);
  });

  test('refuses descriptors without a payload, and a key frame without its start code', () => {
    expect(vp8.assemble([Buffer.from([0x90, 0x80])])).toBeNull();
    expect(vp8.assemble([Buffer.from([0x90, 0xf0, 0x85, 0x01])])).toBeNull();
    const broken = keyFrame(20);
    broken[4] = 2;
    expect(vp8.assemble([Buffer.concat([Buffer.from([0x10]), broken])])).toBeNull();
  });
});

describe('H264Codec', () => {
  test('STAP-A and FU-A become Annex B, parameter sets in front', () => {
    const codec = new H264Codec();
    const payloads = h264Payloads([SPS, PPS, IDR], 1_000);
    expect(payloads.map((payload) => codec.startOf(payload))).toEqual(['yes', 'maybe', 'no', 'no']);
    expect(codec.startsKeyFrame(payloads[0]!)).toBe(true);
    expect(codec.assemble(payloads)).toEqual({ data: annexB(SPS, PPS, IDR), keyFrame: true });
    expect(codec.assemble([SLICE])).toEqual({ data: annexB(SLICE), keyFrame: false });
  });

  test('puts the newest parameter sets before an IDR picture that has none', () => {
    const codec = new H264Codec();
    const newer = Buffer.from('6742e01fd9ff', 'hex');
    codec.assemble([SPS, PPS, IDR]);
    expect(codec.assemble([IDR])!.data.equals(annexB(SPS, PPS, IDR))).toBe(true);
    expect(codec.assemble([newer])).toEqual({ data: Buffer.alloc(0), keyFrame: false });
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
  test('never throws on random payloads', () => {
    let state = 5;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 8) % below;
    };
    const h264 = new H264Codec('Z0,aA==,,=');
    for (let i = 0; i < 5_000; i++) {
      const payloads = Array.from({ length: 1 + random(3) }, () =>
        Buffer.from(Array.from({ length: 1 + random(20) }, () => random(256))),
      );
      for (const codec of [vp8, h264]) {
        codec.assemble(payloads);
        for (const payload of payloads) {
          codec.startOf(payload);
          codec.startsKeyFrame(payload);
        }
      }
    }
  });

  test('says which media types it can receive', () => {
    const mimes = ['video/VP8', 'video/vp8', 'video/H264', 'audio/opus', 'audio/OPUS', 'video/VP9', 'audio/PCMU'];
    expect(mimes.map((mime) => isSupported({ mime }))).toEqual([true, true, true, true, true, false, false]);
  });
});
