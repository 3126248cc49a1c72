/**
 * Where to go on after segments that are lost for good (EXT-X-GAP, RFC 8216bis section 4.4.4.7). hls.js finds its way only
 * when the first segment after them is complete; going on at that segment's first part saves most of its length. Pure.
 */

/** A segment or part of a playlist, as hls.js has it; times in seconds on the media's clock. */
export interface Piece {
  start: number;
  end: number;
  gap?: boolean | undefined;
}

export interface Playlist {
  /** Complete segments, ascending. */
  fragments: readonly Piece[];
  /** Parts of the newest segments, ascending; null without low latency. */
  parts: readonly Piece[] | null;
}

/** Two clocks' rounding and an AAC frame, seconds. */
const SLACK_SECONDS = 0.1;

/**
 * `bufferEnd` is where what can be played ends. If what comes next there is lost, the start of the first piece after it
 * that is not; null when nothing is lost, or when there is nothing yet after what is.
 */
export function afterGap({ fragments, parts }: Playlist, bufferEnd: number): number | null {
  const next = fragments.findIndex((f) => bufferEnd + SLACK_SECONDS >= f.start && bufferEnd + SLACK_SECONDS < f.end);
  if (next < 0 || !fragments[next]?.gap) return null;
  const whole = fragments.slice(next).find((f) => !f.gap);
  if (whole) return whole.start;
  const lastEnd = fragments.at(-1)?.end ?? 0;
  return parts?.find((part) => !part.gap && part.start >= lastEnd - SLACK_SECONDS)?.start ?? null;
}
