/**
 * Pictures of a program without decoding it: only the IDR frame that a segment begins with. In: an init segment, and the bytes of
 * segments or their first parts. Out: pictures. Next: Jpeg.ts, SpriteSheet.ts. Heavy work is on the thread pool.
 */
import { Codec, CodecContext, FF_DECODER_H264, FFmpegError, Frame, Packet } from 'node-av';
import { AppError } from '../../contracts/errors.ts';
import { needBox, readBoxes } from '../mp4/boxes.ts';
import { readSamples } from '../mp4/fragment.ts';
import { type InitSegment, parseInit } from '../mp4/initSegment.ts';

export class KeyFrameDecoder {
  readonly #init: InitSegment;
  readonly #configuration: Buffer;
  #closed = false;

  /** Throws AppError `bad-media` unless it is the init segment of an AVC track. */
  constructor(init: Buffer) {
    this.#init = parseInit(init);
    this.#configuration = avcConfiguration(init);
  }

  get size(): { width: number; height: number } {
    return { width: this.#init.width, height: this.#init.height };
  }

  /**
   * The picture of the first frame of a segment; the caller frees it. Throws when it can not be decoded. Each picture has a decoder of
   * its own: that costs a millisecond, and none is left waiting for frames that never come.
   */
  async decode(segment: Buffer): Promise<Frame> {
    if (this.#closed) throw new Error('the key frame decoder is closed');
    const [sample] = readSamples(segment, this.#init);
    if (!sample) throw new AppError('bad-media', 'there is no frame');
    const codec = Codec.findDecoderByName(FF_DECODER_H264);
    if (!codec) throw new Error('no decoder for H.264');
    const context = new CodecContext();
    context.allocContext3(codec);
    const packet = new Packet();
    packet.alloc();
    const frame = new Frame();
    frame.alloc();
    try {
      context.threadCount = 1;
      context.extraData = this.#configuration;
      FFmpegError.throwIfError(await context.open2(codec, null), 'open H.264');
      packet.data = sample.data;
      packet.isKeyframe = true;
      FFmpegError.throwIfError(await context.sendPacket(packet), 'decode');
      // Nothing follows: what the decoder holds back is given out.
      FFmpegError.throwIfError(await context.sendPacket(null), 'decode');
      FFmpegError.throwIfError(await context.receiveFrame(frame), 'decode');
      return frame;
    } catch (error) {
      frame.free();
      throw error;
    } finally {
      packet.free();
      context.freeContext();
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
  }
}

/** The `avcC` box's content (ISO/IEC 14496-15 section 5.3.3): SPS, PPS, and how long the length fields of samples are. */
function avcConfiguration(init: Buffer): Buffer {
  const moov = needBox(init, { body: 0, end: init.length }, 'moov');
  const stsd = needBox(init, moov, 'trak', 'mdia', 'minf', 'stbl', 'stsd');
  const entry = readBoxes(init, stsd.body + 8, stsd.end)[0];
  if (!entry) throw new AppError('bad-media', 'the track has no sample description');
  // VisualSampleEntry: 78 bytes of fields before the boxes (ISO/IEC 14496-12 section 12.1.3).
  const avcC = needBox(init, { body: entry.body + 78, end: entry.end }, 'avcC');
  return Buffer.from(init.subarray(avcC.body, avcC.end));
}
