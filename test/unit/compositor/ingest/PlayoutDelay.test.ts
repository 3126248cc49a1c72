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
  test('begins at 100 ms, or where its predecessor was', () => {
    expect(new PlayoutDelay(0).valueMs).toBe(100);
    expect(new PlayoutDelay(0, 180).valueMs).toBe(180);
    expect(new PlayoutDelay(0, 9_999).valueMs).toBe(MAX_DELAY_MS);
  });

  test('is up within half a second when media comes late, and not by one hiccup', () => {
    const delay = new PlayoutDelay(0);
    run(delay, 0, 2_000, () => 50);
    expect(delay.valueMs).toBe(100);
    delay.observe('v', 300, 2_010);
    expect(delay.valueMs).toBe(100);
    run(delay, 15_000, 15_520, () => 200);
    expect(delay.valueMs).toBe(220);
  });

  test('goes down slowly, to what is needed and the margin', () => {
    const delay = new PlayoutDelay(0, 200);
    run(delay, 0, 3_000, () => 30);
    expect(delay.valueMs).toBe(200);
    run(delay, 3_000, 8_000, () => 30);
    expect(delay.valueMs).toBeGreaterThan(145);
    expect(delay.valueMs).toBeLessThan(155);
    run(delay, 8_000, 40_000, () => 30);
    expect(delay.valueMs).toBe(50);
  });

  test('stays within 20 and 400 ms', () => {
    const delay = new PlayoutDelay(-5_000);
    run(delay, -5_000, 20_000, () => 0);
    expect(delay.valueMs).toBe(MIN_DELAY_MS);
    run(delay, 20_000, 21_000, () => 3_000);
    expect(delay.valueMs).toBe(MAX_DELAY_MS);
  });

  test('the slowest source of the peer decides, until it is silent for 10 s', () => {
    const delay = new PlayoutDelay(0);
    for (let ms = 0; ms < 20_000; ms += 20) {
      delay.observe('a', 25, ms);
      if (ms < 5_000) delay.observe('v', 130, ms);
      delay.update(ms);
      if (ms > 1_000 && ms < 14_000) expect(delay.valueMs).toBe(150);
    }
    expect(delay.valueMs).toBeLessThan(110);
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
