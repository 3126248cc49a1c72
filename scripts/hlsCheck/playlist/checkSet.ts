/** What the playlists of one presentation must keep among each other. Pure. */
import { type MediaPlaylist, type MultivariantPlaylist, wholeSegments } from '../parse/playlist.ts';
import type { Report } from '../rules/Findings.ts';

export interface NamedPlaylist {
  /** Absolute. */
  url: string;
  playlist: MediaPlaylist;
}

/** Segments of audio begin with the first AAC frame of their time: less than one frame apart, ms. */
const AUDIO_FRAME_MS = 1024 / 44.1;

export function checkSet(
  multivariant: MultivariantPlaylist | null,
  all: readonly NamedPlaylist[],
  report: Report,
): void {
  const [first, ...rest] = all;
  if (!first) return;
  for (const { url, playlist } of rest) {
    if (playlist.target !== first.playlist.target)
      report('same-target', `${url}: ${playlist.target}, not ${first.playlist.target}`);
    if (playlist.control?.text !== first.playlist.control?.text)
      report('same-control', `${url}: ${playlist.control?.text ?? 'none'}`);
    if (isDated(playlist) !== isDated(first.playlist)) report('same-dates', url);
    compareSegments(first.playlist, playlist, url, report);
  }
  if (multivariant?.independent)
    for (const { url, playlist } of all) if (playlist.independent) report('independent-twice', url);
  for (const each of all) checkReports(each, all, report);
  const needed = Math.max(1, ...all.map(({ playlist }) => playlist.version));
  if (multivariant && multivariant.version > Math.max(needed, multivariant.neededVersion))
    report('version-excess', `version ${multivariant.version}; ${needed} would do`);
}

const isDated = ({ segments }: MediaPlaylist): boolean => segments.some(({ date }) => date !== null);

function compareSegments(one: MediaPlaylist, other: MediaPlaylist, url: string, report: Report): void {
  for (const segment of wholeSegments(one)) {
    if (!segment.date) continue;
    const { ms } = segment.date;
    const half = segment.duration * 500;
    const match = wholeSegments(other).find(({ date }) => date && Math.abs(date.ms - ms) < half);
    if (!match?.date) continue;
    if (match.discontinuities !== segment.discontinuities)
      report(
        'same-discontinuities',
        `${url}: ${match.uri} has ${match.discontinuities}, not ${segment.discontinuities}`,
      );
    if (Math.abs(match.date.ms - ms) > AUDIO_FRAME_MS)
      report('same-boundaries', `${url}: ${match.uri} begins ${(match.date.ms - ms).toFixed(0)} ms off`);
  }
}

function checkReports({ url, playlist }: NamedPlaylist, all: readonly NamedPlaylist[], report: Report): void {
  if (playlist.ended || playlist.partTarget === null) return;
  const reported = new Set(playlist.reports.map(({ uri }) => new URL(uri, url).href.replace(/\?.*$/, '')));
  for (const { uri, part, line } of playlist.reports) {
    const other = all.find((each) => each.url.replace(/\?.*$/, '') === new URL(uri, url).href.replace(/\?.*$/, ''));
    if (part === null && other?.playlist.partTarget != null) report('report-whole', `${url}: ${uri}`, line);
  }
  for (const other of all) {
    if (other.url !== url && !reported.has(other.url.replace(/\?.*$/, '')))
      report('reports-all', `${url}: no ${other.url}`);
  }
}
