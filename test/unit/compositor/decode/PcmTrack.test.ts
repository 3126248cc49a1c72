import { describe, expect, test } from 'vitest';
import { PcmTrack } from '../../../../compositor/decode/PcmTrack.ts';
import { SenderClock } from '../../../support/sound/SenderClock.ts';
import { residualDb } from '../../../support/sound/tone.ts';

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

const rms = (samples: Float32Array): number => Math.sqrt(samples.reduce((sum, v) => sum + v * v, 0) / samples.length);

/** What is heard of a sender whose clock is slow by `ppm`, with the mapping of real sender reports. */
function followClock(ppm: number, seconds: number) {
  const clock = new SenderClock({ clockRate: 48_000, ppm, playoutDelayMs: 100, seed: 9 });
  const track = new PcmTrack();
  const sound = new Float32Array(seconds * 48_000);
  let worstMs = 0;
  let sent = 0;
  for (let at = 0; at + 1024 <= sound.length; at += 1024) {
    for (; clock.capturedMs(sent) < at / 48 - 20; sent += BLOCK) {
      const { rtp, playoutMs } = clock.packet(sent, BLOCK);
      const left = Float32Array.from({ length: BLOCK }, (_, k) => sine(rtp + k));
      track.write({ left, right: left }, rtp, playoutMs);
    }
    track.read(at, sound.subarray(at, at + 1024), new Float32Array(1024));
    worstMs = Math.max(worstMs, Math.abs(track.driftMs));
  }
  return { sound, track, worstMs };
}

describe('PcmTrack', () => {
  test('a sample is heard at its program time, after a fade of 5 ms', () => {
    const track = new PcmTrack();
    write(track, 100_000, 10, (rtp) => (rtp - 100_000) / 48 + 1000);
    const sound = read(track, 48_000, 5000);
    for (let i = 300; i < 5000; i++) expect(sound[i]).toBeCloseTo(sine(100_000 + i), 5);
    expect(Math.abs(sound[0] ?? 1)).toBeLessThan(0.01);
    expect(steepest(sound)).toBeLessThan(SINE_STEP);
  });

  test('a lost packet is filled with what was heard before; the waveform goes on', () => {
    const track = new PcmTrack();
    const map = (rtp: number) => rtp / 48;
    write(track, 0, 5, map);
    write(track, 6 * BLOCK, 5, map);
    const sound = read(track, 0, 11 * BLOCK);
    expect(steepest(sound)).toBeLessThan(SINE_STEP);
    // The tone is there, as loud for 10 ms, and nearly so to the end.
    expect(rms(sound.subarray(5 * BLOCK, 5 * BLOCK + 480))).toBeCloseTo(rms(sound.subarray(4 * BLOCK, 5 * BLOCK)), 1);
    expect(rms(sound.subarray(5.5 * BLOCK, 6 * BLOCK))).toBeGreaterThan(0.25);
    expect(sound[10 * BLOCK]).toBeCloseTo(sine(10 * BLOCK), 5);
  });

  test('a long hole (no packets in silence, a network that is gone) is silent after 60 ms, without a click', () => {
    const track = new PcmTrack();
    const map = (rtp: number) => rtp / 48;
    write(track, 0, 5, map);
    write(track, 25 * BLOCK, 5, map);
    const sound = read(track, 0, 30 * BLOCK);
    expect(steepest(sound)).toBeLessThan(SINE_STEP);
    expect(rms(sound.subarray(5 * BLOCK + 61 * 48, 25 * BLOCK))).toBe(0);
    expect(sound[29 * BLOCK]).toBeCloseTo(sine(29 * BLOCK), 5);
  });

  test('sound that comes when the hole is already heard is entered without a click', () => {
    const track = new PcmTrack();
    const map = (rtp: number) => rtp / 48;
    write(track, 0, 5, map);
    const parts = [read(track, 0, 6 * BLOCK)];
    write(track, 5 * BLOCK, 10, map);
    parts.push(read(track, 6 * BLOCK, 9 * BLOCK));
    const sound = Float32Array.from(parts.flatMap((part) => [...part]));
    expect(steepest(sound)).toBeLessThan(SINE_STEP * 1.3);
    expect(sound[10 * BLOCK]).toBeCloseTo(sine(10 * BLOCK), 5);
  });

  test.each([300, -300])(
    'a clock that is off by %i ppm leaves no trace in a tone, and the sound stays in time',
    (ppm) => {
      const { sound, track, worstMs } = followClock(ppm, 90);
      for (let second = 40; second < 89; second += 4) {
        expect(residualDb(sound.subarray(second * 48_000, (second + 1) * 48_000), 440)).toBeLessThan(-60);
      }
      expect(track.jumps).toBe(0);
      expect(Math.abs(track.driftPpm - ppm)).toBeLessThan(10);
      expect(worstMs).toBeLessThan(5);
    },
  );

  test('channels that are alike are told, and ones that are not are kept apart', () => {
    const track = new PcmTrack();
    const left = Float32Array.from({ length: BLOCK }, (_, n) => sine(n));
    track.write({ left, right: left }, 0, 0);
    const out = { left: new Float32Array(400), right: new Float32Array(400) };
    track.read(0, out.left, out.right);
    expect(track.mono).toBe(true);
    expect(out.right).toEqual(out.left);
    track.write({ left, right: left.map((v) => v / 2) }, BLOCK, 20);
    track.read(400, out.left, out.right);
    track.read(800, out.left, out.right);
    expect(track.mono).toBe(false);
    expect(out.right[300]).toBeCloseTo((out.left[300] ?? 0) / 2, 5);
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

  test.each([
    ['silence', 0],
    ['the noise of a quiet room', 0.0006],
  ])('a mapping that is off by half a frame is mended in a pause of the sound, at once and unheard: %s', (_, noise) => {
    const track = new PcmTrack();
    for (let i = 0; i < 20; i++) {
      const left = Float32Array.from({ length: BLOCK }, (_, k) => noise * Math.sin((i * BLOCK + k) ** 2));
      track.write({ left, right: left }, i * BLOCK, i * 20 + (i < 10 ? 100 : 110));
      read(track, i * BLOCK, BLOCK);
    }
    expect(track.driftMs).toBe(0);
    expect(track.jumps).toBe(0);
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
