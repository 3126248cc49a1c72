/**
 * The automatic gain of one source: what brings its speech to the target. In: a SpeechMeter's loudness; out: a gain in
 * decibels that moves steadily. Used by compose/SourceChannel.ts.
 *
 * From the first second of speech on it goes up by 12 dB/s at most in the first 5 s of speech, by 3 dB/s later; down by 10 dB/s. Speech
 * within ±19 LU of the target is within 1 LU of it after about 5 s. In pauses it stays as it is. Range: −24 … +20 dB.
 */
const MOST_DB = 20;
const LEAST_DB = -24;
const DOWN_DB_PER_SECOND = 10;
const UP_DB_PER_SECOND = 3;
const FIRST_UP_DB_PER_SECOND = 12;
/** So long the first rate holds, seconds of speech. */
const FIRST_SECONDS = 5;

export class AutoGain {
  #db: number;

  constructor(db = 0) {
    this.#db = limited(db);
  }

  get db(): number {
    return this.#db;
  }

  /** Goes on by `seconds`. `lufs`: how loud the source is, null where nothing is known; `target` null: automatic gain is off. */
  advance(seconds: number, target: number | null, { lufs, known }: { lufs: number | null; known: number }): void {
    let wanted = this.#db;
    if (target === null) wanted = 0;
    else if (lufs !== null) wanted = limited(target - lufs);
    const up = (known < FIRST_SECONDS ? FIRST_UP_DB_PER_SECOND : UP_DB_PER_SECOND) * seconds;
    this.#db += Math.max(-DOWN_DB_PER_SECOND * seconds, Math.min(up, wanted - this.#db));
  }
}

const limited = (db: number): number => Math.max(LEAST_DB, Math.min(MOST_DB, db));
