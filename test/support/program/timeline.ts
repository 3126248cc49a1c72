/** Pure looks at what was read from a program: cadence, continuity, counters, lip-sync. Times are seconds. */
import { CLIP_FRAMES } from '../../../scripts/simulator/clip/frameCode.ts';
import type { Beep } from './tones.ts';

export interface Cadence {
  /** Frames of the grid between the first and the last that are not there. */
  missing: number;
  /** Frames that stand on a place of the grid that was taken. */
  doubled: number;
  /** Frames farther from their place on the grid than the tolerance. */
  offGrid: number;
  /** Largest distance from the grid, ms. */
  worstMs: number;
}

/**
 * Compares presentation times with the grid that begins at the first. `tolerance`: exact for mp4's 90 kHz; FLV rounds to 1 ms.
 */
export function cadence(times: readonly number[], fps: number, tolerance = 1e-6): Cadence {
  const start = times[0] ?? 0;
  const taken = new Set<number>();
  const result: Cadence = { missing: 0, doubled: 0, offGrid: 0, worstMs: 0 };
  let last = 0;
  for (const time of times) {
    const place = Math.round((time - start) * fps);
    const distance = Math.abs(time - start - place / fps);
    result.worstMs = Math.max(result.worstMs, distance * 1000);
    if (distance > tolerance) result.offGrid++;
    if (taken.has(place)) result.doubled++;
    taken.add(place);
    last = Math.max(last, place);
  }
  result.missing = times.length === 0 ? 0 : last + 1 - taken.size;
  return result;
}

export interface Span {
  at: number;
  duration: number;
}

/** Places where one packet does not begin where the one before it ends. */
export function breaks(packets: readonly Span[], tolerance = 1e-6): { at: number; gap: number }[] {
  const found: { at: number; gap: number }[] = [];
  for (let i = 1; i < packets.length; i++) {
    const [before, packet] = [packets[i - 1], packets[i]];
    if (!before || !packet) continue;
    const gap = packet.at - before.at - before.duration;
    if (Math.abs(gap) > tolerance) found.push({ at: packet.at, gap });
  }
  return found;
}

/** What one peer's tile showed in one frame of the program. */
export interface Sighting {
  at: number;
  counter: number;
  flash: boolean;
}

export interface CounterRun {
  frames: number;
  /** Frames of the program that show the same picture as the one before. */
  repeats: number;
  /** Pictures of the peer that were never shown. */
  skips: number;
  /** Times that the picture went back. */
  backwards: number;
}

/** How a peer's counter goes on from frame to frame; modulo the clip's 300. */
export function counterRun(sightings: readonly Sighting[]): CounterRun {
  const run: CounterRun = { frames: sightings.length, repeats: 0, skips: 0, backwards: 0 };
  for (let i = 1; i < sightings.length; i++) {
    const step = ((sightings[i]?.counter ?? 0) - (sightings[i - 1]?.counter ?? 0) + CLIP_FRAMES) % CLIP_FRAMES;
    if (step === 0) run.repeats++;
    else if (step > CLIP_FRAMES / 2) run.backwards++;
    else run.skips += step - 1;
  }
  return run;
}

/** Times of the first frames of flashes. One that is white from the very first sighting is not counted. */
export function flashes(sightings: readonly Sighting[]): number[] {
  return sightings.flatMap((sighting, i) => (sighting.flash && sightings[i - 1]?.flash === false ? [sighting.at] : []));
}

/** A flash and a beep farther apart than this do not belong together, seconds; they come each 2 s. */
const PAIRING_SECONDS = 0.9;

export interface AvOffset {
  /** Time of the flash. */
  at: number;
  /** Beep minus flash, ms: above 0 the sound is late. */
  offsetMs: number;
}

/** Each flash with the nearest beep. Flashes near the ends of the recording, whose beep may be cut off, are left out. */
export function avOffsets(flashTimes: readonly number[], beeps: readonly Beep[]): AvOffset[] {
  return flashTimes.flatMap((at) => {
    const distances = beeps.map((beep) => beep.at - at);
    const nearest = distances.reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a), Number.POSITIVE_INFINITY);
    return Math.abs(nearest) < PAIRING_SECONDS ? [{ at, offsetMs: nearest * 1000 }] : [];
  });
}
