/**
 * Frames of a program (readShow.ts) → for each peer the stretches of time in which its camera was to be seen, and how its counter went on
 * in them. Pure.
 *
 * A counter that is right goes on by 1 from frame to frame. Where a tile moves it cannot be read; then it must have gone on by as
 * much as frames have passed.
 */
import { CLIP_FRAMES } from '../../../scripts/simulator/clip/frameCode.ts';
import type { ShownFrame } from './readShow.ts';

export interface RunSighting {
  frame: number;
  counter: number;
  flash: boolean;
}

/** One stretch in which a peer was to be seen: from its first readable picture to its last. */
export interface PeerRun {
  clip: number;
  sightings: RunSighting[];
  /** Frames in which it rested in its cell and no code could be read. */
  unread: number[];
}

/** A frame, and how far the counter was from where it should be: −1, one picture twice; 2, two pictures never shown. */
export interface CounterFault {
  clip: number;
  frame: number;
  pictures: number;
}

export function peerRuns(frames: readonly ShownFrame[]): PeerRun[] {
  const open = new Map<number, PeerRun>();
  const runs: PeerRun[] = [];
  for (const { frame, tiles } of frames) {
    const live = new Map(tiles.filter((tile) => tile.live).map((tile) => [tile.clip, tile]));
    for (const clip of open.keys()) if (!live.has(clip)) open.delete(clip);
    for (const [clip, tile] of live) {
      if (!tile.atRest) continue;
      let run = open.get(clip);
      if (tile.counter === null) {
        run?.unread.push(frame);
        continue;
      }
      if (!run) {
        run = { clip, sightings: [], unread: [] };
        open.set(clip, run);
        runs.push(run);
      }
      run.sightings.push({ frame, counter: tile.counter, flash: tile.flash });
    }
  }
  // What follows the last picture is how it went away.
  for (const run of runs) run.unread = run.unread.filter((frame) => frame < (run.sightings.at(-1)?.frame ?? 0));
  return runs;
}

/** How many pictures too many (above 0: never shown) or too few (below 0: shown again) a counter went on by; nearest modulo the clip. */
function excess(from: RunSighting, to: RunSighting): number {
  const step = to.counter - from.counter - (to.frame - from.frame);
  return step - CLIP_FRAMES * Math.round(step / CLIP_FRAMES);
}

export function counterFaults({ clip, sightings }: PeerRun): CounterFault[] {
  return sightings.flatMap((sighting, i) => {
    const before = sightings[i - 1];
    const pictures = before ? excess(before, sighting) : 0;
    return pictures === 0 ? [] : [{ clip, frame: sighting.frame, pictures }];
  });
}

/** Frames for which the picture that stood longest was seen: 1 where the counter goes on in every frame. */
export function longestStand({ sightings }: PeerRun): number {
  let longest = sightings.length > 0 ? 1 : 0;
  let stood = 1;
  for (const [i, sighting] of sightings.entries()) {
    const before = sightings[i - 1];
    if (!before) continue;
    // Within what could not be read a picture stood for as long as the counter fell behind.
    const behind = Math.max(0, -excess(before, sighting));
    stood = sighting.counter === before.counter ? stood + sighting.frame - before.frame : 1 + behind;
    longest = Math.max(longest, stood);
  }
  return longest;
}

/** Frames in which a flash begins; only where the frame before was read as well. */
export function flashFrames({ sightings }: PeerRun): number[] {
  return sightings.flatMap((sighting, i) => {
    const before = sightings[i - 1];
    return before && sighting.flash && !before.flash && sighting.frame - before.frame === 1 ? [sighting.frame] : [];
  });
}
