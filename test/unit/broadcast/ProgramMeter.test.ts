import { expect, test } from 'vitest';
import { NO_FIGURES, ProgramMeter } from '../../../src/broadcast/ProgramMeter.ts';
import { CompositorStats } from '../../../src/contracts/control.ts';

const stats = (change: Partial<CompositorStats>): CompositorStats =>
  CompositorStats.parse({
    ...{ frame: 0, fps: 30, frames: 0, lateFrames: 0, repeatedFrames: 0, composeMsP50: 1, composeMsP95: 1 },
    ...{ encodeMsP50: 1, encodeMsP95: 1, partLatencyMsP95: 20, bitrate: 1, cpuSeconds: 0, rssBytes: 1 },
    ...{ clockErrorMs: 0.5, sources: {}, ...change },
  });

test('late frames and CPU are rates over the last ten seconds', () => {
  const meter = new ProgramMeter();
  expect(meter.figures).toEqual(NO_FIGURES);
  meter.composed(stats({ frames: 300, lateFrames: 100, cpuSeconds: 5 }), 0);
  expect(meter.figures).toMatchObject({ latePercent: 0, cpuPercent: null, clockErrorMs: 0.5, deliveryMs: 20 });
  meter.composed(stats({ frames: 600, lateFrames: 103, cpuSeconds: 11 }), 10_000);
  expect(meter.figures).toMatchObject({ latePercent: 1, cpuPercent: 60 });
  // The trouble is past, and forgotten.
  meter.composed(stats({ frames: 900, lateFrames: 103, cpuSeconds: 14 }), 20_000);
  expect(meter.figures).toMatchObject({ latePercent: 0, cpuPercent: 30 });
});

test('another compositor counts anew', () => {
  const meter = new ProgramMeter();
  meter.composed(stats({ frames: 9_000, lateFrames: 10, cpuSeconds: 100 }), 0);
  meter.composed(stats({ frames: 30, lateFrames: 3, cpuSeconds: 0.5 }), 1_000);
  expect(meter.figures).toMatchObject({ latePercent: 0, cpuPercent: null });
  meter.composed(stats({ frames: 60, lateFrames: 6, cpuSeconds: 1 }), 2_000);
  expect(meter.figures).toMatchObject({ latePercent: 10, cpuPercent: 50 });
});

test('what delivery says of viewers stays until it says something else', () => {
  const meter = new ProgramMeter();
  meter.delivered({ type: 'stats', bitrate: 1, viewers: 2, latencyMs: 2_400, stalledPercent: 0.5 });
  meter.composed(stats({ frames: 1 }), 0);
  expect(meter.figures).toMatchObject({ latencyMs: 2_400, stalledPercent: 0.5 });
  meter.delivered({ type: 'stats', bitrate: 1, viewers: 0, latencyMs: null, stalledPercent: null });
  expect(meter.figures).toMatchObject({ latencyMs: null, stalledPercent: null });
});
