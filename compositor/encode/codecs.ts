/**
 * What differs between the H.264 encoders. libx264 is the one that is measured and tested; the others want a graphics card, and are
 * set to the same: no B-frames, no delay, key frames where the grid has them (FFmpeg's nvenc.c, vaapi_encode_h264.c, qsvenc_h264.c).
 */
import { AV_PIX_FMT_NV12, AV_PIX_FMT_YUV420P, type AVPixelFormat } from 'node-av';
import type { Grid } from '../../src/contracts/grid.ts';
import type { EncoderSettings } from '../../src/contracts/job.ts';

/** The pixel format that the encoder is given, in memory. */
export const pictureFormatOf = (codec: EncoderSettings['codec']): AVPixelFormat =>
  codec === 'libx264' || codec === 'h264_nvenc' ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_NV12;

/** Private options of the encoder. */
export function codecOptions({ codec, preset, tune, profile }: EncoderSettings, grid: Grid): Record<string, string> {
  switch (codec) {
    case 'libx264':
      return {
        preset,
        tune,
        profile,
        'forced-idr': '1',
        // No IDR but those of the grid: a GOP is a segment.
        'x264-params': `keyint=${grid.framesPerSegment}:min-keyint=${grid.framesPerSegment}:scenecut=0:open-gop=0`,
      };
    case 'h264_nvenc':
      return {
        preset: 'p4',
        tune: 'ull',
        profile,
        rc: 'cbr',
        zerolatency: '1',
        delay: '0',
        'forced-idr': '1',
        'no-scenecut': '1',
        strict_gop: '1',
      };
    case 'h264_vaapi':
      return { profile: profile === 'baseline' ? 'constrained_baseline' : profile, async_depth: '1' };
    case 'h264_qsv':
      return {
        preset: preset === 'ultrafast' || preset === 'superfast' ? 'veryfast' : preset,
        profile,
        forced_idr: '1',
        async_depth: '1',
        look_ahead: '0',
      };
  }
}
