import { watchLevel } from './level.ts';

/** As loud as somebody who speaks into a microphone, on the meter's scale (level.ts): about −33 dBFS. */
const SPEAKING = 0.45;
/** So much of that within the window is talk, and no cough or door, ms. */
const TALK_MS = 600;
const WINDOW_MS = 2_000;
/** A pause between two sentences, ms. */
const PAUSE_MS = 5_000;

/** Whether loudness over time is somebody who talks. Pure but for what it remembers. */
export class TalkDetector {
  /** Stretches that were loud, of the last window. */
  #loud: { atMs: number; forMs: number }[] = [];
  #lastMs: number | null = null;
  #talkedAt = Number.NEGATIVE_INFINITY;

  /** `level`: 0 to 1, at `nowMs`. Whether they talk, or have just talked. */
  hear(level: number, nowMs: number): boolean {
    const forMs = Math.min(100, nowMs - (this.#lastMs ?? nowMs));
    this.#lastMs = nowMs;
    if (level >= SPEAKING) this.#loud.push({ atMs: nowMs, forMs });
    this.#loud = this.#loud.filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
    if (this.#loud.reduce((sum, stretch) => sum + stretch.forMs, 0) >= TALK_MS) this.#talkedAt = nowMs;
    return nowMs - this.#talkedAt < PAUSE_MS;
  }
}

/**
 * Listens to a microphone that is muted, here in the page and nowhere else. A muted track gives silence: a clone of it is listened to. Calls `tell` when
 * somebody begins to talk and when they have stopped, until the returned function is called.
 */
export function watchMutedTalk(track: MediaStreamTrack, tell: (talks: boolean) => void): () => void {
  const clone = track.clone();
  clone.enabled = true;
  const detector = new TalkDetector();
  let talks = false;
  const stop = watchLevel(clone, (level) => {
    const now = detector.hear(level, performance.now());
    if (now === talks) return;
    talks = now;
    tell(talks);
  });
  return () => {
    stop();
    clone.stop();
  };
}
