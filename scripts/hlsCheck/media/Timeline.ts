/**
 * One rendition's media against what its playlist says of it: decode times without a hole, durations, dates.
 *
 * Timestamps. Decode times are ticks of the track since its own zero. Dates are ms since 1970. What ties them together is the
 * `offset`, date minus decode time, which must be the same for all segments of all renditions (draft section 6.2.4).
 */
import type { Part, Segment } from '../parse/playlist.ts';
import type { Report } from '../rules/Findings.ts';
import type { Fragment, Track } from './fragments.ts';

/** Durations have six decimals at best, and are added up, seconds. */
const DURATION_TOLERANCE_SECONDS = 0.001;
/** Dates are whole milliseconds, cut off; of two of them, ms. */
const OFFSET_TOLERANCE_MS = 2;
/** A lost part's duration comes from the playlist, ticks. */
const GAP_TOLERANCE_TICKS = 2;

/** `offset` of the first segment that any rendition had: all others are held against it. */
export interface SharedOffset {
  ms: number | null;
}

export class Timeline {
  readonly #report: Report;
  readonly #shared: SharedOffset;
  #next: { ticks: number; exact: boolean } | null = null;

  constructor(report: Report, shared: SharedOffset) {
    this.#report = report;
    this.#shared = shared;
  }

  /** Of what follows nothing is known: after a discontinuity, or a segment that was not read. */
  forget(): void {
    this.#next = null;
  }

  /** A part or a segment without parts that was lost, seconds. */
  skip(seconds: number, track: Track): void {
    if (this.#next) this.#next = { ticks: this.#next.ticks + Math.round(seconds * track.info.timescale), exact: false };
  }

  add(uri: string, fragment: Fragment): void {
    const { decodeTime, duration } = fragment;
    const expected = this.#next;
    const tolerance = expected?.exact ? 0 : GAP_TOLERANCE_TICKS;
    if (expected && Math.abs(decodeTime - expected.ticks) > tolerance)
      this.#report('decode-time', `${uri} begins at ${decodeTime}, ${expected.ticks} was the end of what came before`);
    this.#next = { ticks: decodeTime + duration, exact: true };
  }

  checkPart(part: Part, fragment: Fragment, { info }: Track): void {
    const seconds = fragment.duration / info.timescale;
    if (Math.abs(seconds - part.duration) > DURATION_TOLERANCE_SECONDS)
      this.#report(
        'part-true',
        `${part.uri} is ${part.duration} s, its samples last ${seconds.toFixed(6)} s`,
        part.line,
      );
    if (part.independent !== fragment.independent)
      this.#report('independent-true', `${part.uri}: it ${fragment.independent ? 'is' : 'is not'}`, part.line);
  }

  checkSegment(segment: Segment, fragment: Fragment, { info }: Track): void {
    const { uri, duration, date, line } = segment;
    const seconds = fragment.duration / info.timescale;
    if (duration !== null && Math.abs(seconds - duration) > DURATION_TOLERANCE_SECONDS)
      this.#report('extinf-true', `${uri} is ${duration} s, its samples last ${seconds.toFixed(6)} s`, line);
    if (info.kind === 'video' && !fragment.independent) this.#report('key-first', `${uri}`, line);
    if (!date) return;
    const offset = date.ms - (fragment.decodeTime * 1000) / info.timescale;
    this.#shared.ms ??= offset;
    const error = offset - this.#shared.ms;
    if (Math.abs(error) > OFFSET_TOLERANCE_MS)
      this.#report('date-true', `${uri}: ${error.toFixed(1)} ms off the first segment that was seen`, line);
  }
}
