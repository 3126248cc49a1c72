/** Speech of which packets are lost, encoded as a browser does that hears of it: what is heard in their place, with in-band FEC and without. */
import { encodeOpus, withFec } from '../../../test/support/sound/encodeOpus.ts';
import { lossSnrDb, oneOf, randomly, twoOf } from '../../../test/support/sound/hearLosses.ts';
import { randomOf } from '../../../test/support/sound/random.ts';
import { speech } from '../../../test/support/sound/speech.ts';

const SECONDS = 10;
const LEVEL = 0.3;
/** Of a browser's microphone, bits a second. */
const BITRATE = 32_000;
const LOSS_PERCENT = 20;

const PATTERNS = {
  single: () => oneOf(10),
  pairs: () => twoOf(10),
  random_20: () => randomly(LOSS_PERCENT / 100, randomOf(3)),
};

/** Signal to difference from what would have been heard without a loss, where packets were lost, dB. */
export interface LossSnr {
  /** From the packet behind, what is not in it guessed by the decoder. */
  fec: number;
  /** The sender sends no redundancy: guessed by the decoder. */
  guessed: number;
  /** As a hole of the track: the last pitch period again, fading. */
  repeated: number;
}

export async function losses(): Promise<Record<string, LossSnr>> {
  const voice = speech(SECONDS, 7).map((sample) => sample * LEVEL);
  const redundant = await encodeOpus(voice, BITRATE, withFec(LOSS_PERCENT));
  const plain = await encodeOpus(voice, BITRATE, { application: 'voip' });
  const out: Record<string, LossSnr> = {};
  for (const [name, pattern] of Object.entries(PATTERNS)) {
    out[name] = {
      fec: await lossSnrDb(redundant, pattern()),
      guessed: await lossSnrDb(plain, pattern()),
      repeated: await lossSnrDb(plain, pattern(), false),
    };
  }
  return out;
}
