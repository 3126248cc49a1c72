import type { RenditionId } from '../../contracts/ids.ts';

interface Sum {
  bits: number;
  seconds: number;
  peak: number;
}

/**
 * What a rendition's segments have needed so far, as RFC 8216bis section 4.1 counts it: mean is all bits by all seconds, peak the most
 * of any segment. Container overhead is in it, slate and lost segments are not: they say nothing of the program.
 */
export class RateMeter {
  readonly #sums = new Map<RenditionId, Sum>();

  /** A whole segment is there. */
  add(rendition: RenditionId, bytes: number, seconds: number): void {
    const sum = this.#sums.get(rendition) ?? { bits: 0, seconds: 0, peak: 0 };
    sum.bits += bytes * 8;
    sum.seconds += seconds;
    sum.peak = Math.max(sum.peak, (bytes * 8) / seconds);
    this.#sums.set(rendition, sum);
  }

  /** Bits a second; both 0 before the first segment. */
  of(rendition: RenditionId): { mean: number; peak: number } {
    const sum = this.#sums.get(rendition);
    return sum ? { mean: sum.bits / sum.seconds, peak: sum.peak } : { mean: 0, peak: 0 };
  }
}
