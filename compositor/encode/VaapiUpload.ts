/** Pictures on their way to a VA-API encoder, which takes only what lies on the graphics card. Not tested: it needs one. */
import {
  AV_HWDEVICE_TYPE_VAAPI,
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_VAAPI,
  type CodecContext,
  FFmpegError,
  Frame,
  HardwareDeviceContext,
  HardwareFramesContext,
} from 'node-av';

/** Pictures on the card: the one that is encoded, its reference, and one to spare. */
const POOL_SIZE = 4;

export class VaapiUpload {
  readonly #device = new HardwareDeviceContext();
  readonly #frames = new HardwareFramesContext();

  /** Joins it to an encoder that is not open yet. Throws where there is no such device. */
  constructor(context: CodecContext) {
    FFmpegError.throwIfError(this.#device.create(AV_HWDEVICE_TYPE_VAAPI), 'VA-API device');
    this.#frames.alloc(this.#device);
    this.#frames.format = AV_PIX_FMT_VAAPI;
    this.#frames.swFormat = AV_PIX_FMT_NV12;
    this.#frames.width = context.width;
    this.#frames.height = context.height;
    this.#frames.initialPoolSize = POOL_SIZE;
    FFmpegError.throwIfError(this.#frames.init(), 'VA-API pictures');
    context.pixelFormat = AV_PIX_FMT_VAAPI;
    context.hwFramesCtx = this.#frames;
  }

  /** The picture on the card; the caller frees it. */
  async upload(picture: Frame): Promise<Frame> {
    const uploaded = new Frame();
    uploaded.alloc();
    try {
      FFmpegError.throwIfError(this.#frames.getBuffer(uploaded), 'VA-API picture');
      FFmpegError.throwIfError(await this.#frames.transferData(uploaded, picture), 'VA-API upload');
      return uploaded;
    } catch (error) {
      uploaded.free();
      throw error;
    }
  }

  /** After the encoder. */
  close(): void {
    this.#frames.free();
    this.#device.free();
  }
}
