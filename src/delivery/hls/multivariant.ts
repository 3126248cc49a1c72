/** Multivariant playlist texts, after RFC 8216bis and Apple's HLS authoring specification (section 9). Pure functions. */

import { type CaptionTracks, nameOf } from '../../contracts/captions.ts';

/** Peak over mean: what a bitrate may be exceeded by before anything was measured. */
const PEAK_FACTOR = 1.2;

/** Bits a second. */
export interface Rates {
  /** What the encoder was asked for. */
  asked: number;
  /** Mean of the program's segments so far, with container; 0: nothing was measured yet. */
  mean: number;
  /** The most that a segment has had. */
  peak: number;
}

export interface Variant {
  id: string;
  width: number;
  height: number;
  fps: number;
  /** RFC 6381. */
  codec: string;
  rates: Rates;
}

export interface MultivariantPlaylist {
  /** Path prefix of the renditions, relative: the broadcast's id. */
  base: string;
  variants: readonly Variant[];
  audio: { id: string; codec: string; channels: number; rates: Rates };
  captions?: CaptionTracks;
}

/** What a rendition of captions is called in paths. */
export const captionsPath = (language: string): string => `captions/${language}`;

/** They are of what is spoken, and of what is heard besides (authoring specification 4.5): for who does not hear it. */
const CHARACTERISTICS = 'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound';

/**
 * No tag in it needs a version, so none is said (RFC 8216bis section 6.2.1: not greater than what is required). LANGUAGE is required of
 * sound (authoring specification 8.10); what people will speak is not known, and `und` is BCP 47's word for that.
 */
export function renderMultivariant({ base, variants, audio, captions = [] }: MultivariantPlaylist): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Program",LANGUAGE="und",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="${audio.channels}",URI="${base}/${audio.id}/index.m3u8"`,
  ];
  for (const track of captions)
    lines.push(
      `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="${nameOf(track)}",LANGUAGE="${track.language}",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS="${CHARACTERISTICS}",URI="${base}/${captionsPath(track.language)}/index.m3u8"`,
    );
  for (const video of variants) {
    const attributes = [
      `BANDWIDTH=${peakOf(video.rates) + peakOf(audio.rates)}`,
      `AVERAGE-BANDWIDTH=${meanOf(video.rates) + meanOf(audio.rates)}`,
      `CODECS="${video.codec},${audio.codec}"`,
      `RESOLUTION=${video.width}x${video.height}`,
      `FRAME-RATE=${video.fps.toFixed(3)}`,
      'VIDEO-RANGE=SDR',
      'AUDIO="audio"',
      ...(captions.length > 0 ? ['SUBTITLES="captions"'] : []),
      'CLOSED-CAPTIONS=NONE',
    ];
    lines.push(`#EXT-X-STREAM-INF:${attributes.join(',')}`, `${base}/${video.id}/index.m3u8`);
  }
  return `${lines.join('\n')}\n`;
}

const meanOf = ({ asked, mean }: Rates): number => Math.ceil(mean > 0 ? mean : asked);

/**
 * A player reads it once: a show that begins with a still picture must not look as if it stayed so, and what was asked for can come
 * at any time. Apple wants no peak of a live stream above 125 % of it.
 */
const peakOf = ({ asked, mean, peak }: Rates): number =>
  Math.ceil(mean > 0 ? Math.max(peak, asked) : asked * PEAK_FACTOR);
