/**
 * The program's sound, measured offline on the real classes (OpusDecoder, AudioSource, PcmTrack, Mixer) by FFmpeg's `ebur128` and by
 * fits of sines. Media time, not real time; about a minute.
 *
 *   lufs_error_max       speech at −35, −30, … −5 LUFS: how far from −16 LUFS it comes out, after 8 s; ≤ 1
 *   true_peak_dbtp       16 people who shout at −5 LUFS, from the first moment on; ≤ −1
 *   clipped              samples at full scale or above, of the same; 0
 *   residual_db          what is not the tone, of 1 kHz at ±300 ppm in 10 minutes, the worst second after 30 s; ≤ −60
 *   av_offset_ms_max     between a pulse and the picture of the same moment, ±300 ppm in 10 minutes; ≤ 50
 *   duck_db, duck_ms     how far music goes down under speech (12 ± 2), and how fast (≤ 300)
 *   loss_snr_db          speech at 32 kbit/s of which single packets, pairs, or a fifth of all are lost: how close that is which is heard there, with
 *                        in-band FEC (`fec`), and without redundancy, guessed by the decoder (`guessed`) or a hole of its track (`repeated`)
 *   us_per_frame_per_source, us_per_packet   CPU of mixing 1024 samples of one of 16 sources, of decoding 20 ms
 *
 * --minutes N (10) of drift.
 */
import { parseArgs } from 'node:util';
import type { Bench } from '../bench.ts';
import { type Drift, drift } from './sound/drift.ts';
import { duck } from './sound/duck.ts';
import { losses } from './sound/loss.ts';
import { shout, speechLevels, TARGET_LUFS } from './sound/loudness.ts';

/** What the issue asks for. */
const LIMITS = { lufs: 1, dbtp: -1, residualDb: -60, avMs: 50, duckDb: [10, 14], duckMs: 300 } as const;
const PPM = [300, -300] as const;

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

export const run: Bench = async ({ args, say, signal }) => {
  const { values } = parseArgs({ args, options: { minutes: { type: 'string', default: '10' } } });
  const minutes = Number(values.minutes);
  if (!(minutes >= 1 && minutes <= 60)) throw new Error('--minutes 1 to 60');
  const levels = await speechLevels(say);
  signal.throwIfAborted();
  const loud = await shout();
  say(`16 people shout: ${loud.truePeakDbtp} dBTP, ${loud.clipped} clipped, ${loud.lufs} LUFS`);
  signal.throwIfAborted();
  const ducked = await duck();
  say(
    `music goes down by ${round(ducked.duckDb)} dB in ${round(ducked.duckMs)} ms, and back in ${round(ducked.backMs)} ms`,
  );
  signal.throwIfAborted();
  const lost = Object.fromEntries(
    Object.entries(await losses()).map(([pattern, { fec, guessed, repeated }]) => [
      pattern,
      { fec: round(fec, 1), guessed: round(guessed, 1), repeated: round(repeated, 1) },
    ]),
  );
  say(`where packets are lost: ${JSON.stringify(lost)} dB`);
  const drifts: Drift[] = [];
  for (const ppm of PPM) {
    signal.throwIfAborted();
    const one = drift(ppm, minutes * 60);
    say(`${ppm} ppm: residual ${round(one.residualDb)} dB, A/V ${round(one.avOffsetMs)} ms`);
    drifts.push(one);
  }
  const result = {
    lufs_error_max: round(Math.max(...Object.values(levels).map((lufs) => Math.abs(lufs - TARGET_LUFS)))),
    true_peak_dbtp: loud.truePeakDbtp,
    clipped: loud.clipped,
    residual_db: round(Math.max(...drifts.map((one) => one.residualDb)), 1),
    av_offset_ms_max: round(Math.max(...drifts.map((one) => one.avOffsetMs)), 1),
    duck_db: round(ducked.duckDb, 1),
    duck_ms: round(ducked.duckMs, 0),
    back_ms: round(ducked.backMs, 0),
    us_per_frame_per_source: round(loud.mixUs, 1),
    us_per_frame_resampled: round(Math.max(...drifts.map((one) => one.frameUs)), 1),
    us_per_packet: round(loud.decodeUs, 1),
    loss_snr_db: lost,
    lufs: levels,
  };
  const pass =
    result.lufs_error_max <= LIMITS.lufs &&
    result.true_peak_dbtp <= LIMITS.dbtp &&
    result.clipped === 0 &&
    result.residual_db <= LIMITS.residualDb &&
    result.av_offset_ms_max <= LIMITS.avMs &&
    result.duck_db >= LIMITS.duckDb[0] &&
    result.duck_db <= LIMITS.duckDb[1] &&
    result.duck_ms <= LIMITS.duckMs;
  return { ...result, pass };
};
