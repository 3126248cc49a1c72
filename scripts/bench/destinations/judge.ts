/** From what was seen of destinations and their servers → figures. Pure. */
import type { FlvFrame } from '../support/flv.ts';
import type { Seen } from './StatusLog.ts';

/** How a loss went, seconds; null: it did not come about. */
export interface Loss {
  /** From the fault until the API told the right state. */
  state_s: number | null;
  /** What the API told then. */
  cause: string | null;
  reason: string;
  /** From the server's being well again until the API told `live`. */
  back_s: number | null;
  /** The wait before the attempt that succeeded: the backoff's step. */
  step_s: number | null;
  /** `back_s` beyond that step: what connecting took. Negative when the server came back in the middle of the wait. */
  over_step_s: number | null;
}

export interface LossTimes {
  /** `performance.now()` of the fault, and of the server's being well again. */
  faultMs: number;
  wellMs: number;
  /** When the state was right, and when it was live again. */
  told: Seen | null;
  live: Seen | null;
}

export function judgeLoss(history: readonly Seen[], { faultMs, wellMs, told, live }: LossTimes): Loss {
  const end = live?.atMs ?? Number.POSITIVE_INFINITY;
  const waits = history.filter(({ atMs, waitMs }) => atMs >= faultMs && atMs < end && waitMs !== null);
  const stepMs = waits.at(-1)?.waitMs ?? null;
  const backMs = live ? live.atMs - wellMs : null;
  return {
    state_s: told ? seconds(told.atMs - faultMs) : null,
    cause: told?.status.cause ?? null,
    reason: told?.status.reason ?? '',
    back_s: backMs === null ? null : seconds(backMs),
    step_s: stepMs === null ? null : seconds(stepMs),
    over_step_s: backMs === null || stepMs === null ? null : seconds(backMs - stepMs),
  };
}

/** How an RTMP server's recordings of one key follow each other. */
export interface Publishes {
  /** Those that have a picture. */
  count: number;
  /** That do not begin with a key frame. */
  without_key: number;
  /** That begin before the last key frame of the one before them: the GOP that was on its way may be sent again, nothing older. */
  back_in_time: number;
  /** The most that published the key at a time, as the server has it. */
  at_a_time: number;
  /** Steps between two pictures of one that are longer than a frame and do not end on a key frame: what cannot be decoded. */
  broken: number;
}

/** `stepMs`: of a frame. FLV has whole milliseconds. */
export function judgePublishes(
  recordings: readonly (readonly FlvFrame[])[],
  stepMs: number,
): Omit<Publishes, 'at_a_time'> {
  const whole = recordings.filter((frames) => frames.length > 0);
  const broken = (frames: readonly FlvFrame[]): number =>
    frames.filter(({ timestampMs, key }, i) => {
      const before = frames[i - 1];
      return before !== undefined && !key && Math.abs(timestampMs - before.timestampMs - stepMs) > 2;
    }).length;
  return {
    count: whole.length,
    without_key: whole.filter(([first]) => !first?.key).length,
    back_in_time: whole.filter((frames, i) => (frames[0]?.timestampMs ?? 0) < lastKeyMs(whole[i - 1])).length,
    broken: whole.reduce((sum, frames) => sum + broken(frames), 0),
  };
}

/** Steps that are not `step`, and one more when what they are off adds up. FLV has whole milliseconds; seconds. */
export function holesOf(times: readonly number[], step: number): number {
  const off = (from: number, to: number, steps: number): boolean => Math.abs(to - from - steps * step) > 0.0021;
  const holes = times.filter((time, i) => i > 0 && off(times[i - 1] ?? 0, time, 1)).length;
  return holes === 0 && off(times[0] ?? 0, times.at(-1) ?? 0, Math.max(0, times.length - 1)) ? 1 : holes;
}

/** Least squares; 0 for fewer than two samples. */
export function slopePerMinute(samples: readonly { seconds: number; mb: number }[]): number {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / (values.length || 1);
  const [x, y] = [mean(samples.map((s) => s.seconds)), mean(samples.map((s) => s.mb))];
  const over = samples.reduce((sum, s) => sum + (s.seconds - x) * (s.mb - y), 0);
  const under = samples.reduce((sum, s) => sum + (s.seconds - x) ** 2, 0);
  return under === 0 ? 0 : (60 * over) / under;
}

/** The largest; null when there is none, or one of them never came about. */
export function worst(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length && known.length > 0 ? Math.max(...known) : null;
}

export const seconds = (ms: number): number => Number((ms / 1000).toFixed(2));

const lastKeyMs = (frames: readonly FlvFrame[] | undefined): number =>
  frames?.findLast(({ key }) => key)?.timestampMs ?? Number.NEGATIVE_INFINITY;
