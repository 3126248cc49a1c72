/** Whether a payload begins a frame: `maybe` where only the end of the frame before tells. */
export type FrameStart = 'yes' | 'maybe' | 'no';

export interface CodecFrame {
  data: Buffer;
  keyFrame: boolean;
  /** False where by the stream's own counters a frame is missing that this one builds on: it must not be decoded. */
  continuous: boolean;
}

/** What VideoFrames.ts needs to know of one RTP payload format. Another codec is another object of this form. */
export interface VideoCodec {
  /** True where `startOf` answers `yes` once a frame and no more, so that it also ends the frame before. */
  readonly exactStart: boolean;
  startOf(payload: Buffer): FrameStart;
  /** True where the payload begins a key frame. Never throws. */
  startsKeyFrame(payload: Buffer): boolean;
  /**
   * Puts the payloads of one frame together, in order; null where they are broken, no data where they hold no picture.
   * Called once for each frame, in decoding order. Never throws.
   */
  assemble(payloads: readonly Buffer[]): CodecFrame | null;
}
