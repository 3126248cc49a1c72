/** What was read of a program → what `npm run bench -- cadence` says of it. Pure. */
import { beepFaults } from '../../../test/support/program/beepFaults.ts';
import {
  counterFaults,
  flashFrames,
  longestStand,
  type PeerRun,
  peerRuns,
} from '../../../test/support/program/peerRuns.ts';
import type { ShownFrame } from '../../../test/support/program/readShow.ts';
import { avOffsets } from '../../../test/support/program/timeline.ts';
import { type Beep, findBeeps, type Sound } from '../../../test/support/program/tones.ts';
import { CLIPS } from '../../simulator/clip/frameCode.ts';
import type { SimulatorEvent } from '../../simulator/events.ts';
import { spread } from './spread.ts';
import { heardOf } from './story.ts';

export interface CadenceReading {
  frames: ShownFrame[];
  sound: Sound;
  events: readonly SimulatorEvent[];
  epochMs: number;
}

/** Of each list of faults so many are printed. */
const MAX_LISTED = 60;
const LIMITS = { avOffsetMs: 50, freezeMs: 100 } as const;
/** One picture too many or too few is allowed for so long that a peer was seen: 300 ppm of drift are 30 ms in it, seconds. */
const DRIFT_SECONDS = 100;
/** Sound and picture of a peer may find each other for so long, seconds. */
const FIRST_SECOND = 1;
/** What leaves is heard until its going holds; what comes is heard from when its playout delay is over, seconds. */
const EDGE_SECONDS = 0.5;

export function judgeCadence({ frames, sound, events, epochMs }: CadenceReading, fps: number) {
  const end = ((frames.at(-1)?.frame ?? 0) + 1) / fps;
  const goings = goingsOf(events, epochMs, fps);
  const runs = peerRuns(frames).map((run) => untilGone(run, goings, fps));
  const heard = heardOf(events, epochMs, end);
  const clips = [...new Set(runs.map(({ clip }) => clip))].sort((a, b) => a - b);
  const edges = clips.flatMap((clip) =>
    findBeeps(sound, clip).flatMap(({ at, lengthMs }) => [
      { clip, at },
      { clip, at: at + lengthMs / 1000 },
    ]),
  );
  const peers = clips.map((clip) => {
    const own = runs.filter((run) => run.clip === clip);
    const ears = heard.filter(({ peer }) => peer % CLIPS === clip);
    const others = edges.filter((edge) => edge.clip !== clip).map(({ at }) => at);
    const sounds = ears.map(({ from, to }) => beepFaults(sound, clip, from + EDGE_SECONDS, to - EDGE_SECONDS, others));
    return judgePeer(clip, own, sounds, fps);
  });
  const total = (of: (peer: (typeof peers)[number]) => number) => peers.reduce((sum, peer) => sum + of(peer), 0);
  const worst = (of: (peer: (typeof peers)[number]) => number) => Math.max(0, ...peers.map(of));
  const offsets = peers.flatMap(({ offsets: o }) => o);
  const grid = gridFaults(frames);
  const faults = peers.flatMap((peer) => peer.faults).sort((a, b) => a.frame - b.frame);
  const result = {
    missing: total(({ excused }) => excused.missing) + grid.missing,
    doubled: total(({ excused }) => excused.doubled) + grid.doubled,
    av_offset_ms_max: offsets.length === 0 ? null : round(Math.max(...offsets.map((o) => Math.abs(o.offsetMs)))),
    freeze_ms_max: round((1000 * worst(({ stand }) => stand)) / fps),
    audio_gaps: total(({ audio }) => audio.length),
  };
  const pass =
    result.missing + result.doubled + result.audio_gaps === 0 &&
    result.av_offset_ms_max !== null &&
    result.av_offset_ms_max <= LIMITS.avOffsetMs &&
    result.freeze_ms_max <= LIMITS.freezeMs;
  const details = { frames: frames.length, peers, runs: runs.map(describeRun) };
  return {
    ...{ ...result, pass },
    missing_raw: total(({ missing }) => missing),
    doubled_raw: total(({ doubled }) => doubled),
    grid,
    av_offset_ms: spread(offsets.map(({ offsetMs }) => offsetMs)),
    av_events: offsets.length,
    beeps: total(({ beeps }) => beeps),
    pictures_read: total(({ read }) => read),
    tiles_unread: total(({ unread }) => unread),
    /** Frames in which nothing at all went on: the program itself stood still. */
    program_stood: standing(frames),
    counter_faults: faults.map(({ clip, frame, pictures }) => [clip, frame, pictures]).slice(0, MAX_LISTED),
    audio_faults: peers
      .flatMap(({ audio }) => audio.map(({ clip, at, kind }) => [clip, round(at), kind]))
      .slice(0, MAX_LISTED),
    by_peer: peers.map(({ clip, seconds, missing, doubled, stand, offsets: o, audio, unread }) => ({
      ...{ peer: clip, seconds: round(seconds), missing, doubled, unread, longest_frames: stand },
      ...{ av_offset_ms: spread(o.map(({ offsetMs }) => offsetMs)), audio_gaps: audio.length },
    })),
    details,
  };
}

interface Going {
  clip: number;
  frame: number;
}

/** When whose picture ends, because the person leaves or turns the camera off. */
function goingsOf(events: readonly SimulatorEvent[], epochMs: number, fps: number): Going[] {
  return events.flatMap((event) =>
    event.event === 'doing' && ['leave', 'drop', 'camera-off'].includes(event.do)
      ? [{ clip: event.peer % CLIPS, frame: ((event.atMs - epochMs) * fps) / 1000 }]
      : [],
  );
}

/** Without the last picture's stand: what has gone sends no other until its going holds (that time is for `join` to judge). */
function untilGone(run: PeerRun, goings: readonly Going[], fps: number): PeerRun {
  const stands = (frame: number) =>
    goings.some((g) => g.clip === run.clip && frame >= g.frame && frame < g.frame + EDGE_SECONDS * fps);
  return { ...run, sightings: run.sightings.filter(({ frame }) => !stands(frame)) };
}

interface Sounds {
  beeps: Beep[];
  faults: ReturnType<typeof beepFaults>['faults'];
}

function judgePeer(clip: number, runs: readonly PeerRun[], sounds: readonly Sounds[], fps: number) {
  const faults = runs.flatMap(counterFaults);
  const missing = sum(faults.map(({ pictures }) => Math.max(0, pictures)));
  const doubled = sum(faults.map(({ pictures }) => Math.max(0, -pictures)));
  const seconds = sum(runs.map(({ sightings }) => ((sightings.at(-1)?.frame ?? 0) - (sightings[0]?.frame ?? 0)) / fps));
  const allowed = Math.floor(seconds / DRIFT_SECONDS);
  // Drift goes one way, so that only the more frequent kind is excused.
  const excused = {
    missing: missing >= doubled ? Math.max(0, missing - allowed) : missing,
    doubled: doubled > missing ? Math.max(0, doubled - allowed) : doubled,
  };
  const beeps = sounds.flatMap((s) => s.beeps.filter(({ at }) => at > (s.beeps[0]?.at ?? 0) - FIRST_SECOND));
  const flashes = runs.flatMap((run) => {
    const first = (run.sightings[0]?.frame ?? 0) / fps + FIRST_SECOND;
    return flashFrames(run)
      .map((frame) => frame / fps)
      .filter((at) => at >= first);
  });
  return {
    ...{ clip, faults, missing, doubled, excused, seconds },
    stand: Math.max(0, ...runs.map(longestStand)),
    offsets: avOffsets(flashes, beeps),
    audio: sounds.flatMap((s) => s.faults),
    beeps: beeps.length,
    read: sum(runs.map(({ sightings }) => sightings.length)),
    unread: sum(runs.map(({ unread }) => unread.length)),
  };
}

/** Frames of the program itself that are not there, or twice. */
function gridFaults(frames: readonly ShownFrame[]): { missing: number; doubled: number } {
  const numbers = new Set(frames.map(({ frame }) => frame));
  const span = frames.length === 0 ? 0 : (frames.at(-1)?.frame ?? 0) - (frames[0]?.frame ?? 0) + 1;
  return { missing: span - numbers.size, doubled: frames.length - numbers.size };
}

function standing(frames: readonly ShownFrame[]): number {
  let stood = 0;
  for (const [i, { frame, tiles }] of frames.entries()) {
    const before = frames[i - 1];
    if (!before || before.frame !== frame - 1) continue;
    const shown = tiles.filter(({ counter }) => counter !== null);
    const same = shown.filter(({ clip, counter }) =>
      before.tiles.some((tile) => tile.clip === clip && tile.counter === counter),
    );
    if (shown.length > 1 && same.length === shown.length) stood += 1;
  }
  return stood;
}

const describeRun = ({ clip, sightings, unread }: PeerRun) => ({
  ...{ clip, from: sightings[0]?.frame, to: sightings.at(-1)?.frame, read: sightings.length, unread },
});

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const round = (value: number): number => Number(value.toFixed(1));
