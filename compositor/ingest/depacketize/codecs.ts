import type { JobSource } from '../../../src/contracts/job.ts';
import type { EncodedVideo } from '../../types.ts';
import { Av1Codec } from './Av1Codec.ts';
import { H264Codec } from './H264Codec.ts';
import type { VideoCodec } from './VideoCodec.ts';
import { Vp8Codec } from './Vp8Codec.ts';
import { Vp9Codec } from './Vp9Codec.ts';

/** Depacketizers by media type. */
const CODECS: Record<EncodedVideo['mime'], (fmtp: JobSource['fmtp']) => VideoCodec> = {
  'video/VP8': () => new Vp8Codec(),
  'video/VP9': () => new Vp9Codec(),
  'video/AV1': () => new Av1Codec(),
  'video/H264': (fmtp) => {
    const sets = fmtp['sprop-parameter-sets'];
    return new H264Codec(typeof sets === 'string' ? sets : undefined);
  },
};

/** The depacketizer of a source; null where there is none for its media type. Media types compare without case (RFC 4855). */
export function videoCodec(
  source: Pick<JobSource, 'mime' | 'fmtp'>,
): { mime: EncodedVideo['mime']; codec: VideoCodec } | null {
  for (const [mime, make] of Object.entries(CODECS)) {
    if (mime.toLowerCase() === source.mime.toLowerCase())
      return { mime: mime as EncodedVideo['mime'], codec: make(source.fmtp) };
  }
  return null;
}

/** True where ingest can receive the source: Opus, or video with a depacketizer. */
export function isSupported(source: Pick<JobSource, 'mime'>): boolean {
  return source.mime.toLowerCase() === 'audio/opus' || videoCodec({ mime: source.mime, fmtp: {} }) !== null;
}
