/** The period of a voice, from the sound just before a hole. Pure. Used by decode/HoleFiller.ts. */
import type { Pcm } from './OpusDecoder.ts';

/** 2.5 ms to 15 ms: 400 Hz down to 67 Hz, the range of voices (as in ITU-T G.711 Appendix I). */
const LEAST = 120;
const MOST = 720;
/** The stretch at the end that is compared with what was one period before. */
const COMPARED = 720;
/** The first search is in steps of this; then each sample around the best. */
const COARSE = 4;
/** Power below which all lags are alike: −90 dBFS. */
const SILENCE = 1e-9 * COMPARED;

/** Samples; at least as many as 2.5 ms, at most 15 ms, less where `past` is short. */
export function pitchPeriod({ left, right }: Pcm): number {
  const sum = left.map((sample, i) => sample + (right[i] ?? 0));
  const compared = Math.min(COMPARED, sum.length >> 1);
  const most = Math.min(MOST, sum.length - compared - 1);
  let best = Math.min(MOST, most);
  let likeness = 0;
  const consider = (lag: number, step: number) => {
    const candidate = likenessAt(sum, lag, compared, step);
    if (candidate <= likeness) return;
    likeness = candidate;
    best = lag;
  };
  for (let lag = LEAST; lag <= most; lag += COARSE) consider(lag, COARSE);
  const around = best;
  likeness = 0;
  for (let lag = Math.max(LEAST, around - COARSE); lag <= Math.min(most, around + COARSE); lag++) consider(lag, 1);
  return best;
}

/** Normalised correlation of the end with what is `lag` samples before it; at most 1. */
function likenessAt(samples: Float32Array, lag: number, compared: number, step: number): number {
  const start = samples.length - compared;
  let product = 0;
  let power = SILENCE;
  let own = SILENCE;
  for (let i = start; i < samples.length; i += step) {
    const a = samples[i] ?? 0;
    const b = samples[i - lag] ?? 0;
    product += a * b;
    power += b * b;
    own += a * a;
  }
  return product / Math.sqrt(power * own);
}
