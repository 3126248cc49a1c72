/** How loud a track is, for meters. In: audio tracks. Out: their level, some 30 times a second, while somebody looks. */

/** The meter's range: below it is room noise, 0 dBFS is full scale. */
const QUIETEST_DB = -55;
const LOUDEST_DB = -6;
/** What there is of silence, dBFS. */
export const SILENCE_DB = -120;
/** Up at once, down slowly: a meter that can be read. Of the shown range, a second. */
const FALL_PER_SECOND = 1.2;

/** Root mean square of samples in [-1, 1], dBFS; never less than `SILENCE_DB`. */
export function decibelsOf(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += (samples[i] ?? 0) ** 2;
  return 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
}

/** dBFS → 0 (silent) to 1 (loud), even in decibels as ears hear it. */
export const meterOf = (db: number): number =>
  Math.min(1, Math.max(0, (db - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB)));

/** Samples → 0 (silent) to 1 (loud). */
export const levelOf = (samples: ArrayLike<number>): number => meterOf(decibelsOf(samples));

let shared: AudioContext | undefined;

/** Browsers start audio only after the person did something: the first press or key wakes it. */
function context(): AudioContext {
  if (!shared) {
    const made = new AudioContext();
    const wake = () => void made.resume();
    for (const event of ['pointerdown', 'keydown'] as const) addEventListener(event, wake, { capture: true });
    shared = made;
  }
  void shared.resume();
  return shared;
}

/** All that are looked at, by one frame's callback: sixteen meters are not sixteen loops. */
const looks = new Set<(now: number) => void>();
let frame = 0;
let lookedAt = 0;
/** Between two looks, ms: an eye sees no more of a bar, and a browser without a graphics card is spared half of the painting. */
const LOOK_MS = 32;

function look(now: number): void {
  if (now - lookedAt >= LOOK_MS) {
    lookedAt = now;
    for (const each of looks) each(now);
  }
  frame = looks.size > 0 ? requestAnimationFrame(look) : 0;
}

/** Calls `show` with the track's loudness in dBFS, about 30 times a second, until the returned function is called. */
export function watchDecibels(track: MediaStreamTrack, show: (db: number, now: number) => void): () => void {
  const audio = context();
  const source = audio.createMediaStreamSource(new MediaStream([track]));
  const analyser = audio.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const each = (now: number) => {
    analyser.getFloatTimeDomainData(samples);
    show(decibelsOf(samples), now);
  };
  looks.add(each);
  if (frame === 0) frame = requestAnimationFrame(look);
  return () => {
    looks.delete(each);
    source.disconnect();
  };
}

/** What a meter shows next: a louder level at once, a quieter one after falling to it. Levels of 0 to 1. Pure. */
export const fallTo = (level: number, shown: number, elapsedMs: number): number =>
  Math.max(level, shown - (FALL_PER_SECOND * Math.max(0, elapsedMs)) / 1000);

/** Calls `show` with a level of 0 to 1, as often, until the returned function is called. */
export function watchLevel(track: MediaStreamTrack, show: (level: number) => void): () => void {
  let shown = 0;
  let last = performance.now();
  const stop = watchDecibels(track, (db, now) => {
    shown = fallTo(meterOf(db), shown, now - last);
    last = now;
    show(shown);
  });
  return () => {
    stop();
    show(0);
  };
}
