/**
 * Finds frames that are missing without a missing packet: lost before somebody on the way numbered the packets anew. By the
 * counters of VP8 (RFC 7741 section 4.2) and VP9 (RFC 9628 section 4.2). A layer that the SFU drops is no loss: mediasoup
 * closes the gap in VP8's counters, and nothing that is forwarded builds on what it drops.
 */

/** PictureID has 7 or 15 bits; both count by one for each picture. */
export interface PictureId {
  value: number;
  bits: 7 | 15;
}

export interface PictureCounters {
  id: PictureId | null;
  /** TL0PICIDX, 8 bits: counts the pictures of temporal layer 0. */
  tl0: number | null;
  /** Temporal layer; 0 where there is none. */
  temporal: number;
}

/** So many pictures in a row have counted by one until a step is taken for a loss: some senders write ids that mean nothing. */
const TRUSTED_AFTER = 8;

export class PictureCounter {
  #last: PictureCounters | null = null;
  #steady = 0;

  /** A key frame builds on nothing. */
  restart(counters: PictureCounters): void {
    this.#last = counters;
  }

  /**
   * True where nothing is missing between the picture before and this one. `byId`: nobody on the way drops pictures and leaves
   * the gap in the ids open.
   */
  follows(counters: PictureCounters, byId: boolean): boolean {
    const last = this.#last;
    this.#last = counters;
    if (!last) return true;
    const { id, tl0 } = counters;
    if (byId && id && last.id?.bits === id.bits) return this.#judge((id.value - last.id.value) & (2 ** id.bits - 1), 1);
    if (tl0 === null || last.tl0 === null) return true;
    return this.#judge((tl0 - last.tl0) & 0xff, counters.temporal === 0 ? 1 : 0);
  }

  #judge(step: number, wanted: number): boolean {
    if (step === wanted) {
      this.#steady++;
      return true;
    }
    const trusted = this.#steady >= TRUSTED_AFTER;
    this.#steady = 0;
    return !trusted;
  }
}
