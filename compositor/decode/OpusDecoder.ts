/**
 * One Opus decoder. In: packets in order; out: 48 kHz stereo samples; next: decode/PcmTrack.ts. It runs on the calling
 * thread: 20 ms of sound cost less than handing them to another.
 */
import {
  AV_CHANNEL_LAYOUT_STEREO,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  AVERROR_EAGAIN,
  Codec,
  CodecContext,
  Dictionary,
  FF_DECODER_LIBOPUS,
  FFmpegError,
  Frame,
  Packet,
  Rational,
} from 'node-av';

export const OPUS_SAMPLE_RATE = 48_000;

export interface Pcm {
  left: Float32Array;
  right: Float32Array;
}

export class OpusDecoder {
  readonly #context: CodecContext;
  readonly #packet: Packet;
  readonly #frame: Frame;
  #closed = false;

  private constructor(context: CodecContext) {
    this.#context = context;
    this.#packet = new Packet();
    this.#packet.alloc();
    this.#frame = new Frame();
    this.#frame.alloc();
  }

  static async create(): Promise<OpusDecoder> {
    const codec = Codec.findDecoderByName(FF_DECODER_LIBOPUS);
    if (!codec) throw new Error('no Opus decoder');
    const context = new CodecContext();
    context.allocContext3(codec);
    context.sampleRate = OPUS_SAMPLE_RATE;
    // Opus in RTP is always described as stereo; a mono packet decodes to two equal channels (RFC 7587, section 7).
    context.channelLayout = AV_CHANNEL_LAYOUT_STEREO;
    context.threadCount = 1;
    context.pktTimebase = new Rational(1, OPUS_SAMPLE_RATE);
    // Not open2Sync: with options it leaves the dictionary dangling (node-av 6.1.1), and the process crashes later.
    const options = Dictionary.fromObject({ request_sample_fmt: 'flt' });
    FFmpegError.throwIfError(await context.open2(codec, options), 'open opus');
    return new OpusDecoder(context);
  }

  /** Throws on what is not Opus; the next packet may be given all the same. */
  decode(data: Buffer): Pcm {
    if (this.#closed) throw new Error('the Opus decoder is closed');
    if (data.length === 0) throw new Error('an empty packet'); // It would end the decoder's stream.
    this.#packet.data = data;
    const sent = this.#context.sendPacketSync(this.#packet);
    this.#packet.unref();
    FFmpegError.throwIfError(sent, 'decode opus');
    const blocks: Pcm[] = [];
    for (;;) {
      const code = this.#context.receiveFrameSync(this.#frame);
      if (code === AVERROR_EAGAIN) break;
      FFmpegError.throwIfError(code, 'decode opus');
      blocks.push(samplesOf(this.#frame));
      this.#frame.unref();
    }
    const [only] = blocks;
    return only && blocks.length === 1 ? only : joined(blocks);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#packet.free();
    this.#frame.free();
    this.#context.freeContext();
  }
}

function samplesOf(frame: Frame): Pcm {
  const count = frame.nbSamples;
  const pcm = { left: new Float32Array(count), right: new Float32Array(count) };
  const planes = (frame.data ?? []).map((b) => new Float32Array(b.buffer, b.byteOffset, Math.floor(b.byteLength / 4)));
  const [first, second] = planes;
  if (frame.sampleRate !== OPUS_SAMPLE_RATE || frame.channels !== 2 || !first) throw new Error('not 48 kHz stereo');
  if (frame.format === AV_SAMPLE_FMT_FLTP && second) {
    pcm.left.set(first.subarray(0, count));
    pcm.right.set(second.subarray(0, count));
  } else if (frame.format === AV_SAMPLE_FMT_FLT) {
    for (let i = 0; i < count; i++) {
      pcm.left[i] = first[2 * i] ?? 0;
      pcm.right[i] = first[2 * i + 1] ?? 0;
    }
  } else throw new Error('not float samples');
  return pcm;
}

function joined(blocks: Pcm[]): Pcm {
  const count = blocks.reduce((sum, block) => sum + block.left.length, 0);
  const all = { left: new Float32Array(count), right: new Float32Array(count) };
  let at = 0;
  for (const block of blocks) {
    all.left.set(block.left, at);
    all.right.set(block.right, at);
    at += block.left.length;
  }
  return all;
}
