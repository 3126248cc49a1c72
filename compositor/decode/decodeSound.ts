/**
 * A sound file in memory → samples in memory. In: the bytes of any file that FFmpeg reads; out: 48 kHz stereo, 16 bits, in
 * pieces of a second; next: compose/MusicBed.ts. Demuxing and decoding run on libuv's threads, packet by packet; this thread
 * copies what comes out.
 *
 * Memory: at most MAX_SOUND_SECONDS, 115 MB. A longer file is refused, not cut.
 */
import { AV_SAMPLE_FMT_S16, Decoder, Demuxer, FilterAPI } from 'node-av';

/** 10 minutes. */
export const MAX_SOUND_SECONDS = 600;
const SAMPLE_RATE = 48_000;
const CHANNELS = 2;

/** Left and right in turn, one second a piece but the last. Throws where there is no sound, or too much. */
export async function decodeSound(file: Buffer, signal: AbortSignal): Promise<Int16Array[]> {
  await using demuxer = await Demuxer.open(file);
  const stream = demuxer.audio();
  if (!stream) throw new Error('no sound in it');
  // Many files say how long they are: no need to decode an hour to find out.
  if (demuxer.duration > MAX_SOUND_SECONDS) throw new Error(`longer than ${MAX_SOUND_SECONDS} s`);
  using decoder = await Decoder.create(stream, { threadCount: 1 });
  using filter = FilterAPI.create(`aformat=sample_fmts=s16:sample_rates=${SAMPLE_RATE}:channel_layouts=stereo`);
  const pieces = new Pieces();
  for await (using frame of filter.frames(decoder.frames(demuxer.packets(stream.index)))) {
    signal.throwIfAborted();
    if (!frame) continue;
    if (frame.format !== AV_SAMPLE_FMT_S16 || frame.channels !== CHANNELS) throw new Error('not 16-bit stereo');
    const bytes = frame.data?.[0];
    if (bytes) pieces.add(new Int16Array(bytes.buffer, bytes.byteOffset, frame.nbSamples * CHANNELS));
  }
  return pieces.take();
}

class Pieces {
  readonly #whole: Int16Array[] = [];
  #last = new Int16Array(SAMPLE_RATE * CHANNELS);
  #filled = 0;

  add(samples: Int16Array): void {
    for (let at = 0; at < samples.length; ) {
      const count = Math.min(samples.length - at, this.#last.length - this.#filled);
      this.#last.set(samples.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < this.#last.length) continue;
      if (this.#whole.length >= MAX_SOUND_SECONDS) throw new Error(`longer than ${MAX_SOUND_SECONDS} s`);
      this.#whole.push(this.#last);
      this.#last = new Int16Array(SAMPLE_RATE * CHANNELS);
      this.#filled = 0;
    }
  }

  take(): Int16Array[] {
    if (this.#filled > 0) this.#whole.push(this.#last.slice(0, this.#filled));
    if (this.#whole.length === 0) throw new Error('no sound in it');
    return this.#whole;
  }
}
