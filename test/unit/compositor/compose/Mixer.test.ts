import { describe, expect, test } from 'vitest';
import { Limiter } from '../../../../compositor/compose/Limiter.ts';
import { gainOf, Mixer } from '../../../../compositor/compose/Mixer.ts';
import { PcmTrack } from '../../../../compositor/decode/PcmTrack.ts';

const COUNT = 1024;

/** A track of one second that has `value(n)` at program sample n. */
function trackOf(value: (n: number) => number): PcmTrack {
  const track = new PcmTrack();
  const left = Float32Array.from({ length: 48_000 }, (_, n) => value(n));
  track.write({ left, right: left.map((v) => -v) }, 0, 0);
  return track;
}
const peak = (samples: Float32Array): number => samples.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

describe('Mixer', () => {
  test('sums, and keeps the channels apart', () => {
    const mixer = new Mixer();
    mixer.setSources(
      new Map([
        ['pa.microphone', { track: trackOf(() => 0.25), gain: 1 }],
        ['pb.microphone', { track: trackOf(() => 0.5), gain: gainOf(-6) }],
      ]),
    );
    mixer.mix(0);
    const { left, right } = mixer.mix(1);
    expect(left[500]).toBeCloseTo(0.25 + 0.5 * gainOf(-6), 5);
    expect(right[500]).toBeCloseTo(-(0.25 + 0.5 * gainOf(-6)), 5);
  });

  test('a change of gain, and a source that goes, take one frame', () => {
    const mixer = new Mixer();
    const track = trackOf(() => 0.5);
    mixer.setSources(new Map([['pa.microphone', { track, gain: 1 }]]));
    mixer.mix(0);
    mixer.setSources(new Map([['pa.microphone', { track, gain: 0.5 }]]));
    const ramp = Float32Array.from(mixer.mix(1).left);
    expect([ramp[0], ramp[512]].map((v) => v?.toFixed(3))).toEqual(['0.500', '0.375']);
    expect(mixer.mix(2).left[0]).toBeCloseTo(0.25, 5);
    mixer.setSources(new Map());
    const leaving = Float32Array.from(mixer.mix(3).left);
    expect([leaving[0], leaving[1023]].map((v) => v?.toFixed(2))).toEqual(['0.25', '0.00']);
    expect(peak(mixer.mix(4).left)).toBe(0);
  });

  test('sixteen loud sources stay below full scale, and a quiet one after them comes back', () => {
    const mixer = new Mixer();
    const loud = Array.from({ length: 16 }, (_, i) => {
      const track = trackOf((n) => (n < 24_000 ? 0.9 * Math.sin((n * (200 + 31 * i) * 2 * Math.PI) / 48_000) : 0.1));
      return [`p${i}.microphone`, { track, gain: 1 }] as const;
    });
    mixer.setSources(new Map(loud.slice(0, 1)));
    mixer.mix(0);
    mixer.setSources(new Map(loud));
    for (let m = 1; m < 22; m++) expect(peak(mixer.mix(m).left)).toBeLessThan(1);
    mixer.setSources(new Map(loud.slice(0, 1)));
    for (let m = 24; m < 44; m++) mixer.mix(m);
    expect(mixer.mix(44).left[1000]).toBeCloseTo(0.1, 2);
  });
});

describe('Limiter', () => {
  test('leaves alone what is below −1 dBFS, bit for bit', () => {
    const left = Float32Array.from({ length: COUNT }, (_, n) => 0.89 * Math.sin(n));
    const before = Float32Array.from(left);
    new Limiter().process(left, new Float32Array(COUNT));
    expect(left).toEqual(before);
  });

  test('a sudden peak is brought down without a jump in gain', () => {
    const limiter = new Limiter();
    const tone = (from: number, size: number) =>
      Float32Array.from({ length: COUNT }, (_, n) => size * Math.sin(((from + n) * 2 * Math.PI * 300) / 48_000));
    const out: number[] = [];
    for (const [i, size] of [0.5, 0.5, 3, 3, 0.5].entries()) {
      const left = tone(i * COUNT, size);
      limiter.process(left, left.slice());
      out.push(...left);
    }
    expect(peak(Float32Array.from(out))).toBeLessThanOrEqual(1);
    const steps = out.map((v, i) => Math.abs(v - (out[i - 1] ?? v)));
    // A sine of 300 Hz at full scale has steps of 0.04; the peak began as a step itself.
    expect(Math.max(...steps.slice(2 * COUNT + 64, 4 * COUNT))).toBeLessThan(0.09);
  });
});
