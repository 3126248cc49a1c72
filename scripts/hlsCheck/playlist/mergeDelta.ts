import type { MediaPlaylist } from '../parse/playlist.ts';

/** A delta update put into the version before it (draft section 6.3.7). null: the version before does not reach that far. */
export function mergeDelta(before: MediaPlaylist, delta: MediaPlaylist): MediaPlaylist | null {
  const { skipped, sequence } = delta;
  if (skipped === null) return delta;
  const kept = before.segments.filter(({ msn }) => msn >= sequence && msn < sequence + skipped);
  if (kept.length !== skipped || kept[0]?.msn !== sequence) return null;
  // Parts of what is skipped are far from the live edge by now; the map and the discontinuities go on where the skipped ones ended.
  const last = kept.at(-1);
  const gone = (last?.discontinuities ?? delta.discontinuitySequence) - delta.discontinuitySequence;
  const segments = delta.segments.map((segment) => ({
    ...segment,
    map: segment.map ?? last?.map ?? null,
    discontinuities: segment.discontinuities + gone,
  }));
  return { ...delta, skipped: null, segments: [...kept.map((segment) => ({ ...segment, parts: [] })), ...segments] };
}

/** What a player takes from a playlist, to compare two of them. */
export function essenceOf({ sequence, ended, segments, hints, reports }: MediaPlaylist): string {
  return JSON.stringify({
    sequence,
    ended,
    segments: segments.map(({ msn, uri, duration, gap, discontinuities, map, date, parts }) => ({
      ...{ msn, uri, duration, gap, discontinuities, map, date: date?.text, parts: parts.map(({ text }) => text) },
    })),
    hints: hints.map(({ type, uri }) => [type, uri]),
    reports: reports.map(({ uri, msn, part }) => [uri, msn, part]),
  });
}
