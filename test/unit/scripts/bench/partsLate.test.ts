import { expect, test } from 'vitest';
import { partsLate } from '../../../../scripts/bench/support/partsLate.ts';

const ON = { fromMs: 0, segmentMs: 2000, partMs: 333 };

test('the part that was listed later than the others are, and by how much; whole segments do not count', () => {
  const listed = new Map([['9', 99_000]]);
  for (let part = 0; part < 6; part++) listed.set(`1.${part}`, 2_500 + part * 333);
  expect(partsLate(listed, ON)).toBe(0);
  listed.set('2.0', 4_500 + 1_250);
  expect(partsLate(listed, ON)).toBe(1.25);
});

test('what was listed before does not count', () => {
  expect(partsLate(new Map([['1.0', 5_000]]), { ...ON, fromMs: 6_000 })).toBeNull();
});
