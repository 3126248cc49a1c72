import { expect, test } from 'vitest';
import {
  camera,
  complaints,
  jobOf,
  near,
  pictures,
  probe,
  runPipeline,
  sourceOf,
  videoFeed,
  vp8,
} from '../support/pipelineHarness.ts';

const LADDER = [
  { id: 'v360', kind: 'video', width: 640, height: 360, bitrate: 1_000_000 },
  { id: 'v240', kind: 'video', width: 426, height: 240, bitrate: 500_000 },
  { id: 'v144', kind: 'video', width: 256, height: 144, bitrate: 200_000 },
] as const;
const SECONDS = 4;

test('a ladder: the same pictures in each rendition, frame for frame, an IDR frame at each segment; sound once', async () => {
  // Black and white take turns every 7 frames: a frame that is another one's would show.
  const flicker = await vp8(
    "color=black:s=320x180:r=30,geq=lum='if(mod(floor(N/7),2),220,30)':cb=128:cr=128",
    SECONDS + 1,
  );
  const red = await vp8('color=red:s=320x180:r=30', SECONDS + 1);
  const { sink, end } = await runPipeline({
    job: jobOf([sourceOf(camera(0)), sourceOf(camera(1))], {
      renditions: [...LADDER, { id: 'a0', kind: 'audio', bitrate: 128_000 }],
    }),
    lastSegment: SECONDS - 1,
    video: [...videoFeed(camera(0), flicker), ...videoFeed(camera(1), red)],
  });
  expect(end.lastSegment).toBe(SECONDS - 1);
  expect([...sink.inits.keys()].sort()).toEqual(['a0', 'v144', 'v240', 'v360']);
  expect([...sink.slates.keys()].sort()).toEqual(['a0', 'v144', 'v240', 'v360']);
  expect(sink.of('a0')).toHaveLength(SECONDS * 3);
  const seen = LADDER.map(({ id, width, height }) => {
    const file = sink.file(id);
    expect(complaints(file)).toBe('');
    const packets = probe(file, 'packets', 'pts,flags');
    expect(packets.map((p) => Number(p.pts))).toEqual(Array.from({ length: SECONDS * 30 }, (_, n) => n * 3000));
    expect(packets.flatMap((p, n) => (p.flags?.startsWith('K') ? [n] : []))).toEqual([0, 30, 60, 90]);
    const frames = pictures(file, width, height);
    expect(near(frames.at(-1)?.at(Math.round(width * 0.75), height / 2) ?? [], [81, 90, 240])).toBe(true);
    const slate = { rendition: id, segment: 0, part: 0, data: sink.slates.get(id) ?? Buffer.alloc(0), endMs: 0 };
    expect(pictures(sink.file(id, [slate]), width, height)).toHaveLength(30);
    return frames.map((frame) => frame.at(Math.round(width / 4), height / 2)[0] > 120);
  });
  // The smaller ones show in each frame what the largest shows.
  expect(seen[0]?.filter((light, n) => light !== seen[0]?.[n - 1]).length).toBeGreaterThan(15);
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
});
