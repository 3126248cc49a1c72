/** WebVTT texts (W3C WebVTT, sections 4 and 6) as HLS has them (RFC 8216bis section 3.1.4). Pure functions. */
import type { Cue } from './cues.ts';

export const VTT_TYPE = 'text/vtt; charset=utf-8';

/**
 * Cue times are program time, and so are the media's: video frame *n* has the decode time `n / fps` in its init segment's time scale, and the map says
 * that they are the same. Not with 0 on both sides: hls.js takes an offset of exactly 0, which it finds where the first listed segment begins at the
 * time that is named here, for no map. Segments begin at whole seconds. Without a wrap: media times of fragmented MP4 have 64 bits.
 */
const TIMESTAMP_MAP = 'X-TIMESTAMP-MAP=MPEGTS:45000,LOCAL:00:00:00.500';

/** A whole file; with no cue it says that nothing is shown. */
export function renderVtt(cues: readonly Cue[]): string {
  const blocks = cues.map(({ start, end, text }) => `${start}\n${time(start)} --> ${time(end)}\n${escapeCue(text)}\n`);
  return [`WEBVTT\n${TIMESTAMP_MAP}\n`, ...blocks].join('\n');
}

/** Cue text of plain text: no markup, no end of the cue (WebVTT section 4.2.2), whatever is written. */
export function escapeCue(text: string): string {
  return text
    .replaceAll('\0', '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/(?:\r\n?|\n)(?:[ \t]*(?:\r\n?|\n))*/g, '\n');
}

function time(ms: number): string {
  const pad = (value: number, digits = 2): string => String(Math.floor(value)).padStart(digits, '0');
  return `${pad(ms / 3_600_000)}:${pad((ms / 60_000) % 60)}:${pad((ms / 1000) % 60)}.${pad(ms % 1000, 3)}`;
}
