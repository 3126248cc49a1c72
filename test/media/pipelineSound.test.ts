import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audioFeed, jobOf, microphone, opus, runPipeline, samples, sourceOf } from '../support/pipelineHarness.ts';
import { encodeOpus } from '../support/sound/encodeOpus.ts';
import { atLoudness, ebur128 } from '../support/sound/loudness.ts';
import { speech } from '../support/sound/speech.ts';
import { levels } from '../support/sound/tone.ts';

/** A rising tone, so that each moment of the piece is told from every other. */
const music = execFileSync('ffmpeg', [
  ...['-v', 'error', '-f', 'lavfi', '-i', "aevalsrc='0.3*sin(2*PI*(1000*t+800*t*t))':s=44100:d=1.7", '-f', 'flac', '-'],
]);
const MUSIC = createHash('sha256').update(music).digest('hex');

const assets = createServer((request, response) => {
  const known = request.url === `/assets/${MUSIC}` && request.headers.authorization === 'Bearer token';
  response.writeHead(known ? 200 : 404).end(known ? music : '');
});
let assetsUrl = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => assets.listen(0, '127.0.0.1', resolve));
  assetsUrl = `http://127.0.0.1:${(assets.address() as AddressInfo).port}/assets`;
});
afterAll(() => assets.close());

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** How loud a tone is from one time to another, ms. */
const level = (sound: Float32Array, hz: number, fromMs: number, toMs: number) =>
  mean(levels(sound.subarray(fromMs * 48, toMs * 48), hz));

describe('the sound of a pipeline', () => {
  test('while one is solo the other is silent', async () => {
    const sources = [sourceOf(microphone(0)), sourceOf(microphone(1))];
    const solo = { sources: { [microphone(1)]: { solo: true } } };
    const { sink } = await runPipeline({
      job: jobOf(sources),
      lastSegment: 2,
      audio: [
        ...audioFeed(microphone(0), await opus('sine=frequency=400:sample_rate=48000', 4)),
        ...audioFeed(microphone(1), await opus('sine=frequency=1000:sample_rate=48000', 4)),
      ],
      jobs: [
        { atMs: 950, job: jobOf(sources, { fromFrame: 30, scene: solo }) },
        { atMs: 1950, job: jobOf(sources, { fromFrame: 60 }) },
      ],
    });
    const sound = samples(sink.file('a0'));
    const both = level(sound, 400, 500, 900);
    expect(both).toBeGreaterThan(0.05);
    expect(level(sound, 400, 1200, 1900)).toBeLessThan(both / 100);
    expect(level(sound, 1000, 1200, 1900)).toBeCloseTo(level(sound, 1000, 500, 900), 2);
    expect(level(sound, 400, 2200, 2900)).toBeCloseTo(both, 2);
  });

  test('music is fetched, looped, and at the same place in a successor', async () => {
    const scene = { music: { sound: MUSIC, volumeDb: -6 } };
    const run = (firstSegment: number) =>
      runPipeline({ job: jobOf([], { scene, assetsUrl, firstSegment }), lastSegment: 4 });
    const first = samples((await run(0)).sink.file('a0'));
    const successor = samples((await run(2)).sink.file('a0'));
    // The successor's file begins at its first segment: the AAC frame that begins at or after 2 s.
    const start = Math.ceil((2 * 48_000) / 1024) * 1024;
    expect(level(first, 1000, 200, 4000)).toBeGreaterThan(0.001);
    let difference = 0;
    let power = 0;
    for (let i = 48_000; i < 2 * 48_000; i++) {
      difference += ((first[start + i] ?? 0) - (successor[i] ?? 0)) ** 2;
      power += (first[start + i] ?? 0) ** 2;
    }
    expect(power / 48_000).toBeGreaterThan(0.001);
    expect(difference / power).toBeLessThan(0.01);
  });

  test('music that cannot be had is left out, and the program goes on', async () => {
    const scene = { music: { sound: 'f'.repeat(64) } };
    const { sink, end } = await runPipeline({ job: jobOf([], { scene, assetsUrl }), lastSegment: 0 });
    expect(end.lastSegment).toBe(0);
    expect(samples(sink.file('a0')).every((v) => v === 0)).toBe(true);
  });

  test('quiet speech is brought near −16 LUFS, and a successor is given the gain', async () => {
    const packets = await encodeOpus(atLoudness(speech(14, 5), -30));
    const feed = packets.map((data, i) => ({ data, key: true, atMs: i * 20 }));
    const { sink, pipeline } = await runPipeline({
      job: jobOf([sourceOf(microphone(0))]),
      lastSegment: 12,
      audio: audioFeed(microphone(0), feed),
    });
    const sound = samples(sink.file('a0')).subarray(7 * 48_000);
    // Six seconds of it are up to 2 LU louder or quieter than all of it.
    expect(Math.abs(ebur128({ left: sound, right: sound }, false).lufs + 16)).toBeLessThan(3);
    const gainDb = pipeline.gainsDb()[microphone(0)] ?? 0;
    expect(Math.abs(gainDb - 14)).toBeLessThan(2);
    const carry = { playoutDelayMs: 100, gainDb, rtpToProgram: null };
    const next = await runPipeline({
      job: jobOf([sourceOf(microphone(0), { carry })]),
      lastSegment: 2,
      audio: audioFeed(microphone(0), feed),
    });
    const begun = samples(next.sink.file('a0'));
    expect(Math.abs(ebur128({ left: begun, right: begun }, false).lufs + 16)).toBeLessThan(3);
    expect(Math.abs((next.pipeline.gainsDb()[microphone(0)] ?? 0) - gainDb)).toBeLessThan(2);
  }, 30_000);
});
