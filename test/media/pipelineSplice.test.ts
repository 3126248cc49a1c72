import { describe, expect, test } from 'vitest';
import {
  audioFeed,
  camera,
  complaints,
  jobOf,
  microphone,
  near,
  opus,
  peakOf,
  pictures,
  runPipeline,
  samples,
  sourceOf,
  videoFeed,
  vp8,
} from '../support/pipelineHarness.ts';

const WIDTH = 640;
const HEIGHT = 360;
/** BT.601, limited range. */
const RED = [81, 90, 240] as const;
const BLUE = [41, 240, 110] as const;
const red = vp8('color=red:s=640x360:r=30', 4);
const blue = vp8('color=blue:s=640x360:r=30', 4);
const tone = opus('sine=frequency=440:sample_rate=48000', 4);

describe('pipelines of one broadcast', () => {
  test('two compositors make equal init segments, and their segments play as one stream', async () => {
    const one = await runPipeline({
      job: jobOf([sourceOf(camera(0)), sourceOf(microphone(0))]),
      lastSegment: 3,
      video: videoFeed(camera(0), await red),
      audio: audioFeed(microphone(0), await tone),
    });
    const two = await runPipeline({
      job: jobOf([sourceOf(camera(1)), sourceOf(microphone(1))], { firstSegment: 1, compositor: 'cothercompositor' }),
      lastSegment: 3,
      video: videoFeed(camera(1), await blue),
      audio: audioFeed(microphone(1), await tone),
    });
    for (const rendition of ['v360', 'a0']) {
      expect(two.sink.inits.get(rendition)!.equals(one.sink.inits.get(rendition)!)).toBe(true);
      const spliced = [0, 1, 2, 3].flatMap((segment) =>
        (segment % 2 === 0 ? one : two).sink.of(rendition).filter((part) => part.segment === segment),
      );
      const file = one.sink.file(rendition, spliced);
      expect(complaints(file)).toBe('');
      if (rendition === 'a0') continue;
      const frames = pictures(file, WIDTH, HEIGHT);
      for (const [n, frame] of frames.entries()) {
        if (n >= 5)
          expect(near(frame.at(320, 180), Math.floor(n / 30) % 2 === 0 ? RED : BLUE), `frame ${n}`).toBe(true);
      }
    }
    // The same sound, cut from one encoder's frames to the other's: the sine goes on.
    const sound = samples(
      one.sink.file(
        'a0',
        [0, 1, 2, 3].flatMap((k) => (k % 2 === 0 ? one : two).sink.of('a0').filter((p) => p.segment === k)),
      ),
    );
    const steps = sound.subarray(9600, 180_000).map((v, i, all) => Math.abs(v - (all[i - 1] ?? v)));
    const amplitude = peakOf(sound.subarray(9600, 40_000));
    expect(peakOf(steps)).toBeLessThan(amplitude * 0.1);
  });
});
