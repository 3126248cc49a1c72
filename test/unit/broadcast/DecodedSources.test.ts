import { expect, test } from 'vitest';
import { DecodedSources } from '../../../src/broadcast/DecodedSources.ts';

test('active is what had a new picture between the last two reports', () => {
  const sources = new DecodedSources();
  expect(sources.active).toEqual([]);
  sources.add({ camera: { decoded: 10 }, screen: { decoded: 5 } });
  expect(sources.active).toEqual([]);
  sources.add({ camera: { decoded: 40 }, screen: { decoded: 5 }, late: { decoded: 3 } });
  expect(sources.active).toEqual(['camera']);
  expect([sources.has('camera'), sources.has('screen'), sources.has('other')]).toEqual([true, true, false]);
  sources.add({ screen: { decoded: 6 } });
  expect(sources.active).toEqual(['screen']);
  expect(sources.has('camera')).toBe(false);
});
