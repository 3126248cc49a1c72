import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppError } from '../../../../src/contracts/errors.ts';
import { checkOnGrid } from '../../../../src/delivery/checkOnGrid.ts';
import { InitSegments } from '../../../../src/delivery/InitSegments.ts';
import { makeBox, readBoxes } from '../../../../src/delivery/mp4/boxes.ts';
import { asTrack, makeFragment, readSamples, summarise } from '../../../../src/delivery/mp4/fragment.ts';
import { type InitSegment, mergeInits, parseInit } from '../../../../src/delivery/mp4/initSegment.ts';
import { AUDIO, GRID, ProgramRun, RENDITIONS, TestClip, VIDEO } from '../../../support/programParts.ts';

let clip: TestClip;
let video: InitSegment;
let audio: InitSegment;
beforeAll(async () => {
  clip = await TestClip.make();
  video = parseInit(clip.inits.video);
  audio = parseInit(clip.inits.audio);
});
afterAll(() => clip.close());

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'nothing was thrown';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
};

describe('init segments', () => {
  test('what the playlists need', () => {
    expect(video).toMatchObject({ kind: 'video', trackId: 1, timescale: 90_000, width: 320, height: 180 });
    expect(video.codec).toMatch(/^avc1\.4[2d][0-9a-f]{4}$/);
    expect(audio).toMatchObject({ kind: 'audio', timescale: 48_000, codec: 'mp4a.40.2', channels: 2 });
  });

  test('two merge into one of two tracks', () => {
    const merged = mergeInits(clip.inits.video, clip.inits.audio);
    expect(readBoxes(merged).map((b) => b.type)).toEqual(['ftyp', 'moov']);
    expect(codeOf(() => parseInit(merged))).toBe('bad-media');
  });

  test('bytes that are none are refused and crash nothing', () => {
    for (const length of [0, 4, 8, 100, clip.inits.video.length - 20])
      expect(codeOf(() => parseInit(clip.inits.video.subarray(0, length)))).toBe('bad-media');
    const noise = Buffer.from(clip.inits.video);
    for (let i = 0; i < noise.length; i += 1) {
      const broken = Buffer.from(noise);
      broken[i] = 255 - (broken[i] ?? 0);
      try {
        parseInit(broken);
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
      }
    }
  });

  test('the first one is the one for good', () => {
    const inits = new InitSegments(RENDITIONS);
    const stored = inits.put(VIDEO, clip.inits.video);
    expect(stored.name).toMatch(/^init-[0-9a-f]{16}\.mp4$/);
    expect(inits.put(VIDEO, Buffer.from(clip.inits.video))).toBe(stored);
    expect(inits.complete).toBe(false);
    expect(codeOf(() => inits.put(VIDEO, clip.inits.audio))).toBe('init-mismatch');
    expect(codeOf(() => inits.put(AUDIO, clip.inits.video))).toBe('bad-media');
    expect(codeOf(() => inits.need(AUDIO))).toBe('init-mismatch');
    expect(codeOf(() => inits.put('v720', clip.inits.video))).toBe('not-found');
  });
});

describe('parts on the grid', () => {
  test('every part of a run is where the grid has it', () => {
    const run = new ProgramRun(clip, 3);
    for (let i = 0; i < 12; i++) {
      const { segment, part, video: v, audio: a } = run.next();
      checkOnGrid({ grid: GRID, rendition: VIDEO, init: video, bytes: v, segment, part });
      checkOnGrid({ grid: GRID, rendition: AUDIO, init: audio, bytes: a, segment, part });
      expect(summarise(v, video)).toMatchObject({ samples: 10, duration: 30_000, startsWithSync: part === 0 });
    }
    run.close();
  });

  test('a part that is elsewhere, too short, too long or cut off is refused', () => {
    const run = new ProgramRun(clip, 3);
    const first = run.next();
    const second = run.next();
    run.close();
    const check = (bytes: Buffer, segment = 3, part = 0) =>
      codeOf(() => checkOnGrid({ grid: GRID, rendition: VIDEO, init: video, bytes, segment, part }));
    expect(check(first.video)).toBe('nothing was thrown');
    expect(check(first.video, 3, 1)).toBe('off-grid');
    expect(check(first.video, 4, 0)).toBe('off-grid');
    expect(check(Buffer.concat([first.video, second.video]))).toBe('off-grid');
    expect(check(first.video.subarray(0, -1))).toBe('bad-media');
    expect(check(first.audio)).toBe('off-grid');
    expect(check(Buffer.alloc(0))).toBe('bad-media');
    expect(check(Buffer.from('not an mp4 at all, but some text'))).toBe('bad-media');
    const samples = readSamples(first.video, video);
    expect(check(makeFragment(1, 1, 540_000, samples.slice(0, 9)))).toBe('off-grid');
    expect(
      check(
        makeFragment(
          1,
          1,
          540_000,
          samples.map((s) => ({ ...s, duration: 3001 })),
        ),
      ),
    ).toBe('off-grid');
    expect(
      check(
        makeFragment(
          1,
          1,
          540_000,
          samples.map((s) => ({ ...s, flags: 0x10000 })),
        ),
      ),
    ).toBe('off-grid');
    expect(check(makeFragment(2, 1, 540_000, samples))).toBe('bad-media');
  });

  test('absurd counts and sizes are refused and crash nothing', () => {
    const run = new ProgramRun(clip, 0);
    const { video: part } = run.next();
    run.close();
    const header = readBoxes(part)[0]?.end ?? 0;
    for (let i = 0; i < header; i += 1) {
      for (const value of [0, 1, 127, 255]) {
        const broken = Buffer.from(part);
        broken[i] = value;
        try {
          summarise(broken, video);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }
    }
  });
});

describe('fragments of our own', () => {
  test('samples survive being taken apart and put together', () => {
    const run = new ProgramRun(clip, 7);
    const { video: part } = run.next();
    run.close();
    const samples = readSamples(part, video);
    const made = makeFragment(1, 9, 7 * 180_000, samples);
    expect(summarise(made, video)).toEqual(summarise(part, video));
    expect(readSamples(made, video).map((s) => s.data)).toEqual(samples.map((s) => s.data));
  });

  test('a part as another track: the same samples, other ids', () => {
    const run = new ProgramRun(clip, 7);
    const { audio: part } = run.next();
    run.close();
    const before = Buffer.from(part);
    const other = asTrack(Buffer.concat([makeBox('styp', Buffer.from('msdh0000')), part]), 2, 77);
    expect(part).toEqual(before);
    expect(readBoxes(other).map((b) => b.type)).toEqual(['moof', 'mdat']);
    expect(readSamples(other, { ...audio, trackId: 2 }).map((s) => s.data)).toEqual(
      readSamples(part, audio).map((s) => s.data),
    );
  });
});
