/**
 * The AAC-LC encoder. In: 1024 samples of both channels for each AAC frame of the grid; out: one packet a frame, two
 * frames later; next: output/RenditionWriter.ts.
 *
 * Timestamps. AAC frame *m* is labelled `m × 1024` at 48 kHz and decodes to the samples `[m × 1024, (m + 1) × 1024)` of
 * program time. Its MDCT window also covers the next 1024 samples, and the encoder looks one frame further (block
 * switching), so it comes out when frame *m* + 2 was given. The
 * first packet of an encoder (label one frame before the first input, the "priming") is only half a frame: feed it
 * `AAC_PRIMING_FRAMES` early and leave out what comes before the first wanted frame.
 */
import {
  AV_CHANNEL_LAYOUT_STEREO,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_SAMPLE_FMT_FLTP,
  Codec,
  CodecContext,
  CodecParameters,
  Dictionary,
  FF_ENCODER_AAC,
  FFmpegError,
  Frame,
  Packet,
  Rational,
} from 'node-av';
import { AAC_FRAME_SAMPLES } from '../../src/contracts/grid.ts';
import type { AudioRendition } from '../../src/contracts/job.ts';

/** Frames fed before the first one that is put: the overlap, and the encoder's psychoacoustic and rate state. */
export const AAC_PRIMING_FRAMES = 8;

/**
 * From 48 kbit/s a channel on the fast search takes a third of the CPU and sounds better: a 1 kHz tone at 128 kbit/s came out with a
 * residual of −75 dB, by two loops with −41 dB. Below that two loops find better uses of the few bits (FFmpeg's encoder documentation).
 */
const FAST_CODER_FROM_BITRATE = 96_000;

const coderFor = (bitrate: number): 'fast' | 'twoloop' => (bitrate >= FAST_CODER_FROM_BITRATE ? 'fast' : 'twoloop');

export class AudioEncoder {
  readonly #context: CodecContext;
  readonly #frame: Frame;
  #closed = false;

  private constructor(context: CodecContext, frame: Frame) {
    this.#context = context;
    this.#frame = frame;
  }

  static async create(rendition: AudioRendition, sampleRate: number): Promise<AudioEncoder> {
    const codec = Codec.findEncoderByName(FF_ENCODER_AAC);
    if (!codec) throw new Error('encoder aac is missing');
    const context = new CodecContext();
    context.allocContext3(codec);
    context.sampleRate = sampleRate;
    context.sampleFormat = AV_SAMPLE_FMT_FLTP;
    context.channelLayout = AV_CHANNEL_LAYOUT_STEREO;
    context.timeBase = new Rational(1, sampleRate);
    context.bitRate = BigInt(rendition.bitrate);
    context.threadCount = 1;
    context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    const options = Dictionary.fromObject({ aac_coder: coderFor(rendition.bitrate) });
    FFmpegError.throwIfError(await context.open2(codec, options), 'open aac');
    if (context.frameSize !== AAC_FRAME_SAMPLES) throw new Error(`aac frames have ${context.frameSize} samples`);
    const frame = new Frame();
    frame.alloc();
    frame.nbSamples = AAC_FRAME_SAMPLES;
    frame.format = AV_SAMPLE_FMT_FLTP;
    frame.sampleRate = sampleRate;
    frame.channelLayout = AV_CHANNEL_LAYOUT_STEREO;
    FFmpegError.throwIfError(frame.getBuffer(), 'audio frame');
    return new AudioEncoder(context, frame);
  }

  parameters(): CodecParameters {
    const parameters = new CodecParameters();
    parameters.alloc();
    FFmpegError.throwIfError(this.#context.parametersFromContext(parameters), 'audio parameters');
    return parameters;
  }

  /** Encodes the samples of AAC frame `number`; the packets that come out carry their own label as pts. The caller frees them. */
  encode(number: number, left: Float32Array, right: Float32Array): Packet[] {
    if (this.#closed) throw new Error('the audio encoder is closed');
    FFmpegError.throwIfError(this.#frame.makeWritable(), 'audio frame');
    const planes = this.#frame.data;
    [left, right].forEach((samples, channel) => {
      const plane = planes?.[channel];
      if (!plane) throw new Error('the audio frame has no planes');
      plane.set(new Uint8Array(samples.buffer, samples.byteOffset, AAC_FRAME_SAMPLES * 4));
    });
    this.#frame.pts = BigInt(number * AAC_FRAME_SAMPLES);
    FFmpegError.throwIfError(this.#context.sendFrameSync(this.#frame), 'encode audio');
    const packets: Packet[] = [];
    for (;;) {
      const packet = new Packet();
      packet.alloc();
      if (this.#context.receivePacketSync(packet) < 0) {
        packet.free();
        return packets;
      }
      packets.push(packet);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#frame.free();
    this.#context.freeContext();
  }
}
