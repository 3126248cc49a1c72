/**
 * A voice that says nothing: vowels by formants over a glottal pulse train, fricatives of noise, syllables, words, and pauses of a
 * sentence's length. The same seed gives the same samples. It has the level changes and the crest factor of speech, which is
 * all that loudness control looks at, and needs no package.
 */
import { randomOf } from './random.ts';

const RATE = 48_000;
/** Formants of a, e, i, o, u, Hz (Peterson and Barney, 1952, men). */
const VOWELS = [
  [730, 1090, 2440],
  [530, 1840, 2480],
  [270, 2290, 3010],
  [570, 840, 2410],
  [300, 870, 2240],
] as const;
/** Half-power widths of the formants, Hz, and their strength. */
const WIDTHS = [80, 100, 160] as const;
const STRENGTHS = [1, 0.5, 0.25] as const;
/** The room that the voice is in, below its loudest. */
const ROOM = 10 ** (-55 / 20);

interface Resonator {
  y1: number;
  y2: number;
}

/** `seconds` of it, mono; its largest sample is 1. It begins with the first word. */
export function speech(seconds: number, seed = 1): Float32Array {
  const random = randomOf(seed);
  const samples = new Float32Array(Math.round(seconds * RATE));
  const pitch = 95 + 110 * random();
  for (let at = 0; at < samples.length; ) {
    const words = 3 + Math.floor(4 * random());
    for (let word = 0; word < words; word++) {
      const syllables = 1 + Math.floor(3 * random());
      for (let k = 0; k < syllables; k++) at += syllable(samples, at, pitch, random);
      at += Math.round((0.04 + 0.1 * random()) * RATE);
    }
    at += Math.round((0.4 + 0.6 * random()) * RATE);
  }
  let most = 0;
  for (const sample of samples) most = Math.max(most, Math.abs(sample));
  return samples.map((sample) => sample / most + ROOM * (random() - 0.5));
}

/** Adds a consonant and a vowel; answers how long they are, in samples. */
function syllable(samples: Float32Array, at: number, pitch: number, random: () => number): number {
  const fricative = Math.round((0.03 + 0.05 * random()) * RATE);
  const vowel = Math.round((0.1 + 0.14 * random()) * RATE);
  const loud = 0.5 + 0.5 * random();
  noise(samples, at, fricative, 0.08 * loud, random);
  const formants = VOWELS[Math.floor(VOWELS.length * random())] ?? VOWELS[0];
  voice(samples, at + fricative, vowel, { pitch: pitch * (0.85 + 0.3 * random()), loud, formants });
  return fricative + vowel;
}

function noise(samples: Float32Array, at: number, count: number, loud: number, random: () => number): void {
  let before = 0;
  for (let i = 0; i < count && at + i < samples.length; i++) {
    const white = random() - 0.5;
    samples[at + i] = (samples[at + i] ?? 0) + (white - before) * loud * Math.sin((Math.PI * i) / count);
    before = white;
  }
}

function voice(
  samples: Float32Array,
  at: number,
  count: number,
  o: { pitch: number; loud: number; formants: readonly number[] },
): void {
  const states: Resonator[] = o.formants.map(() => ({ y1: 0, y2: 0 }));
  let phase = 0;
  for (let i = 0; i < count && at + i < samples.length; i++) {
    const share = i / count;
    phase += (o.pitch * (1.1 - 0.2 * share)) / RATE;
    if (phase >= 1) phase -= 1;
    // A glottal pulse: opens in 40 % of the period, closes in 10 %.
    const glottis = phase < 0.4 ? phase / 0.4 : phase < 0.5 ? (0.5 - phase) / 0.1 : 0;
    let out = 0;
    for (const [k, state] of states.entries()) {
      const radius = Math.exp((-Math.PI * (WIDTHS[k] ?? 100)) / RATE);
      const y =
        (1 - radius) * (glottis - 0.25) +
        2 * radius * Math.cos((2 * Math.PI * (o.formants[k] ?? 500)) / RATE) * state.y1 -
        radius * radius * state.y2;
      state.y2 = state.y1;
      state.y1 = y;
      out += y * (STRENGTHS[k] ?? 0);
    }
    samples[at + i] = (samples[at + i] ?? 0) + out * o.loud * Math.min(1, share * 8, (1 - share) * 5);
  }
}
