/**
 * One video decoder. In: encoded frames in decoding order; out: pictures that are whole. It throws on what it cannot
 * decode; the owner (VideoSource) then waits for a key frame.
 */
import {
  AV_CODEC_FLAG_LOW_DELAY,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_VP8,
  AV_FRAME_FLAG_CORRUPT,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  type AVCodecID,
  AVERROR_EAGAIN,
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  Frame,
  Packet,
  Rational,
} from 'node-av';
import type { EncodedVideo } from '../types.ts';

/** A publisher chooses the size in its own bitstream: refuse what no camera or screen has (4096 x 2304). */
const MAX_PIXELS = 4096 * 2304;
const MICROSECONDS = 1_000_000;

const CODECS: Partial<Record<EncodedVideo['mime'], AVCodecID>> = {
  'video/VP8': AV_CODEC_ID_VP8,
  'video/H264': AV_CODEC_ID_H264,
};

export const canDecode = (mime: string): mime is EncodedVideo['mime'] => Object.hasOwn(CODECS, mime);

/** A decoded picture; whoever holds it frees `frame`. */
export interface Picture {
  frame: Frame;
  width: number;
  height: number;
  /** Program time at which it is to be seen, ms. */
  playoutMs: number;
}

export class VideoDecoder {
  readonly mime: EncodedVideo['mime'];
  readonly #context: CodecContext;
  #closed = false;

  private constructor(mime: EncodedVideo['mime'], context: CodecContext) {
    this.mime = mime;
    this.#context = context;
  }

  static async create(mime: EncodedVideo['mime']): Promise<VideoDecoder> {
    const id = CODECS[mime];
    const codec = id === undefined ? null : Codec.findDecoder(id);
    if (!codec) throw new Error(`no decoder for ${mime}`);
    const context = new CodecContext();
    context.allocContext3(codec);
    context.threadCount = 1; // Frame threads add a frame of delay each.
    context.setFlags(AV_CODEC_FLAG_LOW_DELAY); // WebRTC has no B-frames: nothing to wait for.
    context.pktTimebase = new Rational(1, MICROSECONDS);
    const options = Dictionary.fromObject({ max_pixels: String(MAX_PIXELS) });
    FFmpegError.throwIfError(await context.open2(codec, options), `open ${mime}`);
    return new VideoDecoder(mime, context);
  }

  /** Decodes one frame on the thread pool. One call at a time. */
  async decode({ data, keyFrame, playoutMs }: EncodedVideo): Promise<Picture[]> {
    if (this.#closed) throw new Error('the video decoder is closed');
    const packet = new Packet();
    packet.alloc();
    try {
      packet.data = data;
      packet.isKeyframe = keyFrame;
      packet.pts = BigInt(Math.round(playoutMs * 1000));
      FFmpegError.throwIfError(await this.#context.sendPacket(packet), 'decode');
    } finally {
      packet.free();
    }
    const pictures: Picture[] = [];
    for (;;) {
      const frame = new Frame();
      frame.alloc();
      // Decoding of one thread happens in sendPacket; this only fetches, so no thread is asked.
      const code = this.#context.receiveFrameSync(frame);
      const whole =
        code >= 0 &&
        frame.decodeErrorFlags === 0 &&
        !frame.hasFlags(AV_FRAME_FLAG_CORRUPT) &&
        (frame.format === AV_PIX_FMT_YUV420P || frame.format === AV_PIX_FMT_YUVJ420P);
      if (whole) {
        pictures.push({ frame, width: frame.width, height: frame.height, playoutMs: Number(frame.pts) / 1000 });
        continue;
      }
      frame.free();
      if (code === AVERROR_EAGAIN) return pictures;
      for (const picture of pictures) picture.frame.free();
      FFmpegError.throwIfError(code, 'decode');
      throw new Error('the picture is damaged, or not 8 bit 4:2:0');
    }
  }

  /** Not while `decode` runs. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#context.freeContext();
  }
}
