import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FeedFragment, ProgramFeed } from '../../../../src/delivery/destinations/ProgramFeed.ts';
import { readBoxes } from '../../../../src/delivery/mp4/boxes.ts';
import { readSamples, summarise } from '../../../../src/delivery/mp4/fragment.ts';
import { parseInit } from '../../../../src/delivery/mp4/initSegment.ts';
import { GRID, ProgramRun, TestClip } from '../../../support/programParts.ts';

const PART_MS = 1000 / 3;
let clip: TestClip;
beforeAll(async () => {
  clip = await TestClip.make();
});
afterAll(() => clip.close());

function make(slate = true): { feed: ProgramFeed; out: FeedFragment[]; put: (run: ProgramRun, count: number) => void } {
  const feed = new ProgramFeed(GRID);
  const out: FeedFragment[] = [];
  feed.on('fragment', (f) => out.push(f));
  for (const kind of ['video', 'audio'] as const) {
    feed.setInit(kind, { bytes: clip.inits[kind], info: parseInit(clip.inits[kind]) });
    if (slate) feed.setSlate(kind, clip.slate[kind]);
  }
  const put = (run: ProgramRun, count: number): void => {
    for (let i = 0; i < count; i++) {
      const { segment, part, video, audio } = run.next();
      feed.program(segment, part, video, audio);
    }
  };
  return { feed, out, put };
}

/** What ffmpeg reads of it: decode times of each stream in ms, complaints. */
async function read(
  feed: ProgramFeed,
  out: FeedFragment[],
): Promise<{ video: number[]; audio: number[]; errors: string }> {
  const bytes = Buffer.concat([feed.init ?? Buffer.alloc(0), ...out.map((f) => f.bytes)]);
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve, reject) => {
    const args = [
      '-v',
      'warning',
      '-f',
      'mp4',
      '-show_entries',
      'packet=codec_type,dts_time',
      '-of',
      'csv=p=0',
      'pipe:0',
    ];
    const child = execFile('ffprobe', args, { maxBuffer: 1 << 24 }, (error, o, e) =>
      error ? reject(error) : resolve({ stdout: o, stderr: e }),
    );
    child.stdin?.end(bytes);
  });
  const times = (kind: string): number[] =>
    stdout.split('\n').flatMap((l) => (l.startsWith(kind) ? [Math.round(Number(l.split(',')[1]) * 1000)] : []));
  return { video: times('video'), audio: times('audio'), errors: stderr };
}

describe('ProgramFeed', () => {
  test('begins with a key frame, and has both tracks in one file', async () => {
    const { feed, out, put } = make();
    const run = new ProgramRun(clip, 4);
    const skipped = run.next();
    feed.program(skipped.segment, 1, skipped.video, skipped.audio);
    expect(out).toHaveLength(0);
    run.close();
    const again = new ProgramRun(clip, 4);
    put(again, 9);
    again.close();
    expect(out.map((f) => f.position)).toEqual([24, 25, 26, 27, 28, 29, 30, 31, 32]);
    expect(out.map((f) => f.key)).toEqual([true, false, false, false, false, false, true, false, false]);
    expect(feed.lastGop.map((f) => f.position)).toEqual([30, 31, 32]);
    const { video, audio, errors } = await read(feed, out);
    expect(errors).toBe('');
    expect(video).toHaveLength(90);
    expect(video[0]).toBe(8000);
    expect(audio[0]).toBe(8000);
  });

  test('a hole is filled with slate and silence on the grid, and the program resumes at a segment', async () => {
    const { feed, out, put } = make();
    const first = new ProgramRun(clip, 0);
    put(first, 8);
    first.close();
    // Dead in segment 1 after part 1; nothing for three seconds and more; a successor from segment 3 on.
    feed.tick(8 * PART_MS + 900);
    expect(out).toHaveLength(8);
    feed.tick(6000 + 1100);
    expect(out.map((f) => f.slate).slice(8)).toEqual(Array(10).fill(true));
    expect(out[8]?.key).toBe(true);
    const second = new ProgramRun(clip, 3);
    put(second, 7);
    second.close();
    expect(out.map((f) => f.position)).toEqual(Array.from({ length: 25 }, (_, i) => i));
    expect(out[18]).toMatchObject({ key: true, slate: false });
    const { video, audio, errors } = await read(feed, out);
    expect(errors).toBe('');
    // Not a frame missing or doubled, not a sample of silence too much.
    expect(video).toEqual(Array.from({ length: 250 }, (_, i) => Math.round((i * 1000) / 30)));
    expect(audio).toEqual(audio.map((_, i) => Math.round((i * 1024 * 1000) / 48_000)));
    expect(audio.length).toBe(Math.ceil((25 * PART_MS * 48) / 1024));
  });

  test('parts that come after slate took their place are dropped, until the next key frame', () => {
    const { feed, out, put } = make();
    const run = new ProgramRun(clip, 0);
    put(run, 4);
    feed.tick(6 * PART_MS + 1001);
    expect(out).toHaveLength(6);
    put(run, 8);
    run.close();
    expect(out.map((f) => f.position)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(out.map((f) => f.slate)).toEqual([false, false, false, false, true, true, ...Array(6).fill(false)]);
  });

  test('a slate that is replaced in the middle of its GOP shows from its next key frame on', () => {
    const { feed, out, put } = make();
    const run = new ProgramRun(clip, 0);
    put(run, 1);
    run.close();
    feed.tick(3 * PART_MS + 1001);
    const again = new ProgramRun(clip, 0);
    // The same encoding, another picture.
    const newer = Buffer.concat(Array.from({ length: 6 }, () => again.next().video));
    again.close();
    feed.setSlate('video', newer);
    feed.tick(13 * PART_MS + 1001);
    const info = parseInit(clip.inits.video);
    const samples = (bytes: Buffer): Buffer[] => readSamples(bytes, info).map(({ data }) => data);
    const sent = out.slice(1).flatMap(({ bytes }) => samples(bytes.subarray(0, readBoxes(bytes)[1]?.end)));
    expect(out.slice(1).map(({ key }) => key)).toEqual(out.slice(1).map((_, i) => i % 6 === 0));
    expect(sent).toEqual([...samples(clip.slate.video), ...samples(newer)]);
  });

  test('a hole without a slate stays a hole', () => {
    const { feed, out, put } = make(false);
    const first = new ProgramRun(clip, 0);
    put(first, 6);
    first.close();
    feed.tick(20_000);
    const second = new ProgramRun(clip, 10);
    put(second, 1);
    second.close();
    expect(out.map((f) => f.position)).toEqual([0, 1, 2, 3, 4, 5, 60]);
  });

  test('before there is a slate, parts that are late are waited for', () => {
    const { feed, out, put } = make(false);
    const run = new ProgramRun(clip, 0);
    put(run, 3);
    feed.tick(8 * PART_MS + 1001);
    put(run, 5);
    run.close();
    expect(out.map((f) => f.position)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    // And when there is one meanwhile, they are overdue.
    for (const kind of ['video', 'audio'] as const) feed.setSlate(kind, clip.slate[kind]);
    feed.tick(10 * PART_MS + 1001);
    expect(out.slice(8).map(({ position, key, slate }) => [position, key, slate])).toEqual([
      [8, true, true],
      [9, false, true],
    ]);
  });

  test('after a hole without a slate nothing is sent that cannot be decoded', () => {
    const { out, put } = make(false);
    const first = new ProgramRun(clip, 0);
    put(first, 3);
    for (let part = 0; part < 2; part++) first.next();
    put(first, 3);
    first.close();
    expect(out.map((f) => f.position)).toEqual([0, 1, 2, 6, 7]);
    expect(out[3]?.key).toBe(true);
  });

  test('nothing is filled before the first key frame', () => {
    const { feed, out } = make();
    feed.tick(60_000);
    expect(out).toEqual([]);
  });

  test('slate fragments hold what the grid has there', () => {
    const { feed, out, put } = make();
    const run = new ProgramRun(clip, 0);
    put(run, 1);
    run.close();
    feed.tick(2 * PART_MS + 1001);
    const info = parseInit(clip.inits.video);
    const bytes = out[1]?.bytes ?? Buffer.alloc(0);
    const video = bytes.subarray(0, readBoxes(bytes)[1]?.end);
    expect(summarise(video, info)).toMatchObject({ decodeTime: 30_000, samples: 10, startsWithSync: true });
  });
});

test('what is yielded to another node is not sent, slate neither, and goes on when it is given back', () => {
  const { feed, out, put } = make();
  const run = new ProgramRun(clip, 0);
  put(run, 3);
  feed.stopAt(6);
  put(run, 2);
  feed.tick(60_000);
  put(run, 3);
  expect(out.map(({ position, slate }) => `${position}${slate ? ' slate' : ''}`)).toEqual([
    '0',
    '1',
    '2',
    '3',
    '4',
    '5 slate',
  ]);
  feed.stopAt(Number.POSITIVE_INFINITY);
  put(run, 6);
  run.close();
  expect(out.slice(6).map(({ position }) => position)).toEqual([6, 7, 8, 9, 10, 11, 12, 13]);
});
