/** A media playlist as a player holds it: segments by their number, and delta updates merged in (RFC 8216bis section 6.3.7). */

export interface HeldSegment {
  number: number;
  /** Its lines, the URI last; the open segment at the end has parts alone. */
  lines: string[];
}

export interface HeldPlaylist {
  /** Tags before the first segment. */
  head: string[];
  segments: HeldSegment[];
  /** Tags behind the last: hint, reports, ENDLIST. */
  tail: string[];
}

const SKIP = /^#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)$/;
const OF_SEGMENT = /^#(?:EXTINF|EXT-X-(?:PART:|GAP|PROGRAM-DATE-TIME|MAP|DISCONTINUITY$))/;

export const skippedIn = (text: string): number =>
  Number(text.split('\n').flatMap((line) => SKIP.exec(line)?.[1] ?? [])[0] ?? 0);

/** Reads a whole playlist, or a delta update on top of `older`. Throws when the two cannot be merged. */
export function readPlaylist(text: string, older?: HeldPlaylist): HeldPlaylist {
  const lines = text.trimEnd().split('\n');
  const held: HeldPlaylist = { head: [], segments: [], tail: [] };
  let number = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]);
  let current: string[] = [];
  for (const line of lines) {
    const skipped = SKIP.exec(line);
    if (skipped) {
      for (let i = 0; i < Number(skipped[1]); i++, number++) {
        const there = older?.segments.find((s) => s.number === number && s.lines.some((l) => !l.startsWith('#')));
        if (!there) throw new Error(`segment ${number} is skipped, and was never seen`);
        held.segments.push(there);
      }
    } else if (!line.startsWith('#')) {
      held.segments.push({ number, lines: [...current, line] });
      current = [];
      number += 1;
    } else if (OF_SEGMENT.test(line)) current.push(line);
    else if (held.segments.length === 0 && current.length === 0) held.head.push(line);
    else held.tail.push(line);
  }
  if (current.length > 0) held.segments.push({ number, lines: current });
  return held;
}

/**
 * What two playlists have in common when they say the same: MAP is said once, before whichever segment is the first, and parts are no
 * longer said of a segment that is not near the end.
 */
export function meaningOf({ head, segments, tail }: HeldPlaylist): unknown {
  const withParts = segments.filter((s) => s.lines.some((l) => !l.startsWith('#'))).length - 2;
  const plain = segments.map(({ number, lines }, i) => ({
    number,
    lines: lines.filter((l) => !l.startsWith('#EXT-X-MAP') && (i >= withParts || !l.startsWith('#EXT-X-PART'))),
  }));
  return { head, segments: plain, tail };
}
