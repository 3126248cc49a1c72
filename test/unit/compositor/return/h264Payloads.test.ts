import { describe, expect, test } from 'vitest';
import { H264Codec } from '../../../../compositor/ingest/depacketize/H264Codec.ts';
import { h264Payloads, isIdr, nalUnits, parameterSets } from '../../../../compositor/return/h264Payloads.ts';
import { h264Clip } from '../../../support/ingest/clip.ts';

const START = Buffer.from([0, 0, 0, 1]);
const SHORT_START = Buffer.from([0, 0, 1]);
const SPS = Buffer.from([0x67, 0x4d, 0x00, 0x1f, 0xe9]);
const PPS = Buffer.from([0x68, 0xee, 0x3c, 0x80]);
const SEI = Buffer.from([0x06, 0x05, 0x01, 0xaa, 0x80]);
const unit = (type: number, length: number): Buffer =>
  Buffer.concat([Buffer.from([0x60 | type]), Buffer.alloc(length - 1, 0xab)]);
const type = (payload: Buffer | undefined): number => (payload?.[0] ?? 0) & 0x1f;

describe('nalUnits', () => {
  test('finds units behind start codes of both lengths, without the zeros between them', () => {
    const zeros = Buffer.alloc(3);
    const stream = Buffer.concat([START, SPS, zeros, SHORT_START, PPS, START, SEI, SHORT_START, unit(5, 9), zeros]);
    expect(nalUnits(stream)).toEqual([SPS, PPS, SEI, unit(5, 9)]);
    expect(parameterSets(nalUnits(stream))).toEqual([SPS, PPS]);
    expect(isIdr(nalUnits(stream))).toBe(true);
    expect(isIdr([unit(1, 9)])).toBe(false);
  });

  test('has nothing in what has no start code', () => {
    expect(nalUnits(Buffer.alloc(0))).toEqual([]);
    expect(nalUnits(Buffer.from([1, 2, 3, 4]))).toEqual([]);
  });
});

describe('h264Payloads', () => {
  test('puts SPS and PPS together before an IDR picture, and only there; delimiters are left out', () => {
    const key = h264Payloads([Buffer.from([0x09, 0xf0]), SPS, PPS, SEI, unit(5, 40)], [SPS, PPS], 1000);
    expect(key.map(type)).toEqual([24, 6, 5]);
    expect(key[0]?.subarray(1)).toEqual(Buffer.concat([Buffer.from([0, 5]), SPS, Buffer.from([0, 4]), PPS]));
    expect(h264Payloads([unit(1, 40)], [SPS, PPS], 1000)).toEqual([unit(1, 40)]);
  });

  test('sends parameter sets that are too large for one packet by themselves', () => {
    expect(h264Payloads([unit(5, 8)], [SPS, PPS], 9).slice(0, 2)).toEqual([SPS, PPS]);
  });

  test.each([1000, 1001, 1998, 1999, 2000, 2995, 50_000])('an IDR unit of %i bytes comes together again', (length) => {
    const payloads = h264Payloads([unit(5, length)], [SPS, PPS], 1000);
    for (const payload of payloads) expect(payload.length).toBeLessThanOrEqual(1000);
    const frame = new H264Codec().assemble(payloads);
    expect(frame).toMatchObject({ keyFrame: true });
    expect(nalUnits(frame?.data ?? Buffer.alloc(0))).toEqual([SPS, PPS, unit(5, length)]);
  });

  test('what x264 makes comes out of the depacketizer as it went in', async () => {
    const clip = await h264Clip({ size: '320x180', frames: 20, gop: 10 });
    const codec = new H264Codec();
    let sets: Buffer[] = [];
    for (const { units, keyFrame } of clip) {
      const own = parameterSets(units);
      if (own.length > 0) sets = own;
      const frame = codec.assemble(h264Payloads(units, sets, 300));
      const rest = units.filter((u) => ![7, 8].includes(type(u)));
      expect(frame?.keyFrame).toBe(keyFrame);
      expect(nalUnits(frame?.data ?? Buffer.alloc(0))).toEqual(keyFrame ? [...sets, ...rest] : rest);
    }
  });
});
