/**
 * Media playlist texts, after RFC 8216bis (draft-pantos-hls-rfc8216bis-22) and Apple's HLS authoring specification. Pure functions. In:
 * what the store lists. Next: PlaylistCache.ts, which holds one rendering of each version.
 *
 * Timestamps. A segment is where the grid has it; EXT-X-PROGRAM-DATE-TIME is the broadcast's epoch plus the decode time of the
 * segment's first sample, so an audio segment's differs from its video's by less than one AAC frame.
 *
 * There is no EXT-X-DISCONTINUITY, and so no EXT-X-DISCONTINUITY-SEQUENCE: nothing within a broadcast breaks encoding or timeline. Another
 * init segment is refused at the intake, whatever compositor it comes from; slate is in the broadcast's own encoding and on its grid; what
 * is lost is a gap, for which RFC 8216bis section 6.2.1 wants none. Another encoding is another broadcast, under another URL.
 */
import {
  AAC_FRAME_SAMPLES,
  audioFramesOfSegment,
  type Grid,
  isGridAudio,
  partDurationSeconds,
  partSeconds,
  partsPerSegment,
  segmentDurationSeconds,
  segmentFirstFrame,
  segmentSeconds,
} from '../../contracts/grid.ts';

/**
 * 9 is what EXT-X-SKIP needs; 8 EXT-X-GAP, 6 EXT-X-MAP (RFC 8216bis section 8). One number for all that a playlist may come to hold,
 * since a line of it must not change (section 6.2.1).
 */
const VERSION = 9;
/**
 * Of so many whole segments, and of the open one, the parts are listed: none is more than three target durations from the end of the
 * playlist, wherever in a segment that is (RFC 8216bis section 6.2.2). Players sit at the last four parts.
 */
const SEGMENTS_WITH_PARTS = 2;
/** RFC 8216bis asks for three part targets at least; hls.js sits on it, and a little more rides out a late part. */
const HOLD_BACK_PARTS = 3.5;
/** HOLD-BACK is three target durations at least (RFC 8216bis section 4.4.3.8). */
const HOLD_BACK_SEGMENTS = 3;
/** CAN-SKIP-UNTIL is six target durations at least (RFC 8216bis section 4.4.3.8). */
const SKIP_SEGMENTS = 6;

export interface ListedSegment {
  number: number;
  /** `open`: parts are still coming. `gap`: lost for good. `short`: the broadcast ended within it. */
  state: 'open' | 'complete' | 'gap' | 'short';
  /** Parts that can be fetched. */
  parts: number;
  /** Its parts were another compositor's than the whole segment is: it is listed without. */
  torn?: boolean;
}

export interface MediaPlaylist {
  grid: Grid;
  rendition: string;
  /** Wall clock of frame 0, ms since 1970. */
  epoch: number;
  initName: string;
  /** Without a hole in the numbers; only the last may be `open`. */
  segments: readonly ListedSegment[];
  ended: boolean;
  /** The other renditions' playlists, which stand at the same part, by their relative URIs. */
  siblings: readonly string[];
  /** The captions' playlists, by their relative URIs: they list whole segments only. */
  captionSiblings?: readonly string[] | undefined;
  /** It is of captions itself: WebVTT, of which every segment is there, and which has no parts. */
  captions?: boolean;
  /** How many of the oldest segments are left out: a delta update (RFC 8216bis section 6.2.5.1); 0 for the whole playlist. */
  skipped?: number;
}

/** Renders one segment; a cache of what does not change any more may stand in for it. */
export type SegmentRenderer = (segment: ListedSegment, withParts: boolean) => string;

/** Six decimals: an audio part is 0.341333… s, and players add the parts up. */
const seconds = (value: number): string => value.toFixed(6).replace(/0{1,3}$/, '');
/** Rounded up, so that no part is longer than the target. */
const target = (value: number): string => (Math.ceil(value * 100_000 - 1e-6) / 100_000).toFixed(5);

/** The longest part of any rendition, seconds: one value for all, so that all hold back alike. */
export function partTargetSeconds(grid: Grid): number {
  const samples = (grid.framesPerPart * grid.sampleRate) / grid.fps;
  return Math.max(partSeconds(grid), (Math.ceil(samples / AAC_FRAME_SAMPLES) * AAC_FRAME_SAMPLES) / grid.sampleRate);
}

export const targetDurationSeconds = (grid: Grid): number => Math.round(segmentSeconds(grid));

/**
 * How many of the oldest segments a delta update leaves out: those that are further from the end of the last whole segment than
 * CAN-SKIP-UNTIL.
 */
export function skippableSegments({ grid, rendition, segments }: MediaPlaylist): number {
  const boundary = targetDurationSeconds(grid) * SKIP_SEGMENTS;
  let kept = 0;
  for (let i = segments.length - 1; i >= 0; i--) {
    const { number, state } = segments[i] as ListedSegment;
    if (kept >= boundary - 1e-6) return i + 1;
    if (state !== 'open') kept += segmentDurationSeconds(grid, rendition, number);
  }
  return 0;
}

export function renderMediaPlaylist(
  playlist: MediaPlaylist,
  render: SegmentRenderer = (segment, withParts) => renderSegment(playlist, segment, withParts),
): string {
  const { segments, ended, skipped = 0 } = playlist;
  const newest = segments.findLast((s) => s.state !== 'open')?.number ?? 0;
  // Where the parts of a segment go, those of older ones go as well (RFC 8216bis section 6.2.2).
  const torn = segments.findLast((s) => s.torn)?.number ?? -1;
  const blocks = [head(playlist)];
  // The MAP tag belongs to the first segment, and is left out with it.
  if (skipped > 0) blocks.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}\n`);
  else if (!playlist.captions) blocks.push(`#EXT-X-MAP:URI="${playlist.initName}"\n`);
  for (let i = skipped; i < segments.length; i++) {
    const segment = segments[i] as ListedSegment;
    const near = segment.number > Math.max(newest - SEGMENTS_WITH_PARTS, torn);
    if (!playlist.captions) blocks.push(render(segment, near));
    else if (segment.state !== 'open') blocks.push(render(segment, false));
  }
  blocks.push(ended ? '#EXT-X-ENDLIST\n' : tail(playlist));
  return blocks.join('');
}

/** EXT-X-INDEPENDENT-SEGMENTS is said once for all, in the multivariant playlist (RFC 8216bis section 4.4.2.1). */
function head({ grid, segments, captions }: MediaPlaylist): string {
  const partTarget = partTargetSeconds(grid);
  const targetDuration = targetDurationSeconds(grid);
  const control = [
    'CAN-BLOCK-RELOAD=YES',
    `CAN-SKIP-UNTIL=${(targetDuration * SKIP_SEGMENTS).toFixed(1)}`,
    `PART-HOLD-BACK=${target(partTarget * HOLD_BACK_PARTS)}`,
    `HOLD-BACK=${(targetDuration * HOLD_BACK_SEGMENTS).toFixed(1)}`,
  ];
  return `#EXTM3U
#EXT-X-VERSION:${VERSION}
#EXT-X-TARGETDURATION:${targetDuration}
#EXT-X-SERVER-CONTROL:${control.join(',')}
${captions ? '' : `#EXT-X-PART-INF:PART-TARGET=${target(partTarget)}\n`}#EXT-X-MEDIA-SEQUENCE:${segments[0]?.number ?? 0}
`;
}

/** The lines of one segment. `withParts`: it is near enough to the end that its parts are listed. */
export function renderSegment(playlist: MediaPlaylist, segment: ListedSegment, withParts: boolean): string {
  const { grid, rendition, captions } = playlist;
  const { number, state, parts } = segment;
  const lines = [`#EXT-X-PROGRAM-DATE-TIME:${programDateTime(playlist, number)}`];
  // The parts of a lost segment that were announced stay; all others of it are not there.
  const listed = state === 'gap' ? partsPerSegment(grid) : parts;
  for (let part = 0; withParts && part < listed; part++) {
    const duration = seconds(partDurationSeconds(grid, rendition, number, part));
    const independent = part === 0 || isGridAudio(rendition) ? ',INDEPENDENT=YES' : '';
    lines.push(
      `#EXT-X-PART:DURATION=${duration},URI="${number}.${part}.m4s"${part < parts ? independent : ',GAP=YES'}`,
    );
  }
  if (state === 'gap' && !captions) lines.push('#EXT-X-GAP');
  if (state !== 'open')
    lines.push(`#EXTINF:${seconds(lengthSeconds(playlist, segment))},`, `${number}.${captions ? 'vtt' : 'm4s'}`);
  return `${lines.join('\n')}\n`;
}

function lengthSeconds({ grid, rendition }: MediaPlaylist, { number, state, parts }: ListedSegment): number {
  if (state !== 'short') return segmentDurationSeconds(grid, rendition, number);
  let sum = 0;
  for (let part = 0; part < parts; part++) sum += partDurationSeconds(grid, rendition, number, part);
  return sum;
}

/** What comes next, and how far the other renditions are: all stand at the same part. */
function tail({ grid, segments, siblings, captionSiblings = [], captions }: MediaPlaylist): string {
  const last = segments.at(-1);
  if (!last || captions) return '';
  const open = last.state === 'open';
  const next = open ? `${last.number}.${last.parts}` : `${last.number + 1}.0`;
  const lastPart = (open ? last.parts : partsPerSegment(grid)) - 1;
  const lines = [`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${next}.m4s"`];
  for (const uri of siblings)
    lines.push(`#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${last.number},LAST-PART=${lastPart}`);
  const whole = segments.findLast(({ state }) => state !== 'open');
  for (const uri of whole ? captionSiblings : [])
    lines.push(`#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${whole?.number}`);
  return `${lines.join('\n')}\n`;
}

function programDateTime({ grid, rendition, epoch }: MediaPlaylist, number: number): string {
  const startSeconds = isGridAudio(rendition)
    ? (audioFramesOfSegment(grid, number).first * AAC_FRAME_SAMPLES) / grid.sampleRate
    : segmentFirstFrame(grid, number) / grid.fps;
  return new Date(epoch + startSeconds * 1000).toISOString();
}
