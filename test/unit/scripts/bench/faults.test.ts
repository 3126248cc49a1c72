/** The pure parts of `npm run bench -- faults`. */
import { describe, expect, test } from 'vitest';
import { longestAbsence } from '../../../../scripts/bench/support/absence.ts';
import { flvFrames } from '../../../../scripts/bench/support/flv.ts';

const seen = (at: number, counter: number) => ({ at, counter, flash: false });

describe('longestAbsence', () => {
  const sightings = [seen(1, 1), seen(1.1, 2), seen(1.2, 2), seen(1.3, 2), seen(3, 90), seen(3.1, 91)];

  test('from the last new picture to the next new one, a picture that stands still counts', () => {
    expect(longestAbsence(sightings, { from: 1.2, until: 1.8, end: 10 })).toEqual({ from: 1.1, to: 3 });
  });

  test('what begins too late or ended before is none of it', () => {
    expect(longestAbsence(sightings, { from: 0, until: 1, end: 10 })).toEqual({ from: 1, to: 1.1 });
  });

  test('nothing came any more', () => {
    expect(longestAbsence(sightings, { from: 4, until: 5, end: 10 })).toEqual({ from: 3.1, to: null });
    expect(longestAbsence([], { from: 4, until: 5, end: 10 })).toBeNull();
  });
});

describe('flvFrames', () => {
  /** Adobe FLV 10.1, annex E.4.1. */
  const tag = (type: number, timestampMs: number, data: number[]): number[] => [
    ...[type, 0, 0, data.length, (timestampMs >> 16) & 255, (timestampMs >> 8) & 255, timestampMs & 255],
    ...[timestampMs >> 24, 0, 0, 0, ...data, 0, 0, 0, 11 + data.length],
  ];
  const header = [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];
  const file = [
    ...header,
    ...tag(9, 0, [0x17, 0, 0, 0, 0]),
    ...tag(8, 5, [0xaf, 1, 1]),
    ...tag(9, 70_000, [0x17, 1, 0, 0, 0, 1]),
    ...tag(9, 2 ** 24 + 1, [0x27, 1, 0, 0, 0, 1]),
  ];

  test('coded pictures with time and kind; neither sound nor configuration', () => {
    expect(flvFrames(Buffer.from(file))).toEqual([
      { timestampMs: 70_000, key: true },
      { timestampMs: 2 ** 24 + 1, key: false },
    ]);
  });

  test('a file that is being written: what is whole', () => {
    expect(flvFrames(Buffer.from(file.slice(0, -5)))).toHaveLength(1);
    expect(flvFrames(Buffer.from(header.slice(0, 5)))).toEqual([]);
  });
});
