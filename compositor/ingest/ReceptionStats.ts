import type { ReportBlock, SenderReport } from './rtcp.ts';

const MAX_TOTAL_LOST = 0x7fffff;
const MIN_TOTAL_LOST = -0x800000;

/**
 * What a receiver report says of one stream (RFC 3550 appendix A.3 and A.8). mediasoup learns the round trip from it, and
 * without that it sends a lost packet again at most every 100 ms.
 */
export class ReceptionStats {
  readonly #ssrc: number;
  readonly #ticksPerMs: number;
  #first = -1;
  #highest = -1;
  #received = 0;
  #jitter = 0;
  #transit: number | null = null;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #report: SenderReport | null = null;
  #reportMs = 0;

  constructor(ssrc: number, clockRate: number) {
    this.#ssrc = ssrc;
    this.#ticksPerMs = clockRate / 1000;
  }

  /** An authentic packet came for the first time; `rtp` is its unwrapped timestamp. */
  packet(index: number, rtp: number, arrivalMs: number): void {
    if (this.#first < 0) this.#first = index;
    this.#received++;
    if (index <= this.#highest) return;
    this.#highest = index;
    const transit = arrivalMs * this.#ticksPerMs - rtp;
    if (this.#transit !== null) this.#jitter += (Math.abs(transit - this.#transit) - this.#jitter) / 16;
    this.#transit = transit;
  }

  senderReport(report: SenderReport, arrivalMs: number): void {
    this.#report = report;
    this.#reportMs = arrivalMs;
  }

  /** The report block; null before the first packet. */
  block(nowMs: number): ReportBlock | null {
    if (this.#first < 0) return null;
    const expected = this.#highest - this.#first + 1;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    const delay = this.#report ? Math.round(((nowMs - this.#reportMs) * 65536) / 1000) : 0;
    return {
      ssrc: this.#ssrc,
      fractionLost: expectedNow > 0 && lostNow > 0 ? Math.min(255, Math.floor((lostNow * 256) / expectedNow)) : 0,
      totalLost: Math.max(MIN_TOTAL_LOST, Math.min(MAX_TOTAL_LOST, expected - this.#received)),
      highest: this.#highest % 2 ** 32,
      jitter: Math.min(0xffffffff, Math.round(this.#jitter)),
      lastSenderReport: this.#report?.compactNtp ?? 0,
      delaySinceLastSenderReport: Math.max(0, Math.min(0xffffffff, delay)),
    };
  }
}
