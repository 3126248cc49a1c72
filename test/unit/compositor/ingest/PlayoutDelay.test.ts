import { describe, expect, test } from 'vitest';
import { MAX_DELAY_MS, MIN_DELAY_MS, PlayoutDelay } from '../../../../compositor/ingest/PlayoutDelay.ts';

/** Feeds one source at 30 a second; `transitMs(ms)` says how late each is. */
function run(delay: PlayoutDelay, fromMs: number, toMs: number, transitMs: (ms: number) => number, source = 'v'): void {
  for (let ms = fromMs; ms < toMs; ms += 33) {
    delay.observe(source, transitMs(ms), ms);
    delay.update(ms);
  }
}

describe('PlayoutDelay', () => {
  test('begins at 130 ms, or where its predecessor was', () => {
    expect(new PlayoutDelay(0).valueMs).toBe(130);
    expect(new PlayoutDelay(0, 180).valueMs).toBe(180);
    expect(new PlayoutDelay(0, 9_999).valueMs).toBe(MAX_DELAY_MS);
  });

  test('is up within half a second when media comes late, and not by one hiccup', () => {
    const delay = new PlayoutDelay(0);
    run(delay, 0, 2_000, () => 50);
    expect(delay.valueMs).toBe(130);
    delay.observe('v', 300, 2_010);
    expect(delay.valueMs).toBe(130);
    run(delay, 15_000, 15_520, () => 200);
    expect(delay.valueMs).toBe(240);
  });

  test('goes down by 10 ms a second while it is much too long', () => {
    const delay = new PlayoutDelay(0, 250);
    run(delay, 0, 3_000, () => 30);
    expect(delay.valueMs).toBe(250);
    run(delay, 3_000, 8_000, () => 30);
    expect(delay.valueMs).toBeGreaterThan(195);
    expect(delay.valueMs).toBeLessThan(205);
  });

  test('what it is too long by less than 100 ms costs no more than a picture in ten minutes, and is gone in the end', () => {
    const delay = new PlayoutDelay(0);
    run(delay, 0, 180_000, () => 30);
    expect(delay.valueMs).toBeGreaterThan(120);
    run(delay, 180_000, 1_300_000, () => 30);
    expect(delay.valueMs).toBe(70);
  });

  test('stays within 20 and 400 ms', () => {
    const delay = new PlayoutDelay(-5_000, 5);
    expect(delay.valueMs).toBe(MIN_DELAY_MS);
    run(delay, -5_000, 20_000, () => -25);
    expect(delay.valueMs).toBe(MIN_DELAY_MS);
    run(delay, 20_000, 21_000, () => 3_000);
    expect(delay.valueMs).toBe(MAX_DELAY_MS);
  });

  test('the slowest source of the peer decides, until it is silent for 10 s', () => {
    const delay = new PlayoutDelay(0);
    for (let ms = 0; ms < 20_000; ms += 20) {
      delay.observe('a', 25, ms);
      if (ms < 5_000) delay.observe('v', 200, ms);
      delay.update(ms);
      if (ms > 1_000 && ms < 14_000) expect(delay.valueMs).toBe(240);
    }
    expect(delay.valueMs).toBeLessThan(200);
  });

  test('forgets a source whose mapping stepped', () => {
    const delay = new PlayoutDelay(0);
    run(delay, 0, 4_000, () => 10);
    delay.forget('v', 4_000);
    const before = delay.valueMs;
    run(delay, 4_000, 6_900, () => 60);
    expect(delay.valueMs).toBe(before);
  });
});
