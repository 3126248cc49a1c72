import { expect, test } from 'vitest';
import { jpegSize } from '../../../src/signaling/jpegSize.ts';
import { jpegOf } from '../../support/jpegOf.ts';

test('the size is that of the frame header, behind whatever stands before it', () => {
  expect(jpegSize(jpegOf(320, 180))).toEqual({ width: 320, height: 180 });
});

test('what is no JPEG, or ends too soon, has none', () => {
  for (const bytes of [
    [],
    [0xff],
    [0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0],
    [0xff, 0xd8],
    [0xff, 0xd8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ])
    expect(jpegSize(Uint8Array.from(bytes))).toBeUndefined();
  for (let length = 0; length < 29; length++) expect(jpegSize(jpegOf(320, 180).subarray(0, length))).toBeUndefined();
});

test('a segment that claims no length ends', () => {
  expect(
    jpegSize(Uint8Array.from([0xff, 0xd8, ...Array.from({ length: 40 }, (_, i) => (i % 4 < 2 ? 0xff : 0))])),
  ).toBeUndefined();
});
