import { expect, test } from 'vitest';
import type { DegradationStep } from '../../src/contracts/degradation.ts';
import {
  camera,
  complaints,
  jobOf,
  pictures,
  probe,
  runPipeline,
  sourceOf,
  videoFeed,
  vp8,
} from '../support/pipelineHarness.ts';

const WIDTH = 320;
const HEIGHT = 180;
const SECONDS = 30;
/** While this lasts each frame is composed and encoded 1.25 of a frame period after its time, ms. */
const PRESSURE = { fromMs: 1000, toMs: 6500, lagMs: 1.25 * (1000 / 30) };
const CAMERAS = [0, 1, 2, 3].map(camera);
/** A point in each of the four cells. */
const POINTS = [
  [80, 45],
  [240, 45],
  [80, 135],
  [240, 135],
] as const;

test('what each step does to the picture, on the way there and back; every frame of the grid is encoded', async () => {
  // Each frame is clearly brighter or darker than its neighbours.
  const ramp = await vp8("color=black:s=160x90:r=30,geq=lum='30+60*mod(N,4)':cb=128:cr=128", SECONDS + 1);
  const changes: [DegradationStep, number][] = [['none', 0]];
  let listening = false;
  const { sink, seen, figures } = await runPipeline({
    job: jobOf(
      CAMERAS.map((id) => sourceOf(id)),
      {
        renditions: [
          { id: 'v180', kind: 'video', width: WIDTH, height: HEIGHT, bitrate: 2_000_000 },
          { id: 'a0', kind: 'audio', bitrate: 128_000 },
        ],
      },
    ),
    lastSegment: SECONDS - 1,
    video: CAMERAS.flatMap((id) => videoFeed(id, ramp)),
    onFrame: (timeMs, pipeline, pacer) => {
      if (!listening) pipeline.on('degraded', (step, fromFrame) => changes.push([step, fromFrame]));
      listening = true;
      if (timeMs >= PRESSURE.fromMs && timeMs < PRESSURE.toMs) pacer.skip(timeMs + PRESSURE.lagMs - pacer.nowMs());
    },
  });
  const there = ['none', 'lower-layers', 'half-source-rate', 'half-program-rate'];
  expect(changes.map(([step]) => step)).toEqual([...there, ...there.slice(0, -1).reverse()]);

  const file = sink.file('v180');
  const frames = pictures(file, WIDTH, HEIGHT);
  // Which of the four cells is new in a frame.
  const moved = (n: number) =>
    POINTS.map(([x, y]) => Math.abs((frames[n]?.at(x, y)[0] ?? 0) - (frames[n - 1]?.at(x, y)[0] ?? 0)) > 20);
  const all = [true, true, true, true];
  const none = [false, false, false, false];
  for (const [i, [step, fromFrame]] of changes.entries()) {
    const end = changes[i + 1]?.[1] ?? frames.length;
    // The first frames of the program may show cards; at a change one frame may hold the picture of the step before.
    for (let n = Math.max(fromFrame + 2, 10); n < end; n++) {
      const even = n % 2 === 0;
      const wanted = {
        none: all,
        'lower-layers': all,
        'half-source-rate': even ? [true, false, true, false] : [false, true, false, true],
        'half-program-rate': even ? all : none,
      }[step];
      expect(moved(n), `${step}, frame ${n}`).toEqual(wanted);
    }
  }

  const lower = Object.fromEntries(CAMERAS.map((id) => [id, { width: 80, height: 45 }]));
  const whole = Object.fromEntries(CAMERAS.map((id) => [id, { width: 160, height: 90 }]));
  expect(seen).toEqual([whole, lower, whole]);
  expect(figures.frames).toBe(SECONDS * 30);
  expect(figures.lateFrames).toBeLessThanOrEqual((30 * (PRESSURE.toMs - PRESSURE.fromMs)) / 1000);
  expect(figures.repeatedFrames).toBeGreaterThan(20);
  expect(probe(file, 'packets', 'pts').map((p) => Number(p.pts))).toEqual(
    Array.from({ length: SECONDS * 30 }, (_, n) => n * 3000),
  );
  expect(complaints(file)).toBe('');
});
