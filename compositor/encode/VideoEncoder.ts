/**
 * The video encoder of one rendition. In: the canvas, once for each frame of the grid; out: one H.264 packet a frame,
 * in order, without delay; next: output/RenditionWriter.ts.
 *
 * Everything that decides the bytes of the init segment comes from the job, so every compositor of a broadcast makes
 * the same ones.
 */
import {
  AV_CODEC_FLAG_CLOSED_GOP,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AVCHROMA_LOC_LEFT,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_BT709,
  Codec,
  CodecContext,
  CodecParameters,
  Dictionary,
  type FFEncoderCodec,
  FFmpegError,
  type Frame,
  Packet,
  Rational,
} from 'node-av';
import { type Grid, segmentSeconds } from '../../src/contracts/grid.ts';
import type { EncoderSettings, VideoRendition } from '../../src/contracts/job.ts';
import { codecOptions, pictureFormatOf } from './codecs.ts';
import { VaapiUpload } from './VaapiUpload.ts';

/** The rate may swing within this many seconds (VBV buffer): what a player of live video buffers anyway. */
const VBV_SECONDS = 1;

/**
 * Finer than this is invisible. Without it the constant rate is spent on the noise of a still card: at 720p a slate took
 * three times the time to encode.
 */
const MIN_QUANTIZER = 12;

export class VideoEncoder {
  readonly #context: CodecContext;
  readonly #upload: VaapiUpload | null;
  readonly #framesPerSegment: number;
  /** For the next packet: each frame asks once more than there are packets. */
  #spare = allocatedPacket();
  #closed = false;

  private constructor(context: CodecContext, upload: VaapiUpload | null, framesPerSegment: number) {
    this.#context = context;
    this.#upload = upload;
    this.#framesPerSegment = framesPerSegment;
  }

  static async create(rendition: VideoRendition, grid: Grid, settings: EncoderSettings): Promise<VideoEncoder> {
    const codec = Codec.findEncoderByName(settings.codec as FFEncoderCodec);
    if (!codec) throw new Error(`encoder ${settings.codec} is missing`);
    const context = new CodecContext();
    context.allocContext3(codec);
    context.width = rendition.width;
    context.height = rendition.height;
    context.pixelFormat = pictureFormatOf(settings.codec);
    context.timeBase = new Rational(1, grid.fps);
    context.framerate = new Rational(grid.fps, 1);
    context.sampleAspectRatio = new Rational(1, 1);
    context.gopSize = grid.framesPerSegment;
    context.maxBFrames = 0;
    if (settings.codec === 'libx264') context.qMin = MIN_QUANTIZER;
    context.threadCount = settings.threads;
    context.bitRate = BigInt(rendition.bitrate);
    context.rcMaxRate = BigInt(rendition.bitrate);
    context.rcBufferSize = rendition.bitrate * VBV_SECONDS;
    // Cameras in WebRTC are BT.601, limited range, and no stage converts: the tag says what is in the planes.
    context.colorRange = AVCOL_RANGE_MPEG;
    context.colorSpace = AVCOL_SPC_SMPTE170M;
    context.colorPrimaries = AVCOL_PRI_BT709;
    context.colorTrc = AVCOL_TRC_BT709;
    context.chromaLocation = AVCHROMA_LOC_LEFT;
    context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER, AV_CODEC_FLAG_CLOSED_GOP);
    let upload: VaapiUpload | null = null;
    try {
      if (settings.codec === 'h264_vaapi') upload = new VaapiUpload(context);
      const options = Dictionary.fromObject(codecOptions(settings, grid));
      FFmpegError.throwIfError(await context.open2(codec, options), `open ${settings.codec}`);
    } catch (error) {
      context.freeContext();
      upload?.close();
      throw error;
    }
    return new VideoEncoder(context, upload, Math.round(segmentSeconds(grid) * grid.fps));
  }

  /** What the muxer needs: size, profile, SPS and PPS. */
  parameters(): CodecParameters {
    const parameters = new CodecParameters();
    parameters.alloc();
    FFmpegError.throwIfError(this.#context.parametersFromContext(parameters), 'video parameters');
    return parameters;
  }

  /**
   * Encodes frame `number` of the grid; the first of a segment becomes an IDR frame. The frame may be changed again when
   * this has resolved: libx264 copies the picture, and who holds on to it has a reference. The caller frees the packets.
   */
  async encode(frame: Frame, number: number): Promise<Packet[]> {
    if (this.#closed) throw new Error('the video encoder is closed');
    const uploaded = await this.#upload?.upload(frame);
    const picture = uploaded ?? frame;
    picture.pts = BigInt(number);
    picture.pictType = number % this.#framesPerSegment === 0 ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    const sent = await this.#context.sendFrame(picture).finally(() => uploaded?.free());
    FFmpegError.throwIfError(sent, 'encode video');
    const packets: Packet[] = [];
    for (;;) {
      // zerolatency has the packet ready when sendFrame returns: fetching it costs nothing, so no thread is asked.
      if (this.#context.receivePacketSync(this.#spare) < 0) return packets;
      packets.push(this.#spare);
      this.#spare = allocatedPacket();
    }
  }

  /** Not while `encode` runs. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#context.freeContext();
    this.#upload?.close();
    this.#spare.free();
  }
}

function allocatedPacket(): Packet {
  const packet = new Packet();
  packet.alloc();
  return packet;
}
