/** What the checks are made on. All durations are seconds as the playlist has them; dates are ms since 1970. */
import type { Attributes } from './attributes.ts';

export interface Part {
  uri: string;
  duration: number;
  independent: boolean;
  gap: boolean;
  line: number;
  text: string;
}

/** A parent segment; the last may have no URI yet. */
export interface Segment {
  /** Media sequence number. */
  msn: number;
  uri: string | null;
  duration: number | null;
  gap: boolean;
  discontinuity: boolean;
  /** Discontinuity sequence number. */
  discontinuities: number;
  map: string | null;
  /** The tag's value, and what it means. */
  date: { text: string; ms: number } | null;
  bitrate: number | null;
  parts: Part[];
  /** Of its first tag. */
  line: number;
}

export interface RenditionReport {
  uri: string;
  msn: number | null;
  part: number | null;
  line: number;
}

export interface MediaPlaylist {
  kind: 'media';
  version: number;
  neededVersion: number;
  target: number;
  sequence: number;
  hasSequence: boolean;
  discontinuitySequence: number;
  hasDiscontinuitySequence: boolean;
  ended: boolean;
  type: 'EVENT' | 'VOD' | null;
  independent: boolean;
  /** null: no EXT-X-PART-INF. */
  partTarget: number | null;
  /** null: no EXT-X-SERVER-CONTROL. */
  control: { attributes: Attributes; text: string; line: number } | null;
  /** SKIPPED-SEGMENTS; null: no EXT-X-SKIP. */
  skipped: number | null;
  /** Without those that are skipped. */
  segments: Segment[];
  hints: { type: string; uri: string; line: number }[];
  reports: RenditionReport[];
  dateRanges: number;
}

export interface Variant {
  uri: string | null;
  attributes: Attributes;
  line: number;
}

export interface MediaRendition {
  attributes: Attributes;
  line: number;
}

export interface MultivariantPlaylist {
  kind: 'multivariant';
  version: number;
  neededVersion: number;
  independent: boolean;
  variants: Variant[];
  renditions: MediaRendition[];
}

export const controlSeconds = ({ control }: MediaPlaylist, name: string): number | null => {
  const value = control?.attributes.get(name);
  return value === undefined ? null : Number(value);
};

/** All segments that are whole. */
export const wholeSegments = (playlist: MediaPlaylist): (Segment & { uri: string; duration: number })[] =>
  playlist.segments.filter(
    (s): s is Segment & { uri: string; duration: number } => s.uri !== null && s.duration !== null,
  );

/** The newest part or, without parts, segment that is listed. */
export function liveEdge(playlist: MediaPlaylist): { msn: number; part: number | null } {
  const last = playlist.segments.at(-1);
  if (!last) return { msn: playlist.sequence + (playlist.skipped ?? 0) - 1, part: null };
  return { msn: last.msn, part: last.parts.length > 0 ? last.parts.length - 1 : null };
}

/** One growing number for a position in a rendition; a whole segment without parts lies behind all of its parts. */
export const orderOf = ({ msn, part }: { msn: number; part: number | null }): number => msn * 1000 + (part ?? 999);
