/** How pure a tone is. Pure functions. */
const RATE = 48_000;
/** Phases are measured in blocks of 10 ms. */
const BLOCK = 480;

interface Fit {
  sine: number;
  cosine: number;
  /** Energy of the samples, and of what the fit leaves. */
  energy: number;
  rest: number;
}

/**
 * What is left of the samples when the one sine that fits best is taken away, dB of it. `hz` is its frequency within 1 Hz:
 * the exact one, which a correction of drift changes by some ppm, is found by the phase.
 */
export function residualDb(samples: Float32Array, hz: number): number {
  const { energy, rest } = fitSine(samples, exactHz(samples, hz));
  return 10 * Math.log10(Math.max(rest, 1e-15 * energy) / energy);
}

function exactHz(samples: Float32Array, hz: number): number {
  const blocks = Math.floor(samples.length / BLOCK);
  let before = 0;
  let turns = 0;
  const phases = Array.from({ length: blocks }, (_, k) => {
    const { sine, cosine } = fitSine(samples.subarray(k * BLOCK, (k + 1) * BLOCK), hz, k * BLOCK);
    const phase = Math.atan2(cosine, sine);
    if (k > 0 && phase - before > Math.PI) turns -= 1;
    if (k > 0 && phase - before < -Math.PI) turns += 1;
    before = phase;
    return phase + 2 * Math.PI * turns;
  });
  const middle = (blocks - 1) / 2;
  const mean = phases.reduce((sum, phase) => sum + phase, 0) / blocks;
  let product = 0;
  let power = 0;
  for (const [k, phase] of phases.entries()) {
    product += (k - middle) * (phase - mean);
    power += (k - middle) ** 2;
  }
  return hz + (product / power) * (RATE / BLOCK / (2 * Math.PI));
}

/** Least squares of `sine × sin + cosine × cos`; the first sample's phase is that of sample `from`. */
function fitSine(samples: Float32Array, hz: number, from = 0): Fit {
  const omega = (2 * Math.PI * hz) / RATE;
  let [ss, sc, cc, xs, xc, energy] = [0, 0, 0, 0, 0, 0];
  for (const [i, x] of samples.entries()) {
    const s = Math.sin(omega * (from + i));
    const c = Math.cos(omega * (from + i));
    ss += s * s;
    sc += s * c;
    cc += c * c;
    xs += x * s;
    xc += x * c;
    energy += x * x;
  }
  const determinant = ss * cc - sc * sc;
  const sine = (xs * cc - xc * sc) / determinant;
  const cosine = (xc * ss - xs * sc) / determinant;
  return { sine, cosine, energy, rest: energy - sine * xs - cosine * xc };
}

/** Amplitude at `hz` in each block of 10 ms. */
export function levels(samples: Float32Array, hz: number): number[] {
  return Array.from({ length: Math.floor(samples.length / BLOCK) }, (_, k) => {
    const { sine, cosine } = fitSine(samples.subarray(k * BLOCK, (k + 1) * BLOCK), hz);
    return Math.hypot(sine, cosine);
  });
}
