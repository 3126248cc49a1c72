/** What was read of a program → what `npm run bench -- join` says of it. Pure. */
import { transitionFrames } from '../../../src/layout/transition.ts';
import type { ShownFrame } from '../../../test/support/program/readShow.ts';
import { CLIPS } from '../../simulator/clip/frameCode.ts';
import type { SimulatorEvent } from '../../simulator/events.ts';
import type { SceneChange } from './LiveShow.ts';
import { spread } from './spread.ts';

export interface JoinReading {
  frames: readonly ShownFrame[];
  events: readonly SimulatorEvent[];
  scenes: readonly SceneChange[];
  epochMs: number;
}

const LIMITS = { firstPixelMs: 500, placeholderMs: 300, sceneFrames: 2 } as const;
/** What has not come by then did not come because of what was done, ms. */
const PATIENCE_MS = 5_000;
/** A placeholder is seen for so many frames in a row at least; a single frame without a code is something else. */
const PLACEHOLDER_FRAMES = 3;

export function judgeJoin({ frames, events, scenes, epochMs }: JoinReading, fps: number) {
  const programMs = (atMs: number) => atMs - epochMs;
  const timeMs = (frame: number) => (frame * 1000) / fps;
  const end = timeMs(frames.at(-1)?.frame ?? 0);
  const after = (fromMs: number) =>
    frames.filter(({ frame }) => timeMs(frame) >= fromMs && timeMs(frame) < fromMs + PATIENCE_MS);
  const first = timeMs(frames[0]?.frame ?? 0);
  const firstPixel: (number | null)[] = [];
  const placeholder: (number | null)[] = [];
  for (const event of events) {
    const fromMs = programMs(event.atMs);
    if (fromMs < first || fromMs > end) continue;
    const clip = event.peer % CLIPS;
    if (event.event === 'sending') {
      const seen = after(fromMs).find(({ tiles }) => tiles.some((t) => t.clip === clip && t.counter !== null));
      firstPixel.push(seen ? timeMs(seen.frame) - fromMs : null);
    } else if (event.event === 'doing' && event.do === 'camera-off') {
      const gone = firstWithout(after(fromMs), clip);
      placeholder.push(gone === null ? null : timeMs(gone) - fromMs);
    }
  }
  const changes = scenes.slice(1).map((change) => judgeScene(change, frames, fps, epochMs));
  const p95 = (values: readonly (number | null)[]) =>
    values.includes(null) ? null : (spread(known(values))?.p95 ?? null);
  const sceneFrames = changes.map(({ settled }) => settled);
  const sceneMax = sceneFrames.length === 0 || sceneFrames.includes(null) ? null : Math.max(...known(sceneFrames));
  const result = {
    first_pixel_ms_p95: p95(firstPixel),
    placeholder_ms_p95: p95(placeholder),
    scene_frames_max: sceneMax,
  };
  const early = changes.filter((change) => change.early).length;
  const within = (value: number | null, limit: number) => value !== null && value <= limit;
  return {
    ...result,
    pass:
      within(result.first_pixel_ms_p95, LIMITS.firstPixelMs) &&
      within(result.placeholder_ms_p95, LIMITS.placeholderMs) &&
      within(result.scene_frames_max, LIMITS.sceneFrames) &&
      early === 0,
    joins: firstPixel.length,
    first_pixel_ms: spread(known(firstPixel)),
    cameras_off: placeholder.length,
    placeholder_ms: spread(known(placeholder)),
    scenes: changes.length,
    /** From the frame that the answer named to the first whole picture of the new scene, less the transition's frames. */
    scene_frames: spread(known(sceneFrames)),
    /** Whether the frame before the one named still showed the old scene. */
    scenes_too_early: early,
    /** From the request to the time of the first frame of the change. */
    scene_ms: spread(known(changes.map(({ fromAskedMs }) => fromAskedMs))),
    never_seen: [...firstPixel, ...placeholder, ...sceneFrames].filter((value) => value === null).length,
  };
}

function firstWithout(frames: readonly ShownFrame[], clip: number): number | null {
  let since: number | null = null;
  let count = 0;
  for (const { frame, tiles } of frames) {
    const tile = tiles.find((t) => t.clip === clip);
    if (!tile) return null;
    if (tile.counter !== null) {
      since = null;
      count = 0;
      continue;
    }
    since ??= frame;
    count += 1;
    if (count >= PLACEHOLDER_FRAMES) return since;
  }
  return null;
}

/** The reader takes a scene's cells from the frame on that the answer named: all codes are readable when it is really there. */
function judgeScene(change: SceneChange, frames: readonly ShownFrame[], fps: number, epochMs: number) {
  const { fromFrame, scene, askedMs } = change;
  const moving = transitionFrames(scene.transition, fps);
  const whole = ({ tiles }: ShownFrame) => tiles.filter((t) => t.live).every(({ counter }) => counter !== null);
  const settledAt = frames.find(
    (shown) => shown.frame >= fromFrame + moving && shown.frame < fromFrame + moving + 2 * fps && whole(shown),
  );
  const settled = settledAt ? settledAt.frame - fromFrame - moving : null;
  const before = frames.find(({ frame }) => frame === fromFrame - 1);
  return {
    settled,
    early: before !== undefined && !whole(before),
    fromAskedMs: settled === null ? null : ((fromFrame + settled) * 1000) / fps - (askedMs - epochMs),
  };
}

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
