/** Speech of many levels, and sixteen people who shout. */
import { Mixer } from '../../../compositor/compose/Mixer.ts';
import { encodeOpus } from '../../../test/support/sound/encodeOpus.ts';
import { atLoudness, ebur128 } from '../../../test/support/sound/loudness.ts';
import { speech } from '../../../test/support/sound/speech.ts';
import { play } from './desk.ts';

export const TARGET_LUFS = -16;
const LEVELS_LUFS = [-35, -30, -25, -20, -15, -10, -5] as const;
const SPEECH_SECONDS = 40;
/** The gain has this long to settle. */
const SETTLE_SECONDS = 8;
const SHOUTERS = 16;
const SHOUT_SECONDS = 12;
const SHOUT_LUFS = -5;

function mixer(): Mixer {
  const made = new Mixer();
  made.setLoudness({ automatic: true, targetLufs: TARGET_LUFS });
  return made;
}

/** Each level's loudness in the program, LUFS. */
export async function speechLevels(say: (line: string) => void): Promise<Record<string, number>> {
  const out: Record<string, number> = {};
  for (const [i, lufs] of LEVELS_LUFS.entries()) {
    const voice = atLoudness(speech(SPEECH_SECONDS, 10 + i), lufs);
    const { left, right } = await play([await encodeOpus(voice)], mixer(), SPEECH_SECONDS);
    const from = SETTLE_SECONDS * 48_000;
    out[String(lufs)] = ebur128({ left: left.subarray(from), right: right.subarray(from) }).lufs;
    say(`speech at ${lufs} LUFS comes out at ${out[String(lufs)]} LUFS`);
  }
  return out;
}

export interface Shout {
  truePeakDbtp: number;
  /** Samples at full scale or above. */
  clipped: number;
  lufs: number;
  /** Per source and frame of 1024 samples, µs. */
  mixUs: number;
  /** Per packet of 20 ms, µs. */
  decodeUs: number;
}

/** Everybody at once, from the first moment on, before any gain can have settled. */
export async function shout(): Promise<Shout> {
  const streams: Buffer[][] = [];
  for (let i = 0; i < SHOUTERS; i++)
    streams.push(await encodeOpus(atLoudness(speech(SHOUT_SECONDS, 100 + i), SHOUT_LUFS)));
  const take = await play(streams, mixer(), SHOUT_SECONDS);
  const { lufs, truePeakDbtp } = ebur128(take);
  const clipped = [take.left, take.right].reduce((sum, side) => sum + side.filter((v) => Math.abs(v) >= 1).length, 0);
  const frames = take.left.length / 1024;
  const packets = streams.reduce((sum, packetsOfOne) => sum + packetsOfOne.length, 0);
  return {
    truePeakDbtp,
    clipped,
    lufs,
    mixUs: (take.mixMs * 1000) / frames / SHOUTERS,
    decodeUs: (take.decodeMs * 1000) / packets,
  };
}
