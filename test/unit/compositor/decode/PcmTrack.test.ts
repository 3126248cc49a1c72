import { describe, expect, test } from 'vitest';
import { PcmTrack } from '../../../../compositor/decode/PcmTrack.ts';

const BLOCK = 960;
const sine = (n: number): number => 0.5 * Math.sin((2 * Math.PI * 440 * n) / 48_000);

/** Writes 20 ms blocks whose sample at source time n is `sine(n)`. */
function write(track: PcmTrack, from: number, blocks: number, mapMs: (rtp: number) => number): void {
  for (let i = 0; i < blocks; i++) {
    const rtp = from + i * BLOCK;
    const left = Float32Array.from({ length: BLOCK }, (_, k) => sine(rtp + k));
    track.write({ left, right: left }, rtp, mapMs(rtp));
  }
}

function read(track: PcmTrack, at: number, count: number): Float32Array {
  const left = new Float32Array(count);
  track.read(at, left, new Float32Array(count));
  return left;
}

/** The largest step from one sample to the next; a sine of 440 Hz at 0.5 has 0.029. */
const steepest = (samples: Float32Array): number =>
  samples.reduce((most, value, i) => Math.max(most, Math.abs(value - (samples[i - 1] ?? value))), 0);
const SINE_STEP = 0.03;

describe('PcmTrack', () => {
  test('a sample is heard at its program time, after a fade of 5 ms', () => {
    const track = new PcmTrack();
    write(track, 100_000, 10, (rtp) => (rtp - 100_000) / 48 + 1000);
    const sound = read(track, 48_000, 5000);
    for (let i = 300; i < 5000; i++) expect(sound[i]).toBeCloseTo(sine(100_000 + i), 5);
    expect(Math.abs(sound[0] ?? 1)).toBeLessThan(0.01);
    expect(steepest(sound)).toBeLessThan(SINE_STEP);
  });

  test('a hole is silence without a click on either side', () => {
    const track = new PcmTrack();
    const map = (rtp: number) => rtp / 48;
    write(track, 0, 5, map);
    write(track, 5 * BLOCK + 2 * BLOCK, 5, map);
    const sound = read(track, 0, 12 * BLOCK);
    // 0.5 that decays by 2 % a sample is the steepest that an edge may be.
    expect(steepest(sound)).toBeLessThan(SINE_STEP);
    expect(Math.abs(sound[6 * BLOCK] ?? 1)).toBeLessThan(1e-4);
    expect(sound[11 * BLOCK]).toBeCloseTo(sine(11 * BLOCK), 5);
  });

  test('a source clock that is off by 0.1 % is followed without a click, and stays within 5 ms', () => {
    const track = new PcmTrack();
    let worst = 0;
    const all: number[] = [];
    for (let i = 0; i < 700; i++) {
      write(track, i * BLOCK, 1, (rtp) => (rtp / 48) * 1.001 + 40);
      all.push(...read(track, i * BLOCK, BLOCK));
      if (i > 10) worst = Math.max(worst, Math.abs(track.driftMs));
    }
    expect(track.jumps).toBe(0);
    expect(worst).toBeLessThan(5);
    expect(steepest(Float32Array.from(all.slice(20_000)))).toBeLessThan(SINE_STEP);
  });

  test('a mapping that jumps is followed by a crossfade; one that jitters is not followed', () => {
    const track = new PcmTrack();
    const all: number[] = [];
    for (let i = 0; i < 60; i++) {
      const jitterMs = i % 2 === 0 ? 0.9 : -0.9;
      write(track, i * BLOCK, 1, (rtp) => rtp / 48 + 100 + (i < 30 ? jitterMs : 200));
      all.push(...read(track, i * BLOCK, BLOCK));
    }
    expect(track.jumps).toBe(1);
    expect(Math.abs(track.driftMs)).toBeLessThanOrEqual(2);
    expect(steepest(Float32Array.from(all.slice(8 * BLOCK)))).toBeLessThan(SINE_STEP);
  });

  test('a mapping that is off by half a frame is mended in a pause of the sound, at once and unheard', () => {
    const track = new PcmTrack();
    const silence = { left: new Float32Array(BLOCK), right: new Float32Array(BLOCK) };
    for (let i = 0; i < 20; i++) {
      track.write(silence, i * BLOCK, i * 20 + (i < 10 ? 100 : 110));
      read(track, i * BLOCK, BLOCK);
    }
    expect(track.driftMs).toBe(0);
  });

  test('after a pause, or a new stream, the sound is at its time again', () => {
    const track = new PcmTrack();
    write(track, 0, 5, (rtp) => rtp / 48);
    read(track, 0, 5 * BLOCK);
    // Nothing for ten seconds, then timestamps of another origin.
    const startMs = 10_000;
    read(track, 48 * 9000, BLOCK);
    write(track, 77_000_000, 10, (rtp) => startMs + (rtp - 77_000_000) / 48);
    const sound = read(track, 48 * startMs, 4 * BLOCK);
    expect(sound[3 * BLOCK]).toBeCloseTo(sine(77_000_000 + 3 * BLOCK), 5);
  });

  test('what comes twice or late changes nothing that was heard', () => {
    const track = new PcmTrack();
    write(track, 0, 10, (rtp) => rtp / 48);
    write(track, 2 * BLOCK, 1, (rtp) => rtp / 48);
    expect(read(track, 5 * BLOCK, BLOCK)[900]).toBeCloseTo(sine(5 * BLOCK + 900), 5);
    expect(track.read(1_000_000, new Float32Array(BLOCK), new Float32Array(BLOCK))).toBe(true); // the tail
    expect(track.read(1_001_000, new Float32Array(BLOCK), new Float32Array(BLOCK))).toBe(false);
  });
});
