/** What the stages of the compositor hand to each other. Folder order is data order: ingest → decode → compose → encode → output. */
import type { SourceId } from '../src/contracts/ids.ts';

/** Program time in ms: 0 is frame 0 of the broadcast. */
export interface ProgramClock {
  nowMs(): number;
}

/**
 * ingest → decode: one complete video frame, in decoding order. After a loss that could not be mended, ingest sends nothing
 * of that source until the next key frame.
 */
export interface EncodedVideo {
  source: SourceId;
  mime: 'video/VP8' | 'video/H264' | 'video/VP9' | 'video/AV1';
  /**
   * VP8: the frame; H.264: Annex B access unit with SPS/PPS before each IDR; VP9: the frame, or a superframe of all spatial
   * layers of one picture; AV1: temporal unit in low-overhead format, delimiter first.
   */
  data: Buffer;
  keyFrame: boolean;
  /** RTP timestamp, unwrapped to a growing number of ticks (a layer switch may step back up to 75 ms). */
  rtp: number;
  /** Program time at which it is to be seen: capture time plus the playout delay of its peer, ms. */
  playoutMs: number;
}

/** ingest → decode: one Opus packet, in order. */
export interface EncodedAudio {
  source: SourceId;
  data: Buffer;
  /** RTP timestamp at 48 kHz, unwrapped. */
  rtp: number;
  /** Program time at which its first sample is to be heard, by the newest mapping: capture time plus its peer's playout delay, ms. */
  playoutMs: number;
  /** Packets lost for good just before this one. */
  lostBefore: number;
}
