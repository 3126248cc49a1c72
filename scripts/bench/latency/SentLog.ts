/** When each frame of each simulated peer left, for as long as a bench lasts: a peer itself remembers the last two minutes. */
import { CLIP_FRAMES } from '../../simulator/clip/frameCode.ts';
import type { Swarm } from '../../simulator/Swarm.ts';

/** No picture takes longer than the counter takes to begin anew, ms. */
const LONGEST_MS = 9_500;

export class SentLog {
  readonly #swarm: Swarm;
  /** By peer, by frame of the capture clock: when its first RTP packet was sent, wall clock in ms. */
  readonly #sent = new Map<number, Map<number, number>>();

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
  }

  /** Takes what the peers remember. More often than each two minutes. */
  update(): void {
    for (const { number, sentFrames } of this.#swarm.peers) {
      const sent = this.#sent.get(number) ?? new Map<number, number>();
      this.#sent.set(number, sent);
      for (const { frame, sentMs } of sentFrames.all()) sent.set(frame, sentMs);
    }
  }

  /** How old the frame with this counter was at `seenMs`, ms; null: nobody has sent such a one in the last seconds. */
  ageOf(peer: number, counter: number, seenMs: number): number | null {
    const sent = this.#sent.get(peer);
    // Frames are counted from 1970, 30 a second, so this is the newest one that can have been sent.
    const newest = Math.ceil((seenMs * 30) / 1000);
    const frame = newest - ((((newest - counter) % CLIP_FRAMES) + CLIP_FRAMES) % CLIP_FRAMES);
    const sentMs = sent?.get(frame);
    if (sentMs === undefined) return null;
    const age = seenMs - sentMs;
    return age >= 0 && age < LONGEST_MS ? age : null;
  }
}
