/** Sound → when the simulated peers' beeps begin. Pure. */
import { BEEP_MS, beepHz } from '../../../scripts/simulator/clip/frameCode.ts';

export interface Sound {
  /** Mono. */
  samples: Float32Array;
  sampleRate: number;
  /** Time of the first sample, seconds. */
  start: number;
}

export interface Beep {
  /** Onset: the middle of the rise, seconds. */
  at: number;
  lengthMs: number;
  /** 1 is full scale. */
  amplitude: number;
}

/** All beeps are multiples of 200 Hz: over 5 ms each is orthogonal to every other. */
const WINDOW_MS = 5;
/** The envelope's resolution. */
const HOP_MS = 0.25;
/** Quieter than this is no beep; the simulator's are 0.15. */
const FLOOR = 0.02;
/** What begins or ends near a beep (another one, louder) is seen in its band for less than this: a window, and a rise of 2 ms. */
const SPLASH_MS = 9;
/** Shortest and longest, as a share of a beep's nominal length. */
const LENGTH = [0.6, 1.6] as const;

/** Goertzel's sum over a sliding window, by running sums: the amplitude at `hz`; entry k is the window that begins at k hops. */
export function envelope({ samples, sampleRate }: Pick<Sound, 'samples' | 'sampleRate'>, hz: number): Float32Array {
  const window = Math.round((WINDOW_MS / 1000) * sampleRate);
  const hop = Math.round((HOP_MS / 1000) * sampleRate);
  const omega = (2 * Math.PI * hz) / sampleRate;
  const hops = Math.max(0, Math.floor((samples.length - window) / hop) + 1);
  const out = new Float32Array(hops);
  let re = 0;
  let im = 0;
  for (let i = 0; i < samples.length; i++) {
    const entering = samples[i] ?? 0;
    const leaving = i >= window ? (samples[i - window] ?? 0) : 0;
    re += entering * Math.cos(omega * i) - leaving * Math.cos(omega * (i - window));
    im += entering * Math.sin(omega * i) - leaving * Math.sin(omega * (i - window));
    const first = i - window + 1;
    if (first >= 0 && first % hop === 0) out[first / hop] = (2 / window) * Math.hypot(re, im);
  }
  return out;
}

const median = (values: Float32Array): number => values.toSorted()[Math.floor(values.length / 2)] ?? 0;

/** The beeps of the simulator's clip `clip`. Onsets are right to about 1 ms; through Opus and AAC to about 2 ms. */
export function findBeeps(sound: Sound, clip: number): Beep[] {
  const level = envelope(sound, beepHz(clip));
  const beeps: Beep[] = [];
  const hops = (ms: number) => Math.round(ms / HOP_MS);
  const time = (hop: number) => sound.start + (hop * HOP_MS + WINDOW_MS / 2) / 1000;
  const isUp = (from: number, ms: number, least: number) =>
    level.subarray(from, from + hops(ms)).every((value) => value >= least);
  const comesBack = (from: number, ms: number, least: number) =>
    level.subarray(from, from + hops(ms)).some((value) => value >= least);
  for (let i = 1; i < level.length; i++) {
    if ((level[i] ?? 0) < FLOOR || !isUp(i, SPLASH_MS, FLOOR)) continue;
    const plateau = median(level.subarray(i + hops(10), i + hops(BEEP_MS - 10)));
    if (plateau < FLOOR) {
      i += hops(WINDOW_MS);
      continue;
    }
    let rise = i;
    while (rise < level.length && (level[rise] ?? 0) < plateau / 2) rise++;
    let fall = rise + hops(BEEP_MS / 3);
    while (fall < level.length && comesBack(fall, WINDOW_MS, plateau / 2)) fall++;
    const before = level[rise - 1] ?? 0;
    const step = (level[rise] ?? 0) - before;
    const at = time(rise - 1 + (step > 0 ? (plateau / 2 - before) / step : 1));
    const lengthMs = (fall - rise) * HOP_MS;
    if (lengthMs >= BEEP_MS * LENGTH[0] && lengthMs <= BEEP_MS * LENGTH[1])
      beeps.push({ at, lengthMs, amplitude: plateau });
    i = fall + hops(WINDOW_MS);
  }
  return beeps;
}
