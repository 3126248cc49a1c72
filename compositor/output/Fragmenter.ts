/**
 * Cuts one rendition into an init segment and CMAF fragments (ISO/IEC 23000-19). In: packets labelled on the grid; out:
 * `init` once, and on each `cut()` one `moof` + `mdat` whose `tfdt` is its first packet's label.
 *
 * It is FFmpeg's mp4 muxer with a custom IO callback:
 * - `frag_custom`: fragments end only where `cut()` says so;
 * - `frag_discont`: the first `tfdt` is the first packet's time; without it every compositor would begin at 0;
 * - `use_editlist 0`, `avoid_negative_ts disabled`: times stay what they are;
 * - bit rate forced to the setting and bit-exact: compositors of one broadcast make byte-equal init segments.
 */
import {
  AVFMT_FLAG_BITEXACT,
  type CodecParameters,
  Dictionary,
  FFmpegError,
  FormatContext,
  IOContext,
  type Packet,
  Rational,
} from 'node-av';
import { VIDEO_TIMESCALE } from '../../src/contracts/grid.ts';

const IO_BUFFER_BYTES = 1 << 16;
const MOVFLAGS = '+frag_custom+empty_moov+default_base_moof+cmaf+frag_discont+skip_trailer';

export interface FragmenterOptions {
  /** Taken over: freed by this. */
  parameters: CodecParameters;
  /** Bits a second, written into the init segment. */
  bitrate: number;
  /** Ticks of packet times: `1 / timeBase` s each. */
  timeBase: number;
  /** `mfhd` sequence number of the first fragment; it counts on by one with each cut. */
  firstSequence: number;
}

export class Fragmenter {
  readonly init: Buffer;
  readonly #format: FormatContext;
  readonly #io: IOContext;
  readonly #inBase: Rational;
  readonly #outBase: Rational;
  #chunks: Buffer[] = [];
  #closed = false;

  constructor({ parameters, bitrate, timeBase, firstSequence }: FragmenterOptions) {
    this.#io = new IOContext();
    this.#io.allocContextWithCallbacks(IO_BUFFER_BYTES, 1, null, (bytes) => {
      this.#chunks.push(Buffer.from(bytes)); // a copy: the muxer reuses its buffer
      return bytes.length;
    });
    this.#format = new FormatContext();
    FFmpegError.throwIfError(this.#format.allocOutputContext2(null, 'mp4', null), 'mp4 muxer');
    this.#format.pb = this.#io;
    this.#format.setFlags(AVFMT_FLAG_BITEXACT);
    const stream = this.#format.newStream(null);
    FFmpegError.throwIfError(parameters.copy(stream.codecpar), 'codec parameters');
    parameters.free();
    stream.codecpar.codecTag = 0;
    stream.codecpar.bitRate = BigInt(bitrate);
    stream.timeBase = new Rational(1, timeBase);
    const options = Dictionary.fromObject({
      movflags: MOVFLAGS,
      use_editlist: '0',
      avoid_negative_ts: 'disabled',
      fragment_index: String(firstSequence),
      video_track_timescale: String(VIDEO_TIMESCALE),
      write_tmcd: '0',
    });
    FFmpegError.throwIfError(this.#format.writeHeaderSync(options), 'mp4 header');
    this.#inBase = new Rational(1, timeBase);
    const written = this.#format.streams[0]?.timeBase;
    this.#outBase = new Rational(written?.num ?? 1, written?.den ?? timeBase);
    this.init = this.#take();
  }

  /** `at` and `duration` in ticks of the time base. The packet stays the caller's. */
  write(packet: Packet, at: number, duration: number): void {
    if (this.#closed) throw new Error('the fragmenter is closed');
    packet.streamIndex = 0;
    packet.pts = BigInt(at);
    packet.dts = BigInt(at);
    packet.duration = BigInt(duration);
    packet.rescaleTs(this.#inBase, this.#outBase);
    FFmpegError.throwIfError(this.#format.writeFrameSync(packet), 'mp4 write');
  }

  /** What was written since the last cut, as one fragment. */
  cut(): Buffer {
    if (this.#closed) throw new Error('the fragmenter is closed');
    FFmpegError.throwIfError(this.#format.writeFrameSync(null), 'mp4 fragment');
    return this.#take();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // In this order: freeing the format first frees the IO twice; freeing neither keeps the process alive.
    this.#format.pb = null;
    this.#io.freeContext();
    this.#format.freeContext();
  }

  #take(): Buffer {
    this.#io.flushSync();
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return bytes;
  }
}
