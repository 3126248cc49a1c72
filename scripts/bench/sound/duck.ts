/** How far music goes down when somebody speaks, how fast, and how fast it comes back. */
import { execFileSync } from 'node:child_process';
import { decibelsOf } from '../../../compositor/compose/levels.ts';
import { Mixer } from '../../../compositor/compose/Mixer.ts';
import { MusicLoader } from '../../../compositor/compose/MusicLoader.ts';
import { createLogger } from '../../../src/common/logger.ts';
import { encodeOpus } from '../../../test/support/sound/encodeOpus.ts';
import { atLoudness } from '../../../test/support/sound/loudness.ts';
import { speech } from '../../../test/support/sound/speech.ts';
import { levels } from '../../../test/support/sound/tone.ts';
import { play } from './desk.ts';

/** The music is one tone, above the voice, so that it can be told from it. */
const MUSIC_HZ = 9000;
const DUCK_DB = 12;
const SILENT_SECONDS = 5;
const SPEECH_SECONDS = 6;
const SECONDS = 16;

export interface Duck {
  duckDb: number;
  /** From the first sound of speech until the music is within 2 dB of where it goes. */
  duckMs: number;
  /** From the last word until it is within 2 dB of where it was. */
  backMs: number;
}

export async function duck(): Promise<Duck> {
  const mixer = new Mixer();
  mixer.setLoudness({ automatic: true, targetLufs: -16 });
  const sound = execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    `sine=f=${MUSIC_HZ}:d=3:r=44100`,
    '-f',
    'flac',
    '-',
  ]);
  const loader = new MusicLoader({
    sound: () => Promise.resolve(sound),
    logger: createLogger({ level: 'silent' }),
    output: (music) => mixer.setMusic(music),
  });
  loader.set({ sound: '0'.repeat(64), volumeDb: -14, duckDb: DUCK_DB });
  await loader.settled();
  const voice = new Float32Array(SECONDS * 48_000);
  voice.set(atLoudness(speech(SPEECH_SECONDS, 7), -20), SILENT_SECONDS * 48_000);
  const { left } = await play([await encodeOpus(voice)], mixer, SECONDS);
  loader.close();
  const delayMs = 100;
  const first = voice.findIndex((v) => Math.abs(v) > 0.003) / 48 + delayMs;
  const last = voice.findLastIndex((v) => Math.abs(v) > 0.003) / 48 + delayMs;
  const db = levels(left, MUSIC_HZ).map(decibelsOf);
  const before = median(db.slice(200, Math.floor(first / 10)));
  const during = median(db.slice(Math.ceil(first / 10) + 50, Math.floor(last / 10)));
  const down = db.findIndex((level, k) => k * 10 >= first && level < during + 2);
  const back = db.findIndex((level, k) => k * 10 >= last && level > before - 2);
  return { duckDb: before - during, duckMs: down * 10 - first, backMs: back * 10 - last };
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
