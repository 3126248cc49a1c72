/** Lines → a playlist. Reports what does not fit together; makes the best of it. */
import type { Report } from '../rules/Findings.ts';
import { neededVersion, type PlaylistLine, readLines, type TagLine } from './lines.ts';
import type { MediaPlaylist, MultivariantPlaylist, Segment } from './playlist.ts';

export function parsePlaylist(bytes: Buffer, report: Report): MediaPlaylist | MultivariantPlaylist {
  const lines = readLines(bytes, report);
  const places = new Set(lines.map((line) => (line.kind === 'tag' ? line.form.place : 'uri')));
  const multivariant = places.has('multivariant');
  const media = ['media', 'segment', 'metadata'].some((place) => places.has(place as 'media'));
  if (multivariant && media) {
    const stray = lines.find((l) => l.kind === 'tag' && l.form.place !== 'multivariant' && l.form.place !== 'any');
    report('tag-place', stray?.kind === 'tag' ? stray.name : '', stray?.line);
  }
  return multivariant ? parseMultivariant(lines, report) : parseMedia(lines, report);
}

function parseMultivariant(lines: readonly PlaylistLine[], report: Report): MultivariantPlaylist {
  const playlist: MultivariantPlaylist = {
    ...{ kind: 'multivariant', version: versionOf(lines), neededVersion: neededVersion(lines) },
    ...{ independent: has(lines, 'EXT-X-INDEPENDENT-SEGMENTS'), variants: [], renditions: [] },
  };
  let open: TagLine | null = null;
  for (const line of lines) {
    if (line.kind === 'uri') {
      if (open) playlist.variants.push({ uri: line.text, attributes: open.attributes, line: open.line });
      else report('variant-uri', 'a URI without EXT-X-STREAM-INF', line.line);
      open = null;
      continue;
    }
    if (open) report('variant-uri', 'no URI follows', open.line);
    open = line.name === 'EXT-X-STREAM-INF' ? line : null;
    if (line.name === 'EXT-X-MEDIA') playlist.renditions.push({ attributes: line.attributes, line: line.line });
  }
  if (open) report('variant-uri', 'no URI follows', open.line);
  return playlist;
}

const has = (lines: readonly PlaylistLine[], name: string): boolean => find(lines, name) !== undefined;
const find = (lines: readonly PlaylistLine[], name: string): TagLine | undefined =>
  lines.find((line): line is TagLine => line.kind === 'tag' && line.name === name);
const numberOf = (lines: readonly PlaylistLine[], name: string, otherwise: number): number => {
  const tag = find(lines, name);
  return tag ? Number(tag.value) : otherwise;
};
const versionOf = (lines: readonly PlaylistLine[]): number => numberOf(lines, 'EXT-X-VERSION', 1);

function parseMedia(lines: readonly PlaylistLine[], report: Report): MediaPlaylist {
  const skip = find(lines, 'EXT-X-SKIP')?.attributes.get('SKIPPED-SEGMENTS');
  const control = find(lines, 'EXT-X-SERVER-CONTROL');
  const partInf = find(lines, 'EXT-X-PART-INF');
  const type = find(lines, 'EXT-X-PLAYLIST-TYPE')?.value;
  const target = numberOf(lines, 'EXT-X-TARGETDURATION', 0);
  if (!(target >= 1)) report('target-duration', `${find(lines, 'EXT-X-TARGETDURATION')?.value ?? 'none'}`);
  const tagsNamed = (name: string) => lines.filter((l): l is TagLine => l.kind === 'tag' && l.name === name);
  const playlist: MediaPlaylist = {
    ...{ kind: 'media', version: versionOf(lines), neededVersion: neededVersion(lines), target },
    sequence: numberOf(lines, 'EXT-X-MEDIA-SEQUENCE', 0),
    hasSequence: has(lines, 'EXT-X-MEDIA-SEQUENCE'),
    discontinuitySequence: numberOf(lines, 'EXT-X-DISCONTINUITY-SEQUENCE', 0),
    hasDiscontinuitySequence: has(lines, 'EXT-X-DISCONTINUITY-SEQUENCE'),
    ended: has(lines, 'EXT-X-ENDLIST'),
    type: type === 'EVENT' || type === 'VOD' ? type : null,
    independent: has(lines, 'EXT-X-INDEPENDENT-SEGMENTS'),
    partTarget: partInf ? Number(partInf.attributes.get('PART-TARGET')) : null,
    control: control ? { attributes: control.attributes, text: control.text, line: control.line } : null,
    skipped: skip === undefined ? null : Number(skip),
    segments: [],
    hints: tagsNamed('EXT-X-PRELOAD-HINT').map(({ attributes, line }) => ({
      ...{ type: attributes.get('TYPE') ?? '', uri: attributes.get('URI') ?? '', line },
    })),
    reports: tagsNamed('EXT-X-RENDITION-REPORT').map(({ attributes, line }) => {
      const [msn, part] = [attributes.get('LAST-MSN'), attributes.get('LAST-PART')];
      const uri = attributes.get('URI') ?? '';
      return { uri, msn: msn === undefined ? null : Number(msn), part: part === undefined ? null : Number(part), line };
    }),
    dateRanges: tagsNamed('EXT-X-DATERANGE').length,
  };
  new SegmentReader(playlist, report).read(lines);
  return playlist;
}

/** Gathers the tags of each segment until its URI, in the order in which they stand. */
class SegmentReader {
  readonly #playlist: MediaPlaylist;
  readonly #report: Report;
  #msn: number;
  #discontinuities: number;
  #map: string | null = null;
  #bitrate: number | null = null;
  #segment: Segment | null = null;

  constructor(playlist: MediaPlaylist, report: Report) {
    this.#playlist = playlist;
    this.#report = report;
    this.#msn = playlist.sequence + (playlist.skipped ?? 0);
    this.#discontinuities = playlist.discontinuitySequence;
  }

  read(lines: readonly PlaylistLine[]): void {
    for (const line of lines) {
      if (line.kind === 'uri') this.#uri(line.text, line.line);
      else if (line.form.place === 'segment') this.#tag(line);
      else if (this.#started && ['EXT-X-MEDIA-SEQUENCE', 'EXT-X-DISCONTINUITY-SEQUENCE'].includes(line.name))
        this.#report('sequence-first', line.name, line.line);
    }
    const last = this.#segment;
    if (!last) return;
    if (last.duration !== null) this.#report('segment-uri', 'no URI follows', last.line);
    if (last.parts.length > 0) this.#playlist.segments.push(last);
  }

  get #started(): boolean {
    return this.#playlist.segments.length > 0 || this.#segment !== null;
  }

  #open(line: number): Segment {
    this.#segment ??= {
      ...{ msn: this.#msn, uri: null, duration: null, gap: false, discontinuity: false, date: null, parts: [], line },
      ...{ discontinuities: this.#discontinuities, map: this.#map, bitrate: this.#bitrate },
    };
    return this.#segment;
  }

  #tag({ name, value, attributes, line, text }: TagLine): void {
    // These hold for all that follow; on their own they begin no segment.
    if (name === 'EXT-X-MAP') this.#map = attributes.get('URI') ?? null;
    if (name === 'EXT-X-BITRATE') this.#bitrate = Number(value);
    if (name === 'EXT-X-MAP' || name === 'EXT-X-KEY' || name === 'EXT-X-BITRATE') {
      if (this.#segment) {
        this.#rank(this.#segment, name, line);
        Object.assign(this.#segment, { map: this.#map, bitrate: this.#bitrate });
      }
      return;
    }
    const segment = this.#open(line);
    if (name === 'EXTINF') segment.duration = Number.parseFloat(value);
    else if (name === 'EXT-X-GAP') segment.gap = true;
    else if (name === 'EXT-X-DISCONTINUITY') {
      this.#rank(segment, name, line);
      this.#discontinuities += 1;
      Object.assign(segment, { discontinuity: true, discontinuities: this.#discontinuities });
    } else if (name === 'EXT-X-PROGRAM-DATE-TIME') {
      this.#rank(segment, name, line);
      if (!/\.\d{3,}(Z|[+-]\d\d:?\d\d)$/.test(value)) this.#report('date-time-form', value, line);
      segment.date = { text: value, ms: Date.parse(value) };
    } else if (name === 'EXT-X-PART') {
      segment.parts.push({
        ...{ uri: attributes.get('URI') ?? '', duration: Number(attributes.get('DURATION')), line, text },
        ...{ independent: attributes.has('INDEPENDENT'), gap: attributes.has('GAP') },
      });
    }
  }

  #rank(segment: Segment, name: string, line: number): void {
    if (segment.parts.length > 0) this.#report('part-ranks', name, line);
  }

  #uri(uri: string, line: number): void {
    const segment = this.#open(line);
    if (segment.duration === null) this.#report('extinf-required', uri, line);
    segment.uri = uri;
    this.#playlist.segments.push(segment);
    this.#segment = null;
    this.#msn += 1;
  }
}
