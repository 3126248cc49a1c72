import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audioFramesOfSegment } from '../../../src/contracts/grid.ts';
import { checkOnGrid } from '../../../src/delivery/checkOnGrid.ts';
import { readBoxes } from '../../../src/delivery/mp4/boxes.ts';
import { type InitSegment, parseInit } from '../../../src/delivery/mp4/initSegment.ts';
import { SlateSegments } from '../../../src/delivery/SlateSegments.ts';
import { decodeMedia } from '../../support/decodeMedia.ts';
import { AUDIO, GRID, ProgramRun, TestClip, VIDEO } from '../../support/programParts.ts';

let clip: TestClip;
let slates: SlateSegments;
let inits: Record<'video' | 'audio', InitSegment>;
beforeAll(async () => {
  clip = await TestClip.make();
  inits = { video: parseInit(clip.inits.video), audio: parseInit(clip.inits.audio) };
  slates = new SlateSegments(GRID);
  slates.set(VIDEO, inits.video, clip.slate.video);
  slates.set(AUDIO, inits.audio, clip.slate.audio);
});
afterAll(() => clip.close());

describe('SlateSegments', () => {
  test('every part is what the grid has there, as the intake wants it of a compositor', () => {
    for (const segment of [0, 1, 2, 17, 1_000_000]) {
      for (const [rendition, init] of [
        [VIDEO, inits.video],
        [AUDIO, inits.audio],
      ] as const) {
        const parts = slates.segment(rendition, segment) ?? [];
        expect(parts).toHaveLength(6);
        for (const [part, bytes] of parts.entries())
          expect(() => checkOnGrid({ grid: GRID, rendition, init, bytes, segment, part })).not.toThrow();
      }
    }
  });

  test('fragments are numbered as a compositor numbers them', () => {
    const run = new ProgramRun(clip, 5);
    const theirs = Array.from({ length: 6 }, () => run.next());
    run.close();
    const sequence = (bytes: Buffer): number | undefined => {
      const moof = readBoxes(bytes)[0];
      return moof && bytes.readUInt32BE(moof.body + 12);
    };
    expect(slates.segment(VIDEO, 5)?.map(sequence)).toEqual(theirs.map((p) => sequence(p.video)));
    expect(slates.segment(AUDIO, 5)?.map(sequence)).toEqual(theirs.map((p) => sequence(p.audio)));
  });

  test('a program with slate in the place of a segment decodes without a complaint, every frame once', async () => {
    const before = new ProgramRun(clip, 3);
    const after = new ProgramRun(clip, 6);
    const take = (run: ProgramRun, kind: 'video' | 'audio'): Buffer[] =>
      Array.from({ length: 6 }, () => run.next()[kind]);
    for (const [kind, rendition, frames] of [
      ['video', VIDEO, 4 * GRID.framesPerSegment],
      ['audio', AUDIO, [3, 4, 5, 6].reduce((sum, k) => sum + audioFramesOfSegment(GRID, k).count, 0)],
    ] as const) {
      const runs = kind === 'video' ? [before, after] : [new ProgramRun(clip, 3), new ProgramRun(clip, 6)];
      const [first, last] = runs.map((run) => take(run, kind));
      const slate = [4, 5].flatMap((k) => slates.segment(rendition, k) ?? []);
      const bytes = Buffer.concat([clip.inits[kind], ...(first ?? []), ...slate, ...(last ?? [])]);
      const { times, complaints } = await decodeMedia(bytes);
      expect(complaints).toBe('');
      expect(times).toHaveLength(frames);
      const step = kind === 'video' ? 1 / GRID.fps : 1024 / GRID.sampleRate;
      for (const [i, time] of times.entries()) expect(time - (times[0] ?? 0)).toBeCloseTo(i * step, 3);
      for (const run of runs) run.close();
    }
  });

  test('a newer slate replaces it; without one there is none', () => {
    const own = new SlateSegments(GRID);
    expect(own.has(VIDEO)).toBe(false);
    expect(own.segment(VIDEO, 1)).toBeUndefined();
    own.set(VIDEO, inits.video, clip.slate.video);
    const first = own.segment(VIDEO, 1);
    const run = new ProgramRun(clip, 0);
    const picture = Buffer.concat(Array.from({ length: 6 }, () => run.next().video));
    run.close();
    own.set(VIDEO, inits.video, picture);
    expect(own.segment(VIDEO, 1)).not.toEqual(first);
    expect(() => own.set(VIDEO, inits.video, picture.subarray(0, 200))).toThrow();
  });
});
