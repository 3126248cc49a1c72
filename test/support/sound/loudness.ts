/** What FFmpeg's `ebur128` filter says of samples: an implementation of ITU-R BS.1770 that is not ours. */
import { execFileSync } from 'node:child_process';

export interface Reading {
  /** Integrated, gated. */
  lufs: number;
  /** The largest of both channels. */
  truePeakDbtp: number;
}

export interface Stereo {
  left: Float32Array;
  right: Float32Array;
}

/** Without `peak` (which takes most of the time) the true peak is NaN. */
export function ebur128({ left, right }: Stereo, peak = true): Reading {
  const samples = new Float32Array(2 * left.length);
  for (let i = 0; i < left.length; i++) {
    samples[2 * i] = left[i] ?? 0;
    samples[2 * i + 1] = right[i] ?? 0;
  }
  const format = ['-f', 'f32le', '-ar', '48000', '-ac', '2'];
  const command = `ffmpeg -hide_banner -nostats ${format.join(' ')} -i - -af ebur128=peak=${peak ? 'true' : 'none'}:framelog=verbose -f null - 2>&1`;
  const text = execFileSync('sh', ['-c', command], { input: new Uint8Array(samples.buffer), maxBuffer: 1 << 26 });
  const summary = text.toString().split('Summary:').at(-1) ?? '';
  const number = (pattern: RegExp) => {
    const found = pattern.exec(summary)?.[1];
    if (found === undefined) throw new Error(`ebur128 said: ${text.toString().slice(-500)}`);
    return found === '-inf' ? Number.NEGATIVE_INFINITY : Number(found);
  };
  return { lufs: number(/I:\s+(\S+) LUFS/), truePeakDbtp: peak ? number(/Peak:\s+(\S+) dBFS/) : Number.NaN };
}

/** The same sound in both channels at this loudness: louder speech is clipped softly, as by a microphone that is too near. */
export function atLoudness(mono: Float32Array, lufs: number): Float32Array {
  let gain = 1;
  let out = mono;
  for (let round = 0; round < 6; round++) {
    out = mono.map((sample) => Math.tanh(sample * gain));
    const wrong = lufs - ebur128({ left: out, right: out }, false).lufs;
    if (Math.abs(wrong) < 0.05) break;
    gain *= 10 ** (wrong / 20);
  }
  return out;
}
