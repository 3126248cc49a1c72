/** Pictures in full range (JPEG's), scaled and encoded on the thread pool. */
import {
  AV_CODEC_FLAG_QSCALE,
  AV_PIX_FMT_YUVJ420P,
  AVCOL_RANGE_JPEG,
  type AVPixelFormat,
  Codec,
  CodecContext,
  FF_ENCODER_MJPEG,
  FF_QP2LAMBDA,
  FFmpegError,
  Frame,
  Packet,
  Rational,
  SoftwareScaleContext,
  SWS_AREA,
} from 'node-av';

export interface Size {
  width: number;
  height: number;
}

/** MJPEG's quantizer, 1 (best) to 31: at 4 a picture of a person has no visible blocks. */
const QUANTIZER = 4;
/** Row alignment in bytes: a cache line, and enough for every SIMD width. */
const ALIGN = 64;

export function newPicture({ width, height }: Size): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = AV_PIX_FMT_YUVJ420P;
  frame.colorRange = AVCOL_RANGE_JPEG;
  try {
    FFmpegError.throwIfError(frame.getBuffer(ALIGN), 'picture');
  } catch (error) {
    frame.free();
    throw error;
  }
  return frame;
}

/** The picture in another size, in full range; the caller frees both. */
export async function scaled(picture: Frame, to: Size): Promise<Frame> {
  const target = newPicture(to);
  const scaler = new SoftwareScaleContext();
  try {
    const format = picture.format as AVPixelFormat;
    // Many samples become one: their mean is sharp and does not shimmer.
    scaler.getContext(picture.width, picture.height, format, to.width, to.height, AV_PIX_FMT_YUVJ420P, SWS_AREA);
    FFmpegError.throwIfError(await scaler.scaleFrame(target, picture), 'scale');
    return target;
  } catch (error) {
    target.free();
    throw error;
  } finally {
    scaler.freeContext();
  }
}

/** `picture` is one of `newPicture` or `scaled`. */
export async function encodeJpeg(picture: Frame): Promise<Buffer> {
  const codec = Codec.findEncoderByName(FF_ENCODER_MJPEG);
  if (!codec) throw new Error('no encoder for JPEG');
  const context = new CodecContext();
  context.allocContext3(codec);
  const packet = new Packet();
  packet.alloc();
  try {
    context.width = picture.width;
    context.height = picture.height;
    context.pixelFormat = AV_PIX_FMT_YUVJ420P;
    context.colorRange = AVCOL_RANGE_JPEG;
    context.timeBase = new Rational(1, 1);
    context.threadCount = 1;
    context.setFlags(AV_CODEC_FLAG_QSCALE);
    context.globalQuality = QUANTIZER * FF_QP2LAMBDA;
    FFmpegError.throwIfError(await context.open2(codec, null), 'open JPEG');
    picture.quality = QUANTIZER * FF_QP2LAMBDA;
    picture.pts = 0n;
    FFmpegError.throwIfError(await context.sendFrame(picture), 'encode JPEG');
    FFmpegError.throwIfError(await context.sendFrame(null), 'encode JPEG');
    FFmpegError.throwIfError(await context.receivePacket(packet), 'encode JPEG');
    return Buffer.from(packet.data ?? []);
  } finally {
    packet.free();
    context.freeContext();
  }
}

/** As large as fits into `box`, in the same shape, with even sides; never larger than it is. */
export function fitInto(size: Size, box: Size): Size {
  const factor = Math.min(1, box.width / size.width, box.height / size.height);
  const even = (value: number): number => Math.max(2, 2 * Math.round((value * factor) / 2));
  return { width: even(size.width), height: even(size.height) };
}
