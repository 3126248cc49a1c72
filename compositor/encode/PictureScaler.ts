/**
 * The program's picture in another size or pixel format: for the smaller renditions of the ladder, and for hardware encoders that want
 * NV12. In: the canvas; out: a frame of its own that is used again each time; next: VideoEncoder.ts. Scales on the thread pool.
 */
import { AV_PIX_FMT_YUV420P, type AVPixelFormat, FFmpegError, Frame, SoftwareScaleContext, SWS_BICUBIC } from 'node-av';

/** Row alignment in bytes: a cache line, and enough for every SIMD width. */
const ALIGN = 64;

interface Size {
  width: number;
  height: number;
}

export class PictureScaler {
  readonly #scaler = new SoftwareScaleContext();
  readonly #frame = new Frame();
  #filled = false;
  #closed = false;

  constructor(from: Size, to: Size, format: AVPixelFormat = AV_PIX_FMT_YUV420P) {
    // Bicubic: lettering stays sharp, and its filter widens with the ratio, so that nothing shimmers.
    this.#scaler.getContext(from.width, from.height, AV_PIX_FMT_YUV420P, to.width, to.height, format, SWS_BICUBIC);
    this.#frame.alloc();
    this.#frame.width = to.width;
    this.#frame.height = to.height;
    this.#frame.format = format;
    FFmpegError.throwIfError(this.#frame.getBuffer(ALIGN), 'scaled picture');
  }

  /** `fresh`: the picture is another than the last time; else what was scaled then is still good. Good until the next call. */
  async scale(picture: Frame, fresh = true): Promise<Frame> {
    if (this.#closed) throw new Error('the scaler is closed');
    if (!fresh && this.#filled) return this.#frame;
    // An encoder may still hold the last one.
    if (!this.#frame.isWritable) FFmpegError.throwIfError(this.#frame.makeWritable(), 'scaled picture');
    FFmpegError.throwIfError(await this.#scaler.scaleFrame(this.#frame, picture), 'scale');
    this.#filled = true;
    return this.#frame;
  }

  /** Not while `scale` runs. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#scaler.freeContext();
    this.#frame.free();
  }
}
