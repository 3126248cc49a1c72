import { beforeEach, describe, expect, test } from 'vitest';
import { PartWatch } from '../../../src/broadcast/PartWatch.ts';

const PART_MS = 1000 / 3;

describe('PartWatch', () => {
  let now: number;
  let watch: PartWatch;
  beforeEach(() => {
    now = 1000;
    watch = new PartWatch({ now: () => now });
    watch.begin(0);
  });

  test('neither parts nor frames: gone after three late parts, once its statistics have stood still', () => {
    now += 1500;
    expect(watch.isGone(4, PART_MS, now)).toBe(false);
    now += 600;
    expect(watch.isGone(6, PART_MS, now)).toBe(true);
  });

  test('no part and no word: gone with the third late part', () => {
    const [partAt, heardAt] = [now, now - 450];
    watch.progress(9);
    watch.part();
    now = partAt + 3 * PART_MS + 10;
    expect(watch.isGone(2, PART_MS, heardAt)).toBe(false);
    // A part is late one part after its end.
    now = partAt + 4 * PART_MS;
    expect(watch.isGone(3, PART_MS, heardAt)).toBe(true);
    expect(watch.isGone(3, PART_MS, now - 500)).toBe(false);
  });

  test('a word from before its beginning is no silence', () => {
    watch.begin(now + 1000);
    now += 2200;
    expect(watch.isGone(3, PART_MS, 1000)).toBe(false);
    now += 100;
    expect(watch.isGone(3, PART_MS, 1000)).toBe(true);
  });

  test('slow, but it composes: it keeps its place', () => {
    for (let frame = 0; frame < 9; frame++) {
      now += 1000;
      watch.progress(frame);
      expect(watch.isGone(3 * frame, PART_MS, now)).toBe(false);
    }
  });

  test('late parts that come are parts', () => {
    now += 5000;
    watch.part();
    expect(watch.isGone(15, PART_MS, now)).toBe(false);
  });

  test('it composes and puts nothing: gone after ten seconds', () => {
    for (let frame = 0; frame < 10; frame++) {
      now += 1000;
      watch.progress(frame);
    }
    expect(watch.isGone(30, PART_MS, now)).toBe(true);
  });

  test('what comes before its beginning, late parts of its predecessor and its own standstill, takes none of its time', () => {
    watch.begin(now + 2000);
    now += 500;
    watch.progress(0);
    watch.part();
    now += 1500 + 1900;
    expect(watch.isGone(5, PART_MS, now)).toBe(false);
    now += 200;
    expect(watch.isGone(6, PART_MS, now)).toBe(true);
  });

  test('a frame number that does not grow is no progress', () => {
    watch.progress(7);
    now += 2500;
    watch.progress(7);
    expect(watch.isGone(7, PART_MS, now)).toBe(true);
  });

  test('nothing is expected before it begins', () => {
    watch.begin(now + 5000);
    now += 4000;
    expect(watch.isGone(12, PART_MS, now)).toBe(false);
  });
});
