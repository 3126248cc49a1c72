/** Playlists of a recording (VOD), after RFC 8216bis and Apple's HLS authoring specification. Pure functions. */
import {
  AAC_FRAME_SAMPLES,
  audioFramesOfSegment,
  type Grid,
  isGridAudio,
  segmentFirstFrame,
} from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';

/** EXT-X-MAP in a playlist without I-frames only (RFC 8216bis section 8). */
const VERSION = 6;
/** Durations that are no whole numbers. */
const VERSION_WITHOUT_INIT = 3;

export interface VodSegment {
  number: number;
  seconds: number;
  /** Lost, and nothing stands in for it. */
  missing: boolean;
  /** Left out: as segments are called. */
  name?: string;
}

export interface VodPlaylist {
  grid: Grid;
  rendition: RenditionId | 'captions';
  /** Wall clock of frame 0 of the broadcast, ms since 1970. */
  epoch: number;
  /** null: it has no init segment. */
  initName: string | null;
  segments: readonly VodSegment[];
}

export function renderVodPlaylist({ grid, rendition, epoch, initName, segments }: VodPlaylist): string {
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${initName === null ? VERSION_WITHOUT_INIT : VERSION}`,
    `#EXT-X-TARGETDURATION:${Math.max(1, ...segments.map((s) => Math.round(s.seconds)))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...(initName === null ? [] : [`#EXT-X-MAP:URI="${initName}"`]),
  ];
  for (const [i, { number, seconds, missing, name = `${number}.m4s` }] of segments.entries()) {
    if (i === 0) lines.push(`#EXT-X-PROGRAM-DATE-TIME:${programDateTime(grid, rendition, epoch, number)}`);
    if (missing) lines.push('#EXT-X-GAP');
    lines.push(`#EXTINF:${seconds.toFixed(6)},`, name);
  }
  lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

function programDateTime(grid: Grid, rendition: string, epoch: number, number: number): string {
  const startSeconds = isGridAudio(rendition)
    ? (audioFramesOfSegment(grid, number).first * AAC_FRAME_SAMPLES) / grid.sampleRate
    : segmentFirstFrame(grid, number) / grid.fps;
  return new Date(epoch + startSeconds * 1000).toISOString();
}

/** What was measured of a rendition, bits a second. */
export interface VodRates {
  mean: number;
  peak: number;
}

/** Mean and peak of a rendition whose segments have these sizes (bytes) and lengths (s). */
export function ratesOf(segments: readonly { bytes: number; seconds: number }[]): VodRates {
  const whole = segments.filter((s) => s.bytes > 0 && s.seconds > 0);
  const seconds = whole.reduce((sum, s) => sum + s.seconds, 0);
  const bytes = whole.reduce((sum, s) => sum + s.bytes, 0);
  if (seconds === 0) return { mean: 0, peak: 0 };
  // A short last segment is no peak: half a target duration is the least that counts (RFC 8216bis section 4.4.6.2).
  const longest = Math.max(...whole.map((s) => s.seconds));
  const peaks = whole.filter((s) => s.seconds >= longest / 2).map((s) => (s.bytes * 8) / s.seconds);
  return { mean: (bytes * 8) / seconds, peak: Math.max(...peaks) };
}
