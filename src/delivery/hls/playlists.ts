/**
 * Playlist texts, after RFC 8216bis (draft-pantos-hls-rfc8216bis) and Apple's HLS authoring specification. Pure functions.
 *
 * Timestamps. A segment is where the grid has it; EXT-X-PROGRAM-DATE-TIME is the broadcast's epoch plus the decode time of the
 * segment's first sample, so an audio segment's differs from its video's by less than one AAC frame.
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

/** EXT-X-PART and PROGRAM-DATE-TIME with parts need 9 at most; 6 would do for EXT-X-MAP. */
const VERSION = 9;
/** Parts are listed for the newest three target durations and no longer (RFC 8216bis section 6.2.2). */
const SEGMENTS_WITH_PARTS = 3;
/** RFC 8216bis asks for three part targets at least; hls.js sits on it, and a little more rides out a late part. */
const HOLD_BACK_PARTS = 3.5;
/** HOLD-BACK is three target durations at least (RFC 8216bis section 4.4.3.8). */
const HOLD_BACK_SEGMENTS = 3;
/** Peak over mean: what a bitrate may be exceeded by before anything was measured. */
const PEAK_FACTOR = 1.2;

export interface ListedSegment {
  number: number;
  /** `open`: parts are still coming. `gap`: lost for good. `short`: the broadcast ended within it. */
  state: 'open' | 'complete' | 'gap' | 'short';
  /** Parts that can be fetched. */
  parts: number;
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
}

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

export function renderMediaPlaylist(playlist: MediaPlaylist): string {
  const { grid, segments, ended } = playlist;
  const partTarget = partTargetSeconds(grid);
  const targetDuration = targetDurationSeconds(grid);
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${VERSION}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-TARGETDURATION:${targetDuration}`,
    `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${target(partTarget * HOLD_BACK_PARTS)},HOLD-BACK=${(targetDuration * HOLD_BACK_SEGMENTS).toFixed(1)}`,
    `#EXT-X-PART-INF:PART-TARGET=${target(partTarget)}`,
    `#EXT-X-MEDIA-SEQUENCE:${segments[0]?.number ?? 0}`,
    `#EXT-X-MAP:URI="${playlist.initName}"`,
  ];
  const newest = segments.findLast((s) => s.state !== 'open')?.number ?? 0;
  for (const segment of segments) pushSegment(lines, playlist, segment, segment.number > newest - SEGMENTS_WITH_PARTS);
  if (ended) lines.push('#EXT-X-ENDLIST');
  else pushTail(lines, playlist);
  return `${lines.join('\n')}\n`;
}

function pushSegment(lines: string[], playlist: MediaPlaylist, segment: ListedSegment, withParts: boolean): void {
  const { grid, rendition } = playlist;
  const { number, state, parts } = segment;
  lines.push(`#EXT-X-PROGRAM-DATE-TIME:${programDateTime(playlist, number)}`);
  // A lost segment keeps the parts that were announced; the rest of it is marked as not there.
  const listed = state === 'gap' && parts > 0 ? partsPerSegment(grid) : parts;
  for (let part = 0; withParts && part < listed; part++) {
    const duration = seconds(partDurationSeconds(grid, rendition, number, part));
    const independent = part === 0 || isGridAudio(rendition) ? ',INDEPENDENT=YES' : '';
    const missing = part < parts ? '' : ',GAP=YES';
    lines.push(`#EXT-X-PART:DURATION=${duration},URI="${number}.${part}.m4s"${independent}${missing}`);
  }
  if (state === 'open') return;
  if (state === 'gap') lines.push('#EXT-X-GAP');
  lines.push(`#EXTINF:${seconds(lengthSeconds(playlist, segment))},`, `${number}.m4s`);
}

function lengthSeconds({ grid, rendition }: MediaPlaylist, { number, state, parts }: ListedSegment): number {
  if (state !== 'short') return segmentDurationSeconds(grid, rendition, number);
  let sum = 0;
  for (let part = 0; part < parts; part++) sum += partDurationSeconds(grid, rendition, number, part);
  return sum;
}

function pushTail(lines: string[], { grid, segments, siblings }: MediaPlaylist): void {
  const last = segments.at(-1);
  if (!last) return;
  const next = last.state === 'open' ? { number: last.number, part: last.parts } : { number: last.number + 1, part: 0 };
  lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${next.number}.${next.part}.m4s"`);
  const lastPart = last.state === 'open' ? last.parts - 1 : partsPerSegment(grid) - 1;
  for (const uri of siblings)
    lines.push(`#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${last.number},LAST-PART=${lastPart}`);
}

function programDateTime({ grid, rendition, epoch }: MediaPlaylist, number: number): string {
  const startSeconds = isGridAudio(rendition)
    ? (audioFramesOfSegment(grid, number).first * AAC_FRAME_SAMPLES) / grid.sampleRate
    : segmentFirstFrame(grid, number) / grid.fps;
  return new Date(epoch + startSeconds * 1000).toISOString();
}

export interface Variant {
  id: string;
  width: number;
  height: number;
  fps: number;
  codec: string;
  /** Bits a second that the encoder was asked for. */
  bitrate: number;
  /** The most that a segment has had, bits a second; 0 when none was measured. */
  peak: number;
}

export interface MultivariantPlaylist {
  /** Path prefix of the renditions, relative: the broadcast's id. */
  base: string;
  variants: readonly Variant[];
  audio: { id: string; codec: string; channels: number; bitrate: number; peak: number };
}

export function renderMultivariant({ base, variants, audio }: MultivariantPlaylist): string {
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${VERSION}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Program",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="${audio.channels}",URI="${base}/${audio.id}/index.m3u8"`,
  ];
  for (const video of variants) {
    const mean = video.bitrate + audio.bitrate;
    const peak = Math.max(Math.ceil(mean * PEAK_FACTOR), video.peak + audio.peak);
    lines.push(
      `#EXT-X-STREAM-INF:BANDWIDTH=${peak},AVERAGE-BANDWIDTH=${mean},CODECS="${video.codec},${audio.codec}",RESOLUTION=${video.width}x${video.height},FRAME-RATE=${video.fps.toFixed(3)},AUDIO="audio",CLOSED-CAPTIONS=NONE`,
      `${base}/${video.id}/index.m3u8`,
    );
  }
  return `${lines.join('\n')}\n`;
}
