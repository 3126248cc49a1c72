/** What one media playlist's text must keep, for itself. Pure. */
import { controlSeconds, type MediaPlaylist, type Segment, wholeSegments } from '../parse/playlist.ts';
import type { Report } from '../rules/Findings.ts';

/** Decimals of a playlist are rounded; what was rounded up is no breach, seconds. */
export const ROUNDING_SECONDS = 0.000_02;
/** Whole milliseconds of PROGRAM-DATE-TIME, and the rounding of what is added up, ms. */
export const DATE_ROUNDING_MS = 2;
/** Apple 7.7, seconds. */
const OVER_SECONDS = 0.5;
/** draft 4.4.4.9. */
const SHORTEST_PART = 0.85;
/** draft 6.2.2, target durations. */
const PARTS_LISTED = 3;

export function checkMedia(playlist: MediaPlaylist, report: Report): void {
  checkDurations(playlist, report);
  checkControl(playlist, report);
  if (playlist.partTarget !== null || playlist.segments.some((s) => s.parts.length > 0)) checkParts(playlist, report);
  checkDates(playlist, report);
  checkTail(playlist, report);
  checkKind(playlist, report);
  // In a delta update it may be among the tags that are skipped.
  const first = playlist.skipped === null ? playlist.segments[0] : undefined;
  if (first && first.map === null && /\.(m4s|mp4|m4v|m4a)(\?|$)/.test(first.uri ?? first.parts[0]?.uri ?? ''))
    report('map-required', 'no EXT-X-MAP', first.line);
  const needed = controlSeconds(playlist, 'CAN-SKIP-UNTIL') === null ? playlist.neededVersion : 9;
  // Who offers delta updates serves version 9 in the same place (draft 4.4.1.2: the version is the server's, too).
  if (playlist.version > Math.max(needed, playlist.neededVersion))
    report('version-excess', `version ${playlist.version}; ${needed} would do`);
}

function checkDurations(playlist: MediaPlaylist, report: Report): void {
  for (const { duration, line, uri } of wholeSegments(playlist)) {
    if (Math.round(duration) > playlist.target) report('extinf-target', `${uri} lasts ${duration} s`, line);
    if (duration > playlist.target + OVER_SECONDS) report('extinf-over', `${uri} lasts ${duration} s`, line);
  }
}

function checkControl(playlist: MediaPlaylist, report: Report): void {
  const { target, partTarget, control, ended, skipped } = playlist;
  const line = control?.line;
  const holdBack = controlSeconds(playlist, 'HOLD-BACK');
  if (holdBack !== null && holdBack < 3 * target) report('hold-back', `${holdBack} s`, line);
  const partHoldBack = controlSeconds(playlist, 'PART-HOLD-BACK');
  if (partTarget !== null) {
    if (partHoldBack === null) report('part-hold-back', 'none', line);
    else if (partHoldBack < 2 * partTarget) report('part-hold-back', `${partHoldBack} s`, line);
    if (partHoldBack !== null && partHoldBack < 3 * partTarget)
      report('part-hold-back-three', `${partHoldBack} s`, line);
    if (!ended && !control?.attributes.has('CAN-BLOCK-RELOAD'))
      report('low-latency-profile', 'no CAN-BLOCK-RELOAD', line);
  }
  const skipUntil = controlSeconds(playlist, 'CAN-SKIP-UNTIL');
  if (skipUntil !== null && skipUntil < 6 * target) report('skip-boundary', `${skipUntil} s`, line);
  if (control?.attributes.has('CAN-SKIP-DATERANGES') && skipUntil === null) report('skip-dateranges', '', line);
  if (skipped === null) return;
  const left = wholeSegments(playlist).reduce((sum, s) => sum + s.duration, 0);
  if (skipUntil === null) report('skip-allowed', 'EXT-X-SKIP without CAN-SKIP-UNTIL');
  else if (left < skipUntil - ROUNDING_SECONDS)
    report('skip-allowed', `${left.toFixed(3)} s are left, the skip boundary is ${skipUntil} s`);
}

function checkParts(playlist: MediaPlaylist, report: Report): void {
  const { segments, partTarget, target, independent } = playlist;
  if (partTarget === null) report('part-inf', 'none');
  let behind = secondsOf(segments);
  for (const segment of segments) {
    behind -= segment.duration ?? 0;
    const { parts, line, uri, duration } = segment;
    if (partTarget !== null) checkPartDurations(segment, partTarget, report);
    const first = parts[0];
    if (independent && first && !first.gap && !first.independent) report('part-independent', first.uri, first.line);
    const sum = parts.reduce((total, part) => total + part.duration, 0);
    // Each part's duration is rounded for itself.
    if (parts.length > 0 && uri !== null && duration !== null && Math.abs(sum - duration) > 1e-6 * (parts.length + 1))
      report('part-sum', `${uri}: parts last ${sum.toFixed(6)} s, the segment ${duration} s`, line);
    if (uri !== null && !segment.gap && parts.some(({ gap }) => gap)) report('part-gap', uri, line);
    checkWindow(segment, behind, PARTS_LISTED * target, report);
  }
}

function checkPartDurations({ parts, uri }: Segment, partTarget: number, report: Report): void {
  for (const [index, part] of parts.entries()) {
    const { duration, line } = part;
    if (duration > partTarget + ROUNDING_SECONDS) report('part-longest', `${part.uri} lasts ${duration} s`, line);
    const next = parts[index + 1];
    const last = next === undefined && uri !== null;
    // An open segment's newest part may be its last.
    const free = part.independent || part.gap || next?.gap || last || next === undefined;
    if (!free && duration < SHORTEST_PART * partTarget - ROUNDING_SECONDS)
      report('part-shortest', `${part.uri} lasts ${duration} s`, line);
  }
}

/** From the first segment to the newest part. */
const secondsOf = (segments: readonly Segment[]): number =>
  segments.reduce((sum, { uri, duration, parts }) => {
    const open = parts.reduce((total, part) => total + part.duration, 0);
    return sum + (uri === null ? open : (duration ?? 0));
  }, 0);

/** `behind`: how far the end of a whole segment lies before the end of the playlist, seconds. */
function checkWindow({ parts, uri, duration }: Segment, behind: number, window: number, report: Report): void {
  if (uri === null) return;
  let left = behind + (duration ?? 0);
  for (const part of parts) {
    left -= part.duration;
    if (left <= window + ROUNDING_SECONDS) return;
    report('part-window', `${part.uri} ends ${left.toFixed(2)} s before the end`, part.line);
  }
}

function checkDates(playlist: MediaPlaylist, report: Report): void {
  const { segments, ended, dateRanges } = playlist;
  const dated = segments.some(({ date }) => date !== null);
  if (!dated && !ended && segments.length > 0) report('date-time', 'none');
  if (!dated && dateRanges > 0) report('date-range-dates', 'none');
  let expected: number | null = null;
  for (const { date, discontinuity, duration, line } of segments) {
    if (date && Number.isNaN(date.ms)) report('tag-value', `EXT-X-PROGRAM-DATE-TIME:${date.text}`, line);
    if (dated && discontinuity && !date) report('date-time-break', 'no date', line);
    if (date && expected !== null && !discontinuity && Math.abs(date.ms - expected) > DATE_ROUNDING_MS)
      report('date-time-clear', `${(date.ms - expected).toFixed(1)} ms off`, line);
    if (date && expected !== null && discontinuity && date.ms < expected - DATE_ROUNDING_MS)
      report('date-time-clear', `${(expected - date.ms).toFixed(1)} ms of overlap`, line);
    const start: number | null = date?.ms ?? expected;
    expected = start === null || duration === null ? null : start + duration * 1000;
  }
}

function checkTail(playlist: MediaPlaylist, report: Report): void {
  const { ended, hints, partTarget, segments, reports } = playlist;
  if (ended) for (const { line } of hints) report('ended-hint', '', line);
  for (const [index, { type, line }] of hints.entries())
    if (hints.slice(0, index).some((h) => h.type === type)) report('hint-once', `a second ${type}`, line);
  const listed = new Set(segments.flatMap((s) => [s.uri, ...s.parts.map(({ uri }) => uri)]));
  for (const { uri, line } of hints) if (listed.has(uri)) report('hint-next', `${uri} is listed`, line);
  if (!ended && partTarget !== null && !hints.some(({ type }) => type === 'PART')) report('hint-there', 'none');
  for (const { uri, msn, line } of reports) {
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(uri)) report('report-relative', uri, line);
    if (msn === null) report('report-whole', uri, line);
  }
}

function checkKind(playlist: MediaPlaylist, report: Report): void {
  const { segments, ended, type, sequence } = playlist;
  if (!ended && segments.some(({ discontinuity }) => discontinuity) && !playlist.hasDiscontinuitySequence)
    report('discontinuity-sequence', 'none');
  if (!ended && type !== null && sequence > 0) report('type-live', `${type}, and the first segment is ${sequence}`);
  // A window that ended is no recording: its beginning is gone.
  if (ended && type === null && sequence === 0 && !playlist.hasSequence) report('type-vod', 'no EXT-X-PLAYLIST-TYPE');
}
