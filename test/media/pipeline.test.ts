import { describe, expect, test } from 'vitest';
import { AAC_FRAME_SAMPLES, audioFramesOfPart, audioFramesOfSegment } from '../../src/contracts/grid.ts';
import {
  audioFeed,
  camera,
  complaints,
  h264,
  jobOf,
  microphone,
  near,
  opus,
  PEERS,
  peakOf,
  pictures,
  probe,
  runPipeline,
  samples,
  sourceOf,
  videoFeed,
  vp8,
} from '../support/pipelineHarness.ts';

const WIDTH = 640;
const HEIGHT = 360;
const FRAME_MS = 1000 / 30;
/** BT.601, limited range. */
const RED = [81, 90, 240] as const;
const BLUE = [41, 240, 110] as const;
const GREEN = [145, 54, 34] as const;
const color = (name: string, size = '640x360') => `color=${name}:s=${size}:r=30`;
/** `lime` is the pure green of RGB. */
const red = vp8(color('red'), 4);
const blue = vp8(color('blue'), 4);
const lime = vp8(color('lime'), 4);
/** For what is told by single frames. */
const CUT = { transition: { type: 'cut' } } as const;
const tone = opus('sine=frequency=440:sample_rate=48000', 4);

function expectGrid(
  file: { video: string; audio: string },
  firstFrame: number,
  frames: number,
  firstAac: number,
  aacs: number,
) {
  const video = probe(file.video, 'packets', 'pts,dts,flags');
  expect(video.map((p) => Number(p.pts))).toEqual(Array.from({ length: frames }, (_, i) => (firstFrame + i) * 3000));
  expect(video.map((p) => p.dts)).toEqual(video.map((p) => p.pts));
  const keys = video.filter((p) => p.flags?.startsWith('K')).map((p) => Number(p.pts) / 3000);
  expect(keys).toEqual(Array.from({ length: frames / 30 }, (_, i) => firstFrame + i * 30));
  const audio = probe(file.audio, 'packets', 'pts');
  expect(audio.map((p) => Number(p.pts))).toEqual(
    Array.from({ length: aacs }, (_, i) => (firstAac + i) * AAC_FRAME_SAMPLES),
  );
  expect(complaints(file.video)).toBe('');
  expect(complaints(file.audio)).toBe('');
}

describe('pipeline', () => {
  test('two cameras: cadence, key frames, parts, colours in their cells', async () => {
    const job = jobOf([sourceOf(camera(0)), sourceOf(camera(1)), sourceOf(microphone(0))]);
    const { sink, end, applied, seen, figures } = await runPipeline({
      job,
      lastSegment: 1,
      video: [...videoFeed(camera(0), await red), ...videoFeed(camera(1), await blue)],
      audio: audioFeed(microphone(0), await tone),
    });
    expect(end.lastSegment).toBe(1);
    expect(applied).toEqual([0]);
    expect(seen).toEqual([{ [camera(0)]: { width: 320, height: 360 }, [camera(1)]: { width: 320, height: 360 } }]);
    expect(figures).toMatchObject({ frame: 59, frames: 60, lateFrames: 0, repeatedFrames: 0 });
    for (const rendition of ['v360', 'a0']) {
      expect(sink.of(rendition).map(({ segment, part }) => [segment, part])).toEqual([
        [0, 0],
        [0, 1],
        [0, 2],
        [1, 0],
        [1, 1],
        [1, 2],
      ]);
    }
    const files = { video: sink.file('v360'), audio: sink.file('a0') };
    const aacs = audioFramesOfSegment(job.grid, 0).count + audioFramesOfSegment(job.grid, 1).count;
    expectGrid(files, 0, 60, 0, aacs);
    for (const { segment, part, data } of sink.of('a0')) {
      const single = probe(sink.file('a0', [{ rendition: 'a0', segment, part, data, endMs: 0 }]), 'packets', 'pts');
      const { first, count } = audioFramesOfPart(job.grid, segment, part);
      expect(single.map((p) => Number(p.pts) / AAC_FRAME_SAMPLES)).toEqual(
        Array.from({ length: count }, (_, i) => first + i),
      );
    }
    const frames = pictures(files.video, WIDTH, HEIGHT);
    expect(frames).toHaveLength(60);
    for (const frame of frames.slice(5)) {
      expect(near(frame.at(160, 180), RED)).toBe(true);
      expect(near(frame.at(480, 180), BLUE)).toBe(true);
    }
    // The sound goes on without a hole: no millisecond of it is silent after its beginning.
    const sound = samples(files.audio).subarray(9600, 90_000);
    for (let i = 0; i + 48 < sound.length; i += 48) {
      expect(peakOf(sound.subarray(i, i + 48))).toBeGreaterThan(0.01);
    }
  });

  test('what is alone fills the picture, and what comes and goes does so on the running program', async () => {
    const one = [sourceOf(camera(0))];
    const two = [...one, sourceOf(camera(1))];
    const { sink, applied } = await runPipeline({
      job: jobOf(one),
      lastSegment: 2,
      video: [...videoFeed(camera(0), await red), ...videoFeed(camera(1), await blue)],
      jobs: [
        { atMs: 900, job: jobOf(two, { fromFrame: 40, scene: CUT }) },
        { atMs: 2010, job: jobOf(one, { fromFrame: 10, scene: CUT }) },
      ],
    });
    // The second job holds from its own frame, the third, whose frame is past, from the next.
    expect(applied.slice(0, 2)).toEqual([0, 40]);
    expect(applied[2]).toBe(61);
    const frames = pictures(sink.file('v360'), WIDTH, HEIGHT);
    expect(frames).toHaveLength(90);
    for (const [n, frame] of frames.entries()) {
      if (n < 5) continue;
      const both = n >= 40 && n < 61;
      expect(near(frame.at(80, 180), RED), `frame ${n}`).toBe(true);
      // The first few frames of a new camera may show its card.
      if (n < 40 || n > 46) expect(near(frame.at(480, 180), both ? BLUE : RED), `frame ${n}`).toBe(true);
    }
    expect(new Set([...sink.inits.keys()])).toEqual(new Set(['v360', 'a0']));
    expect(complaints(sink.file('v360'))).toBe('');
  });

  test('a source that goes and is back before its going holds is shown, seen and heard again', async () => {
    const all = [sourceOf(camera(0)), sourceOf(microphone(0))];
    const { sink, applied, keyframes } = await runPipeline({
      job: jobOf(all),
      lastSegment: 2,
      video: videoFeed(camera(0), await red),
      audio: audioFeed(microphone(0), await tone),
      jobs: [
        { atMs: 900, job: jobOf([], { fromFrame: 34, scene: CUT }) },
        { atMs: 1000, job: jobOf(all, { fromFrame: 40, scene: CUT }) },
      ],
    });
    expect(applied).toEqual([0, 34, 40]);
    // Decoding went on: no other key frame was needed.
    expect(keyframes).toEqual([]);
    const frames = pictures(sink.file('v360'), WIDTH, HEIGHT);
    expect(frames.slice(34, 40).some((frame) => near(frame.at(320, 180), RED))).toBe(false);
    for (const [n, frame] of frames.slice(41).entries()) {
      expect(near(frame.at(320, 180), RED), `frame ${n + 41}`).toBe(true);
    }
    const sound = samples(sink.file('a0')).subarray(72_000, 130_000);
    for (let i = 0; i + 48 < sound.length; i += 48) expect(peakOf(sound.subarray(i, i + 48))).toBeGreaterThan(0.01);
  });

  test('a size that changes in the middle, wide or tall, keeps the cell full', async () => {
    const tall = await vp8(color('red', '180x320'), 1);
    const wide = await vp8(color('red', '320x180'), 1);
    const large = await vp8(color('red', '1278x718'), 1);
    const odd = await vp8(color('red', '427x241'), 1);
    const feed = [tall, wide, large, odd].flatMap((packets, i) => videoFeed(camera(0), packets, i * 500).slice(0, 15));
    const { sink, pipeline } = await runPipeline({
      job: jobOf([sourceOf(camera(0)), sourceOf(camera(1)), sourceOf(camera(2))]),
      lastSegment: 1,
      video: [...feed, ...videoFeed(camera(1), await blue), ...videoFeed(camera(2), await lime)],
    });
    expect(pipeline.state).toBe('ended');
    for (const frame of pictures(sink.file('v360'), WIDTH, HEIGHT).slice(5)) {
      for (const [x, y] of [
        [8, 8],
        [160, 90],
        [310, 170],
      ] as const)
        expect(near(frame.at(x, y), RED)).toBe(true);
      for (const [x, y] of [
        [330, 8],
        [480, 90],
        [630, 170],
      ] as const)
        expect(near(frame.at(x, y), BLUE)).toBe(true);
      for (const [x, y] of [
        [168, 188],
        [320, 270],
        [470, 350],
      ] as const)
        expect(near(frame.at(x, y), GREEN)).toBe(true);
    }
  });

  test('cells of odd sizes do not spill into each other', async () => {
    const ids = [0, 1, 2, 3].map(camera);
    const extra = ['peeeeeeee', 'pffffffff'].map((peer) => `${peer}.camera`);
    const all = [...ids, ...extra];
    const clips = await Promise.all([red, blue, lime, blue, lime, red]);
    const { sink } = await runPipeline({
      job: jobOf(all.map((id) => sourceOf(id))),
      lastSegment: 0,
      video: all.flatMap((id, i) => videoFeed(id, clips[i]!)),
    });
    const frame = pictures(sink.file('v360'), WIDTH, HEIGHT).at(-1)!;
    const expected = [
      [RED, BLUE, GREEN],
      [BLUE, GREEN, RED],
    ];
    // 3 columns of 212 from x = 2, 2 rows of 180: samples 4 pixels from each edge.
    for (const [row, colors] of expected.entries()) {
      for (const [column, wanted] of colors.entries()) {
        const left = 2 + column * 212;
        for (const x of [left + 4, left + 106, left + 208]) {
          expect(near(frame.at(x, row * 180 + 90), wanted, 16), `${row},${column} at ${x}`).toBe(true);
        }
      }
    }
  });

  test('a placeholder for a camera that is off, that sends nothing, or that has stopped', async () => {
    const shown = (await red).slice(0, 30);
    const { sink } = await runPipeline({
      job: jobOf([sourceOf(camera(0)), sourceOf(camera(1), { paused: true })]),
      lastSegment: 3,
      video: videoFeed(camera(0), shown),
    });
    const frames = pictures(sink.file('v360'), WIDTH, HEIGHT);
    const isRed = frames.map((frame) => near(frame.at(40, 100), RED));
    // The last picture is of 967 ms; two seconds later it is history.
    expect(isRed.slice(5, 88)).not.toContain(false);
    expect(isRed.slice(92)).not.toContain(true);
    // Dark cards, unequal to the background.
    const card = frames.at(-1)!;
    for (const x of [40, 360]) {
      expect(card.at(x, 180)[0]).toBeLessThan(90);
      expect(near(card.at(x, 180), [27, 130, 127], 1)).toBe(false);
    }
  });

  test('nobody there: the slate, and exact silence', async () => {
    const { sink } = await runPipeline({ job: jobOf([]), lastSegment: 0 });
    expect(pictures(sink.file('v360'), WIDTH, HEIGHT)).toHaveLength(30);
    expect(peakOf(samples(sink.file('a0')))).toBe(0);
    // The slate that delivery keeps: one segment at time 0.
    const slate = { rendition: 'v360', segment: 0, part: 0, data: sink.slates.get('v360')!, endMs: 0 };
    const packets = probe(sink.file('v360', [slate]), 'packets', 'pts,flags');
    expect(packets.map((p) => Number(p.pts))).toEqual(Array.from({ length: 30 }, (_, i) => i * 3000));
    const silence = { ...slate, rendition: 'a0', data: sink.slates.get('a0')! };
    const { count } = audioFramesOfSegment(jobOf([]).grid, 0);
    expect(probe(sink.file('a0', [silence]), 'packets', 'pts').map((p) => Number(p.pts))).toEqual(
      Array.from({ length: count }, (_, i) => i * AAC_FRAME_SAMPLES),
    );
  });

  test('a scene with another slate: delivery gets that one too, in the same encoding', async () => {
    const first = await runPipeline({ job: jobOf([]), lastSegment: 2 });
    const blue = { background: '#0000ff', slateText: 'Back at nine' };
    const { sink } = await runPipeline({
      job: jobOf([]),
      jobs: [{ atMs: 500, job: jobOf([], { fromFrame: 20, scene: blue }) }],
      lastSegment: 4,
    });
    const [before, after] = [first.sink, sink].map((from) => {
      const slate = { rendition: 'v360', segment: 0, part: 0, data: from.slates.get('v360')!, endMs: 0 };
      return pictures(from.file('v360', [slate]), WIDTH, HEIGHT);
    });
    expect([before?.length, after?.length]).toEqual([30, 30]);
    expect(near(after!.at(-1)!.at(20, 20), [41, 240, 110], 8)).toBe(true);
    expect(near(before!.at(-1)!.at(20, 20), [41, 240, 110], 40)).toBe(false);
    expect(sink.inits.get('v360')).toEqual(first.sink.inits.get('v360'));
  });

  test('H.264, and a stream with damage: the last good picture stays, and a key frame is asked for', async () => {
    const clip = await h264(color('lime'), 3, 60);
    const feed = videoFeed(camera(0), clip, 0, 'video/H264').map((frame, i) =>
      i === 20
        ? { ...frame, data: Buffer.concat([frame.data.subarray(0, 5), Buffer.alloc(frame.data.length, 0xff)]) }
        : frame,
    );
    const broken = videoFeed(camera(1), await red).map((frame, i) =>
      i === 15 ? { ...frame, data: Buffer.alloc(40, 0xff) } : frame,
    );
    const { sink, keyframes } = await runPipeline({
      job: jobOf([sourceOf(camera(0), { mime: 'video/H264' }), sourceOf(camera(1))]),
      lastSegment: 2,
      video: [...feed, ...broken],
    });
    for (const frame of pictures(sink.file('v360'), WIDTH, HEIGHT).slice(5)) {
      expect(near(frame.at(160, 180), GREEN)).toBe(true);
      expect(near(frame.at(480, 180), RED)).toBe(true);
    }
    expect(keyframes).toEqual(expect.arrayContaining([camera(0), camera(1)]));
  });

  test('a hidden source is not decoded; shown again it asks for a key frame', async () => {
    const sources = [sourceOf(camera(0)), sourceOf(camera(1))];
    const hidden = jobOf(sources, { scene: { sources: { [camera(1)]: { hidden: true } } } });
    let during = 0;
    const { sink, keyframes, seen } = await runPipeline({
      job: hidden,
      lastSegment: 2,
      video: [...videoFeed(camera(0), await red), ...videoFeed(camera(1), await blue)],
      jobs: [{ atMs: 1000, job: jobOf(sources, { fromFrame: 30 }) }],
      onFrame: (timeMs, pipeline) => {
        if (timeMs < 990) during = pipeline.decodeStats()[camera(1)]?.decoded ?? -1;
      },
    });
    expect(during).toBe(0);
    expect(keyframes).toContain(camera(1));
    expect(Object.keys(seen[0]!)).toEqual([camera(0)]);
    expect(Object.keys(seen[1]!)).toEqual([camera(0), camera(1)]);
    expect(near(pictures(sink.file('v360'), WIDTH, HEIGHT).at(-1)!.at(480, 180), BLUE)).toBe(true);
  });

  test('a process that stood still repeats pictures; the grid has no hole', async () => {
    let stalled = false;
    const { sink, figures } = await runPipeline({
      job: jobOf([sourceOf(camera(0)), sourceOf(microphone(0))]),
      lastSegment: 2,
      video: videoFeed(camera(0), await red),
      audio: audioFeed(microphone(0), await tone),
      onFrame: (timeMs, _pipeline, pacer) => {
        if (timeMs < 1000 || stalled) return;
        stalled = true;
        pacer.skip(600);
      },
    });
    expect(figures.frames).toBe(90);
    // 18 frames are late; the last nine are in time enough, and one in eleven is composed all the same.
    expect(figures.repeatedFrames).toBeGreaterThanOrEqual(7);
    expect(figures.repeatedFrames).toBeLessThanOrEqual(10);
    expect(figures.lateFrames).toBeGreaterThanOrEqual(figures.repeatedFrames);
    const job = jobOf([]);
    const aacs = [0, 1, 2].reduce((sum, k) => sum + audioFramesOfSegment(job.grid, k).count, 0);
    expectGrid({ video: sink.file('v360'), audio: sink.file('a0') }, 0, 90, 0, aacs);
  });

  test('a process that is late for long goes on composing now and then', async () => {
    const { figures } = await runPipeline({
      job: jobOf([sourceOf(camera(0))]),
      lastSegment: 3,
      video: videoFeed(camera(0), await red),
      // Late from here on, to the end.
      onFrame: (timeMs, _pipeline, pacer) => {
        if (timeMs >= 1000) pacer.skip(3000);
      },
    });
    expect(figures.frames).toBe(120);
    const late = figures.lateFrames;
    expect(late).toBeGreaterThan(80);
    expect(figures.repeatedFrames).toBeLessThanOrEqual(Math.ceil((late * 10) / 11));
    expect(figures.repeatedFrames).toBeGreaterThan((late * 9) / 11);
  });

  test('flash and beep of one capture time come within a frame of each other, in a broadcast that began later', async () => {
    const flash = await vp8("color=black:s=640x360:r=30,drawbox=c=white:t=fill:enable='between(t,0.99,1.09)'", 3);
    const beep = await opus("aevalsrc='if(between(t\\,1\\,1.1)\\,0.5*sin(2*PI*1000*t)\\,0)':s=48000", 3);
    const firstSegment = 7;
    const startMs = firstSegment * 1000;
    // Capture times that are not on the grid.
    for (const shiftMs of [0, 11, 22]) {
      const job = jobOf([sourceOf(camera(0)), sourceOf(microphone(0))], { firstSegment });
      const { sink } = await runPipeline({
        job,
        lastSegment: firstSegment + 1,
        video: videoFeed(camera(0), flash, startMs + shiftMs),
        audio: audioFeed(microphone(0), beep, startMs + shiftMs),
      });
      const files = { video: sink.file('v360'), audio: sink.file('a0') };
      const firstAac = audioFramesOfSegment(job.grid, firstSegment).first;
      expect(Number(probe(files.audio, 'packets', 'pts')[0]?.pts)).toBe(firstAac * AAC_FRAME_SAMPLES);
      const sound = samples(files.audio);
      const flashMs =
        startMs + pictures(files.video, WIDTH, HEIGHT).findIndex((frame) => frame.at(320, 180)[0] > 150) * FRAME_MS;
      const beepMs = (firstAac * AAC_FRAME_SAMPLES + sound.findIndex((v) => Math.abs(v) > 0.1)) / 48;
      expect(Math.abs(beepMs - (startMs + 1000 + shiftMs))).toBeLessThan(1.5);
      expect(Math.abs(flashMs - beepMs)).toBeLessThan(20);
    }
  });

  test('mute, volume and the order of tiles follow the scene', async () => {
    const sources = [sourceOf(camera(0)), sourceOf(camera(1)), sourceOf(microphone(0))];
    const feeds = {
      video: [...videoFeed(camera(0), await red), ...videoFeed(camera(1), await blue)],
      audio: audioFeed(microphone(0), await tone),
    };
    const { sink } = await runPipeline({
      job: jobOf(sources),
      lastSegment: 2,
      ...feeds,
      jobs: [
        {
          atMs: 950,
          job: jobOf(sources, {
            fromFrame: 30,
            scene: { ...CUT, order: [PEERS[1]], sources: { [microphone(0)]: { volumeDb: -20 } } },
          }),
        },
        {
          atMs: 1950,
          job: jobOf(sources, { fromFrame: 60, scene: { ...CUT, sources: { [microphone(0)]: { muted: true } } } }),
        },
      ],
    });
    const frames = pictures(sink.file('v360'), WIDTH, HEIGHT);
    expect(
      near(frames[29]!.at(160, 180), RED) &&
        near(frames[30]!.at(160, 180), BLUE) &&
        near(frames[60]!.at(160, 180), RED),
    ).toBe(true);
    const sound = samples(sink.file('a0'));
    const peak = (fromMs: number, toMs: number) => peakOf(sound.subarray(fromMs * 48, toMs * 48));
    expect(peak(1200, 1900) / peak(200, 900)).toBeCloseTo(0.1, 2);
    expect(peak(2200, 2900)).toBe(0);
  });

  test('refuses when closed, and closing twice is closing once', async () => {
    const { pipeline, end } = await runPipeline({ job: jobOf([sourceOf(camera(0))]), lastSegment: 0 });
    expect(end).toEqual({ lastSegment: 0 });
    pipeline.writeVideo(videoFeed(camera(0), await red)[0]!);
    pipeline.applyJob(jobOf([]));
    pipeline.start();
    await pipeline.close();
    await pipeline.close();
    expect(pipeline.state).toBe('ended');
    expect(pipeline.decodeStats()).toEqual({});
  });
});
