import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { MusicBed } from '../../../../compositor/compose/MusicBed.ts';
import type { Music } from '../../../../compositor/compose/MusicChannel.ts';
import { MusicLoader } from '../../../../compositor/compose/MusicLoader.ts';
import { decodeSound, MAX_SOUND_SECONDS } from '../../../../compositor/decode/decodeSound.ts';
import { createLogger } from '../../../../src/common/logger.ts';
import { residualDb } from '../../../support/sound/tone.ts';

const block = (count: number) => ({ left: new Float32Array(count), right: new Float32Array(count) });
const file = (filter: string, format: string, ...options: string[]): Buffer =>
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', filter, ...options, '-f', format, '-'], {
    maxBuffer: 1 << 28,
  });
const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const silent = createLogger({ level: 'silent' });

describe('MusicBed', () => {
  test('its position is a function of program time, through the loop', () => {
    const whole = new Int16Array(2 * 48_000);
    const rest = new Int16Array(2 * 1000);
    for (let n = 0; n < 49_000; n++) {
      const chunk = n < 48_000 ? whole : rest;
      // Ends where it begins.
      chunk[2 * (n % 48_000)] = Math.round(20_000 * Math.sin((2 * Math.PI * n) / 490));
    }
    const bed = new MusicBed([whole, rest]);
    expect(bed.length).toBe(49_000);
    const one = block(2048);
    const other = block(2048);
    bed.read(48_500, one);
    bed.read(48_500 + 49_000 * 1000, other);
    expect(one).toEqual(other);
    bed.read(-500, other);
    expect(one).toEqual(other);
    const first = block(1024);
    bed.read(0, first);
    expect(one.left.subarray(500, 1500)).toEqual(first.left.subarray(0, 1000));
    expect(peakStep(one.left)).toBeLessThan(0.01);
  });

  test('a piece that does not end where it begins loops without a click', () => {
    const chunk = new Int16Array(2 * 10_000).map((_, k) => 20_000 * ((k >> 1) / 10_000));
    const read = block(20_000);
    new MusicBed([chunk]).read(5000, read);
    expect(peakStep(read.left)).toBeLessThan(0.02);
  });
});

const peakStep = (samples: Float32Array) =>
  samples.reduce((most, v, i) => Math.max(most, Math.abs(v - (samples[i - 1] ?? v))), 0);

describe('decodeSound', () => {
  test.each([
    ['mp3', 44_100],
    ['ogg', 48_000],
    ['wav', 22_050],
    ['flac', 96_000],
  ])('%s of %i Hz becomes 48 kHz stereo', async (format, rate) => {
    const made = await decodeSound(file(`sine=f=1000:d=2.5:r=${rate}`, format), new AbortController().signal);
    const samples = made.reduce((sum, chunk) => sum + chunk.length / 2, 0);
    expect(samples).toBeGreaterThan(2.4 * 48_000);
    expect(samples).toBeLessThan(2.7 * 48_000);
    const second = Float32Array.from({ length: 24_000 }, (_, n) => (made[1]?.[2 * n] ?? 0) / 32_768);
    expect(residualDb(second, 1000)).toBeLessThan(-30);
  });

  test('refuses what is no sound, and what is longer than ten minutes', async () => {
    const { signal } = new AbortController();
    await expect(decodeSound(Buffer.from('no music at all, only words '.repeat(50)), signal)).rejects.toThrow();
    const long = file(`anullsrc=r=8000:cl=mono`, 'ogg', '-t', String(MAX_SOUND_SECONDS + 5));
    await expect(decodeSound(long, signal)).rejects.toThrow('longer than');
  });
});

describe('MusicLoader', () => {
  test('puts music out when it is there, keeps it while it is wanted, and warns once of what cannot be had', async () => {
    const put: (Music | null)[] = [];
    const asked: string[] = [];
    const bytes = file('sine=d=1', 'flac');
    const loader = new MusicLoader({
      sound: (id) => {
        asked.push(id);
        return Promise.resolve(id === A ? bytes : null);
      },
      logger: silent,
      output: (music) => put.push(music),
    });
    const music = { sound: A, volumeDb: -14, duckDb: 12 };
    loader.set(music);
    expect(put).toEqual([null]);
    await loader.settled();
    expect(put.at(-1)).toMatchObject({ volumeDb: -14, duckDb: 12 });
    const { bed } = put.at(-1)!;
    loader.set({ ...music, volumeDb: -20 });
    expect(put.at(-1)).toEqual({ bed, volumeDb: -20, duckDb: 12 });
    loader.set({ ...music, sound: B });
    loader.set({ ...music, sound: B, duckDb: 3 });
    await loader.settled();
    expect(put.at(-1)).toBeNull();
    expect(asked).toEqual([A, B]);
    loader.set(null);
    loader.close();
    loader.set(music);
    expect(asked).toEqual([A, B]);
  });
});
