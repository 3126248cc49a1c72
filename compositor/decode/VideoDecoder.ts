/**
 * One video decoder. In: encoded frames in decoding order; out: pictures that are whole. It throws on what it cannot
 * decode; the owner (VideoSource) then waits for a key frame.
 */
import {
  AV_CODEC_FLAG_LOW_DELAY,
  AV_FRAME_FLAG_CORRUPT,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AVERROR_EAGAIN,
  type AVPixelFormat,
  avGetPixFmtName,
  Codec,
  CodecContext,
  Dictionary,
  FF_DECODER_H264,
  FF_DECODER_LIBDAV1D,
  FF_DECODER_VP8,
  FF_DECODER_VP9,
  type FFDecoderCodec,
  FFmpegError,
  Frame,
  Packet,
  Rational,
} from 'node-av';
import type { EncodedVideo } from '../types.ts';
import { av1Layers } from './av1Layers.ts';

/** A publisher chooses the size in its own bitstream: refuse what no camera or screen has (4096 x 2304). */
const MAX_PIXELS = 4096 * 2304;
const MICROSECONDS = 1_000_000;

interface DecoderChoice {
  name: FFDecoderCodec;
  /** One packet may hold several pictures of one instant, one for each spatial layer. */
  layered: boolean;
  options: Record<string, string>;
}

const CODECS: Record<EncodedVideo['mime'], DecoderChoice> = {
  'video/VP8': { name: FF_DECODER_VP8, layered: false, options: {} },
  'video/H264': { name: FF_DECODER_H264, layered: false, options: {} },
  'video/VP9': { name: FF_DECODER_VP9, layered: true, options: {} },
  // Else it would wait for the highest layer of the sequence, which the SFU may not forward.
  'video/AV1': { name: FF_DECODER_LIBDAV1D, layered: false, options: { alllayers: '1' } },
};

/** The stream is sound, but of a kind that the program cannot show: another key frame would not help. */
export class UnsupportedPicture extends Error {}

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
  /** For the next picture: most calls ask once more than there are pictures. */
  #spare: Frame | null = null;
  #closed = false;

  private constructor(mime: EncodedVideo['mime'], context: CodecContext) {
    this.mime = mime;
    this.#context = context;
  }

  static async create(mime: EncodedVideo['mime']): Promise<VideoDecoder> {
    const { name, options } = CODECS[mime];
    const codec = Codec.findDecoderByName(name);
    if (!codec) throw new Error(`no decoder for ${mime}`);
    const context = new CodecContext();
    context.allocContext3(codec);
    context.threadCount = 1; // Frame threads add a frame of delay each.
    context.setFlags(AV_CODEC_FLAG_LOW_DELAY); // WebRTC has no B-frames: nothing to wait for.
    context.pktTimebase = new Rational(1, MICROSECONDS);
    const dictionary = Dictionary.fromObject({ max_pixels: String(MAX_PIXELS), ...options });
    FFmpegError.throwIfError(await context.open2(codec, dictionary), `open ${mime}`);
    return new VideoDecoder(mime, context);
  }

  /**
   * Decodes one frame on the thread pool. One call at a time. Of the layers of one instant only the highest comes out.
   * Throws UnsupportedPicture for what is not 8 bit 4:2:0, an error of FFmpeg's or ours for what is damaged.
   */
  async decode({ data, keyFrame, playoutMs }: EncodedVideo): Promise<Picture[]> {
    if (this.#closed) throw new Error('the video decoder is closed');
    const pictures: Picture[] = [];
    try {
      for (const layer of this.mime === 'video/AV1' ? av1Layers(data) : [data]) {
        await this.#send(layer, keyFrame, playoutMs);
        await this.#fetch(pictures);
      }
      return pictures;
    } catch (error) {
      for (const picture of pictures) picture.frame.free();
      throw error;
    }
  }

  async #send(data: Buffer, keyFrame: boolean, playoutMs: number): Promise<void> {
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
  }

  /** Adds what is decoded; a picture of the same instant takes the place of the one below it. */
  async #fetch(pictures: Picture[]): Promise<void> {
    for (let count = 0; ; count++) {
      const frame = this.#spare ?? allocatedFrame();
      this.#spare = frame;
      if (!(await this.#receive(frame, count))) return;
      this.#spare = null;
      const picture = { frame, width: frame.width, height: frame.height, playoutMs: Number(frame.pts) / 1000 };
      if (pictures.at(-1)?.playoutMs === picture.playoutMs) pictures.pop()?.frame.free();
      pictures.push(picture);
    }
  }

  /** Fetches the next picture; false where there is none. */
  async #receive(frame: Frame, count: number): Promise<boolean> {
    // The first picture was decoded in sendPacket, and this only fetches it. Of the layers above each is decoded here.
    const async = count > 0 && CODECS[this.mime].layered;
    const code = async ? await this.#context.receiveFrame(frame) : this.#context.receiveFrameSync(frame);
    if (code === AVERROR_EAGAIN) return false;
    FFmpegError.throwIfError(code, 'decode');
    if (frame.decodeErrorFlags !== 0 || frame.hasFlags(AV_FRAME_FLAG_CORRUPT))
      throw new Error('the picture is damaged');
    const { format } = frame;
    if (format === AV_PIX_FMT_YUV420P || format === AV_PIX_FMT_YUVJ420P) return true;
    const name = avGetPixFmtName(format as AVPixelFormat) ?? String(format);
    throw new UnsupportedPicture(`pictures of the format ${name} cannot be shown, only 8 bit 4:2:0`);
  }

  /** Not while `decode` runs. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#spare?.free();
    this.#context.freeContext();
  }
}

function allocatedFrame(): Frame {
  const frame = new Frame();
  frame.alloc();
  return frame;
}
