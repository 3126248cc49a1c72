import { describe, expect, test } from 'vitest';
import {
  frameAt,
  gridFor,
  peersOf,
  renditionsFor,
  sameWork,
  seenByLayout,
  sourcesOf,
} from '../../../src/broadcast/jobs.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import { Grid } from '../../../src/contracts/grid.ts';
import { Job, type JobSource, Rendition } from '../../../src/contracts/job.ts';
import { Scene } from '../../../src/contracts/scene.ts';
import { emptyJob } from '../../support/broadcast/ControlClient.ts';

const source = (peer: string, kind: JobSource['kind'], ssrc: number): JobSource => ({
  id: `${peer}.${kind}`,
  peer,
  kind,
  mime: kind === 'microphone' ? 'audio/opus' : 'video/VP8',
  payloadType: 96,
  clockRate: 90_000,
  fmtp: {},
  ssrc,
  paused: false,
});

describe('gridFor', () => {
  test.each([
    [24, 48, 8],
    [25, 50, 10],
    [30, 60, 10],
    [50, 100, 20],
    [60, 120, 20],
  ])('%i fps: segments of %i frames, parts of %i', (fps, framesPerSegment, framesPerPart) => {
    const grid = gridFor(fps);
    expect(grid).toMatchObject({ fps, framesPerSegment, framesPerPart });
    expect(Grid.parse(grid)).toEqual(grid);
  });
});

describe('renditionsFor', () => {
  test('one video, named by its shorter side, and the audio', () => {
    const wide = renditionsFor(BroadcastInput.parse({}));
    expect(wide.map((r) => r.id)).toEqual(['v720', 'a0']);
    const tall = renditionsFor(BroadcastInput.parse({ video: { width: 720, height: 1280 } }));
    expect(tall[0]).toMatchObject({ id: 'v720', width: 720, height: 1280 });
    for (const rendition of [...wide, ...tall]) expect(Rendition.parse(rendition)).toEqual(rendition);
  });

  test('a ladder: the same shape in even sizes, the largest first, with the usual bitrates or the given ones', () => {
    const ladder = (video: object, renditions: object[]) =>
      renditionsFor(BroadcastInput.parse({ video, renditions })).flatMap((r) =>
        r.kind === 'video' ? [[r.id, r.width, r.height, r.bitrate]] : [],
      );
    const small = [{ height: 360 }, { height: 480 }, { height: 240, bitrate: 300_000 }];
    expect(ladder({ width: 1280, height: 720, bitrate: 2_500_000 }, small)).toEqual([
      ['v720', 1280, 720, 2_500_000],
      ['v480', 854, 480, 1_360_000],
      ['v360', 640, 360, 880_000],
      ['v240', 426, 240, 300_000],
    ]);
    expect(ladder({ width: 720, height: 1280, bitrate: 1_000_000 }, [{ height: 480 }])).toEqual([
      ['v720', 720, 1280, 1_000_000],
      ['v480', 480, 854, 540_000],
    ]);
    expect(ladder({ width: 720, height: 720, bitrate: 200_000 }, [{ height: 144 }])[1]).toEqual([
      'v144',
      144,
      144,
      150_000,
    ]);
  });

  test.each([
    [[{ height: 720 }], 'smaller than the video'],
    [[{ height: 360 }, { height: 360 }], 'same height'],
    [[{ height: 361 }], 'multiple of 2'],
  ])('refused: %j', (renditions, why) => {
    expect(BroadcastInput.safeParse({ renditions }).error?.message).toContain(why);
  });
});

describe('frameAt', () => {
  const program = { grid: gridFor(30), startMs: 1000 };
  test.each([
    [0, 0],
    [1000, 0],
    [1033, 0],
    [1034, 1],
    [3000, 60],
  ])('at %i ms it is the time of frame %i', (nowMs, frame) => {
    expect(frameAt(program, nowMs)).toBe(frame);
  });
});

describe('people and sources', () => {
  test('at most 16 people, with names that fit; sources of others are left out', () => {
    const people = Array.from({ length: 20 }, (_, i) => ({
      id: `p${String(i).padStart(8, '0')}`,
      name: 'n'.repeat(99),
    }));
    const peers = peersOf(people);
    expect(peers).toHaveLength(16);
    expect(peers[0]?.name).toHaveLength(64);
    const sources = people.map(({ id }, i) => source(id, 'camera', i + 1));
    expect(sourcesOf(peers, sources)).toEqual(sources.slice(0, 16));
    expect(() => Job.parse({ ...emptyJob(), peers, sources: sourcesOf(peers, sources) })).not.toThrow();
  });
});

describe('sameWork', () => {
  test('neither the frame nor the token is work; a source is', () => {
    const job = emptyJob();
    expect(sameWork(job, { ...job, fromFrame: 99, token: 'another' })).toBe(true);
    expect(sameWork(job, { ...job, sources: [source('paaaaaaaa', 'camera', 1)] })).toBe(false);
  });
});

describe('seenByLayout', () => {
  const peers = [
    { id: 'paaaaaaaa', name: 'A' },
    { id: 'pbbbbbbbb', name: 'B' },
  ];
  test('two cameras side by side; sound is not seen', () => {
    const sources = [
      source('paaaaaaaa', 'camera', 1),
      source('pbbbbbbbb', 'camera', 2),
      source('pbbbbbbbb', 'microphone', 3),
    ];
    expect(seenByLayout({ ...emptyJob(), peers, sources })).toEqual({
      'paaaaaaaa.camera': { width: 640, height: 720 },
      'pbbbbbbbb.camera': { width: 640, height: 720 },
    });
  });
  test('a hidden and a paused camera are not seen', () => {
    const sources = [source('paaaaaaaa', 'camera', 1), { ...source('pbbbbbbbb', 'camera', 2), paused: true }];
    const scene = Scene.parse({ sources: { 'paaaaaaaa.camera': { hidden: true } } });
    expect(seenByLayout({ ...emptyJob(), scene, peers, sources })).toEqual({});
  });
});
