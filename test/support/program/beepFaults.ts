/**
 * Sound → what is wrong with one peer's beeps: jumps of a beep's phase, silences in it, beeps that are not there. How loud it is does
 * not matter: a loudness control may change it slowly. Pure.
 */
import { BEEP_MS, beepHz, EVENT_PERIOD_FRAMES, FPS } from '../../../scripts/simulator/clip/frameCode.ts';
import { type Beep, findBeeps, type Sound } from './tones.ts';

/** All beeps are multiples of 200 Hz: over 5 ms each is orthogonal to every other. */
const WINDOW_MS = 5;
const HOP_MS = 0.5;
/** A phase that is off by both is a jump: codecs tremble by less than the first, steering of a clock by less than the second. */
const JUMP_RADIANS = 0.7;
const JUMP_MS = 0.06;
/** Below this share of the beep's own loudness is silence. A window that is half silent is at half. */
const SILENT = 0.5;
/** The longest silence within a beep that is none, ms. */
const SILENCE_MS = 5;
/** Half of another beep's rise or fall, and what its place is known to, ms. */
const RAMP_MS = 2;
/** Rise and fall are no part of what is looked at, ms. */
const EDGE_MS = 3;
const PERIOD_SECONDS = EVENT_PERIOD_FRAMES / FPS;
/** A beep that begins this soon had begun before what is looked at, and one that ends this late goes on behind it, seconds. */
const CUT_SECONDS = 0.02;
/** A beep may be this far from where the others of its peer say: the playout delay adapts, seconds. */
const PLACE_SECONDS = 0.35;

export interface BeepFault {
  clip: number;
  /** Seconds. */
  at: number;
  kind: 'jump' | 'silence' | 'absent';
}

/**
 * From `since` to `until`, seconds, as far as there is sound: while the peer was heard all the time. `edges`: where beeps of others begin
 * and end; a window that has one of them in it says nothing. The beeps that were whole come back as well.
 */
export function beepFaults(
  sound: Sound,
  clip: number,
  since: number,
  until: number,
  edges: readonly number[] = [],
): { beeps: Beep[]; faults: BeepFault[] } {
  const from = Math.max(since, sound.start);
  const to = Math.min(until, sound.start + sound.samples.length / sound.sampleRate);
  const piece = cut(sound, from, to);
  const isWhole = ({ at, lengthMs }: Beep) =>
    at > from + CUT_SECONDS && at + Math.max(lengthMs, BEEP_MS) / 1000 < to - CUT_SECONDS;
  const beeps = findBeeps(piece, clip).filter(isWhole);
  const faults: BeepFault[] = [];
  const first = beeps[0];
  if (!first) return { beeps, faults: to - from > 1.5 * PERIOD_SECONDS ? [{ clip, at: from, kind: 'absent' }] : [] };
  // All places a beep must be at, by the first; a delay that adapts moves them a little.
  let at = first.at - PERIOD_SECONDS * Math.floor((first.at - from) / PERIOD_SECONDS);
  for (; at + PLACE_SECONDS < to; at += PERIOD_SECONDS) {
    if (at - PLACE_SECONDS < from) continue;
    const beep = beeps.find((b) => Math.abs(b.at - at) < PLACE_SECONDS);
    if (beep) {
      at = beep.at;
      continue;
    }
    const broken = firstRise(piece, clip, at - PLACE_SECONDS, at + PLACE_SECONDS);
    if (broken === null) faults.push({ clip, at, kind: 'absent' });
    else {
      // What broke it; where that is not seen there is too little of it.
      const [why] = within(piece, clip, { at: broken, lengthMs: BEEP_MS, amplitude: 0 }, edges);
      faults.push(why ?? { clip, at: broken, kind: 'silence' });
    }
  }
  for (const beep of beeps) faults.push(...within(piece, clip, beep, edges));
  return { beeps, faults: faults.sort((a, b) => a.at - b.at) };
}

function cut({ samples, sampleRate, start }: Sound, from: number, to: number): Sound {
  const first = Math.max(0, Math.round((from - start) * sampleRate));
  const last = Math.max(first, Math.round((to - start) * sampleRate));
  return { samples: samples.subarray(first, last), sampleRate, start: start + first / sampleRate };
}

interface Heard extends Phasor {
  /** Somebody else's beep begins or ends in this window. */
  covered: boolean;
}

interface Phasor {
  level: number;
  /** Relative to a tone that goes on undisturbed, radians. */
  phase: number;
}

/** The tone in the window that begins at `at`. */
function phasorAt({ samples, sampleRate, start }: Sound, hz: number, at: number): Phasor {
  const window = Math.round((WINDOW_MS / 1000) * sampleRate);
  const first = Math.round((at - start) * sampleRate);
  const omega = (2 * Math.PI * hz) / sampleRate;
  let re = 0;
  let im = 0;
  for (let i = first; i < first + window; i++) {
    re += (samples[i] ?? 0) * Math.cos(omega * i);
    im += (samples[i] ?? 0) * Math.sin(omega * i);
  }
  return { level: (2 / window) * Math.hypot(re, im), phase: Math.atan2(-im, re) };
}

const wrap = (radians: number): number => radians - 2 * Math.PI * Math.round(radians / (2 * Math.PI));
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Jumps and silences inside a beep. */
function within(sound: Sound, clip: number, beep: Beep, edges: readonly number[]): BeepFault[] {
  const hz = beepHz(clip);
  const times: number[] = [];
  const last = beep.at + (Math.max(beep.lengthMs, BEEP_MS) - EDGE_MS - WINDOW_MS) / 1000;
  for (let at = beep.at + EDGE_MS / 1000; at <= last; at += HOP_MS / 1000) times.push(at);
  const near = edges.filter((edge) => Math.abs(edge - beep.at) < 1);
  const isCovered = (at: number) =>
    near.some((edge) => edge > at - RAMP_MS / 1000 && edge < at + (WINDOW_MS + RAMP_MS) / 1000);
  const tones = times.map((at) => ({ ...phasorAt(sound, hz, at), covered: isCovered(at) }));
  const silence = silenceIn(tones, median(tones.map(({ level }) => level)));
  if (silence !== null) return [{ clip, at: times[silence] ?? beep.at, kind: 'silence' }];
  // From each window to the next one that does not overlap: a steady drift of the clock is the same everywhere.
  const apart = WINDOW_MS / HOP_MS;
  const clear = tones.flatMap((tone, i) => (tone.covered ? [] : [i]));
  const phase = (i: number) => tones[i]?.phase ?? 0;
  const usual = median(
    clear.filter((i) => tones[i - apart]?.covered === false).map((i) => wrap(phase(i) - phase(i - apart))),
  );
  const limit = Math.max(JUMP_RADIANS, (2 * Math.PI * hz * JUMP_MS) / 1000);
  for (const i of clear) {
    // Where the window before is covered, the one before that.
    const before = clear.findLast((other) => other <= i - apart);
    if (before === undefined) continue;
    const step = wrap(phase(i) - phase(before) - (usual * (i - before)) / apart);
    // Away from the usual step without wrapping: where drift is fast, its steps lie near each other all the same.
    if (Math.abs(step) > Math.min(limit, 0.8 * Math.PI)) return [{ clip, at: times[i] ?? beep.at, kind: 'jump' }];
  }
  return [];
}

function silenceIn(tones: readonly Heard[], usual: number): number | null {
  let silentMs = 0;
  for (const [i, { level, covered }] of tones.entries()) {
    if (covered) continue;
    silentMs = level < SILENT * usual ? silentMs + HOP_MS : 0;
    if (silentMs > SILENCE_MS) return i;
  }
  return null;
}

/** A beep that is broken into pieces is not found as one, but something of it is there. */
function firstRise(sound: Sound, clip: number, from: number, to: number): number | null {
  for (let at = from; at < to; at += 0.002) if (phasorAt(sound, beepHz(clip), at).level > 0.02) return at;
  return null;
}
