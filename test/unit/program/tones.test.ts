import { describe, expect, test } from 'vitest';
import { drawSound, OPUS_DELAY_SAMPLES, SAMPLE_RATE } from '../../../scripts/simulator/clip/drawSound.ts';
import { firstEventFrame } from '../../../scripts/simulator/clip/frameCode.ts';
import { envelope, findBeeps } from '../../support/program/tones.ts';

/** When the clip's beeps leave an Opus decoder, seconds. */
const expected = (clip: number) => [0, 1, 2, 3, 4].map((i) => (firstEventFrame(clip) + 60 * i) / 30);
const decoded = (samples: Float32Array) => ({
  samples,
  sampleRate: SAMPLE_RATE,
  start: OPUS_DELAY_SAMPLES / SAMPLE_RATE,
});

function sum(clips: readonly number[]): Float32Array {
  const all = clips.map((clip) => drawSound(clip));
  return all[0]!.map((_, i) => all.reduce((total, samples) => total + samples[i]!, 0));
}

describe('findBeeps', () => {
  test('finds the beeps of every peer among those of all others, to half a millisecond', () => {
    const clips = [0, 1, 2, 3, 4, 5, 15];
    const sound = decoded(sum(clips));
    for (const clip of clips) {
      const beeps = findBeeps(sound, clip);
      expect(beeps).toHaveLength(5);
      beeps.forEach((beep, i) => {
        expect(Math.abs(beep.at - expected(clip)[i]!)).toBeLessThan(0.0005);
        expect(beep.lengthMs).toBeGreaterThan(55);
        expect(beep.lengthMs).toBeLessThan(68);
        expect(beep.amplitude).toBeCloseTo(0.15, 1);
      });
    }
  });

  test('hears no beep of somebody who is not there', () => {
    const sound = decoded(sum([0, 1, 3]));
    for (const clip of [2, 4, 5, 6]) expect(findBeeps(sound, clip)).toEqual([]);
  });

  test('a click and a long tone are no beeps', () => {
    const samples = new Float32Array(SAMPLE_RATE);
    samples[1000] = 1;
    for (let i = 20_000; i < 40_000; i++) samples[i] = 0.3 * Math.sin((2 * Math.PI * 600 * i) / SAMPLE_RATE);
    expect(findBeeps(decoded(samples), 0)).toEqual([]);
  });

  test('silence and nothing at all', () => {
    expect(findBeeps(decoded(new Float32Array(SAMPLE_RATE)), 0)).toEqual([]);
    expect(findBeeps(decoded(new Float32Array(0)), 0)).toEqual([]);
    expect(envelope({ samples: new Float32Array(10), sampleRate: SAMPLE_RATE }, 600)).toHaveLength(0);
  });
});
