import { describe, expect, test } from 'vitest';
import { ProgramPacer } from '../../../compositor/Pacer.ts';
import { PipelineMeter, percentile } from '../../../compositor/PipelineMeter.ts';

describe('ProgramPacer', () => {
  test('program time is the clock minus the start; waiting ends at it and never before', async () => {
    const pacer = new ProgramPacer({ now: () => performance.now() + 5000 });
    pacer.setStart(performance.now() + 5000);
    const { signal } = new AbortController();
    for (const timeMs of [5, 7.5, 30]) {
      await pacer.until(timeMs, signal);
      expect(pacer.nowMs()).toBeGreaterThanOrEqual(timeMs);
    }
    const before = pacer.nowMs();
    await pacer.until(before - 1000, signal);
  });

  test('a clock that is put forward while we wait is followed', async () => {
    let offset = 0;
    const pacer = new ProgramPacer({ now: () => performance.now() + offset });
    pacer.setStart(performance.now());
    const waiting = pacer.until(1e6, new AbortController().signal);
    offset = 2e6;
    await waiting;
    expect(pacer.nowMs()).toBeGreaterThanOrEqual(1e6);
  });

  test('a frame whose time is long past waits for what came meanwhile; one that is in time does not', async () => {
    let now = 0;
    let caughtUp = 0;
    const pacer = new ProgramPacer({ now: () => now }, async () => {
      caughtUp++;
    });
    const { signal } = new AbortController();
    await pacer.until(0, signal);
    now = 10;
    await pacer.until(0, signal);
    expect(caughtUp).toBe(0);
    now = 40;
    await pacer.until(0, signal);
    expect(caughtUp).toBe(1);
  });

  test('an abort ends the waiting', async () => {
    const pacer = new ProgramPacer({ now: () => 0 });
    const abort = new AbortController();
    const waiting = pacer.until(1e9, abort.signal);
    abort.abort();
    await waiting;
    await pacer.until(1e9, abort.signal);
    expect(pacer.nowMs()).toBe(0);
  });
});

describe('PipelineMeter', () => {
  test('percentiles', () => {
    expect(percentile([], 0.5)).toBe(0);
    expect(percentile([3, 1, 2], 0.5)).toBe(2);
    expect(
      percentile(
        Array.from({ length: 100 }, (_, i) => i + 1),
        0.95,
      ),
    ).toBe(95);
  });

  test('counts since the start, rates since it was last asked', () => {
    const meter = new PipelineMeter();
    meter.composed(7, 4, false);
    meter.repeated(8, true);
    meter.encoded(9);
    meter.put(1000);
    expect(meter.take()).toMatchObject({
      frame: 8,
      frames: 2,
      lateFrames: 1,
      repeatedFrames: 1,
      composeMsP50: 4,
      encodeMsP95: 9,
    });
    expect(meter.take()).toMatchObject({ frame: 8, frames: 2, fps: 0, bitrate: 0, composeMsP50: 0 });
  });
});
