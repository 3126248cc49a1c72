/** What may change from one version of a media playlist to a later one (draft sections 6.2.1 and 6.2.2). Pure. */
import { type MediaPlaylist, type Segment, wholeSegments } from '../parse/playlist.ts';
import type { Report } from '../rules/Findings.ts';

/** Both whole: a delta update is merged before. */
export function checkUpdate(before: MediaPlaylist, after: MediaPlaylist, report: Report): void {
  checkSequence(before, after, report);
  checkConstants(before, after, report);
  checkSegments(before, after, report);
  checkRemovedParts(before, after, report);
  checkHint(before, after, report);
  if (before.ended && contentOf(before) !== contentOf(after)) report('update-end', 'it changed');
}

const contentOf = ({ segments, ended, sequence }: MediaPlaylist): string =>
  JSON.stringify([sequence, ended, segments.map((s) => [s.uri, s.duration, s.gap])]);

function checkSequence(before: MediaPlaylist, after: MediaPlaylist, report: Report): void {
  const removed = after.sequence - before.sequence;
  if (removed < 0) report('update-sequence', `${before.sequence}, then ${after.sequence}`);
  if (removed > 0 && !after.hasSequence) report('update-sequence', 'no EXT-X-MEDIA-SEQUENCE');
  const first = after.segments[0];
  const same = before.segments.find(({ msn }) => msn === first?.msn);
  if (first?.uri && same?.uri && first.uri !== same.uri) {
    const was = before.segments.find(({ uri }) => uri === first.uri);
    if (was) report('update-sequence', `${first.uri} was number ${was.msn} and is number ${first.msn}`, first.line);
  }
  if (same && first && same.discontinuities !== first.discontinuities)
    report('update-discontinuities', `segment ${first.msn}: ${same.discontinuities}, then ${first.discontinuities}`);
  if (after.discontinuitySequence < before.discontinuitySequence)
    report('update-discontinuities', `${before.discontinuitySequence}, then ${after.discontinuitySequence}`);
  const length = wholeSegments(after).reduce((sum, { duration }) => sum + duration, 0);
  if (removed > 0 && !after.ended && length < 3 * after.target)
    report('update-short', `${length.toFixed(3)} s are left`);
  if (removed > 0 && !after.ended && wholeSegments(after).length < 6)
    report('window-least', `${wholeSegments(after).length} segments`);
}

function checkConstants(before: MediaPlaylist, after: MediaPlaylist, report: Report): void {
  const differs = (name: string, was: unknown, is: unknown): void => {
    if (was !== is) report('update-constants', `${name}: ${was}, then ${is}`);
  };
  differs('EXT-X-VERSION', before.version, after.version);
  differs('EXT-X-TARGETDURATION', before.target, after.target);
  differs('PART-TARGET', before.partTarget, after.partTarget);
  differs('EXT-X-SERVER-CONTROL', before.control?.text, after.control?.text);
}

function checkSegments(before: MediaPlaylist, after: MediaPlaylist, report: Report): void {
  for (const was of before.segments) {
    if (was.msn < after.sequence) continue;
    const is = after.segments.find(({ msn }) => msn === was.msn);
    if (!is) {
      report('update-segments', `segment ${was.msn} is gone`);
      continue;
    }
    const change = changeOf(was, is);
    if (change) report('update-segments', `segment ${was.msn}: ${change}`, is.line);
    checkParts(was, is, report);
  }
}

function changeOf(was: Segment, is: Segment): string | null {
  const open = was.uri === null;
  if (!open && was.uri !== is.uri) return `${was.uri}, then ${is.uri}`;
  if (!open && was.duration !== is.duration) return `${was.duration} s, then ${is.duration} s`;
  // While it is open it is not yet known whether all of it will come.
  if (!open && was.gap !== is.gap) return `GAP ${was.gap}, then ${is.gap}`;
  if (was.map !== is.map) return `${was.map}, then ${is.map}`;
  if (was.date?.text !== is.date?.text) return `${was.date?.text}, then ${is.date?.text}`;
  if (was.discontinuity !== is.discontinuity) return `discontinuity ${was.discontinuity}, then ${is.discontinuity}`;
  return null;
}

function checkParts(was: Segment, is: Segment, report: Report): void {
  // Parts go all at once when the segment is no longer at the live edge.
  if (is.parts.length === 0) return;
  for (const [index, part] of was.parts.entries()) {
    const same = is.parts[index];
    if (same?.text === part.text) continue;
    report('update-parts', `${part.uri}: '${part.text}', then '${same?.text ?? 'nothing'}'`, is.line);
    return;
  }
}

function checkRemovedParts(before: MediaPlaylist, after: MediaPlaylist, report: Report): void {
  const without = after.segments.filter((s) => s.parts.length === 0);
  for (const { msn, parts } of before.segments) {
    const removed = parts.length > 0 && without.some((s) => s.msn === msn);
    const older = after.segments.find((s) => s.msn < msn && s.parts.length > 0);
    if (removed && older) report('update-parts-removed', `parts of ${msn} are gone, those of ${older.msn} are there`);
  }
}

function checkHint(before: MediaPlaylist, after: MediaPlaylist, report: Report): void {
  const hint = before.hints.find(({ type }) => type === 'PART');
  const last = before.segments.at(-1);
  if (!hint || !last || after.ended) return;
  const known = new Set(before.segments.flatMap(({ parts }) => parts.map(({ uri }) => uri)));
  const added = after.segments
    .flatMap(({ parts, msn }) => (msn >= last.msn ? parts : []))
    .find((p) => !known.has(p.uri));
  // What a crash took was hinted at in good faith (draft 6.2.6: a server may choose not to publish it): the segment is lost, or there without parts.
  const taken = after.segments.some((s) => s.msn >= last.msn && (s.gap || (s.uri !== null && s.parts.length === 0)));
  if (added && !added.gap && added.uri !== hint.uri && !taken)
    report('update-hint', `${hint.uri} was hinted at, ${added.uri} came`, added.line);
}
