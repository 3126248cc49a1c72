/**
 * Packets and sender reports of somebody whose clock is not the program's, as they reach the compositor. Feeds the real
 * RtpTimeline and SfuClock; answers each packet's playout time. Everything is computed, nothing waits.
 */
import { RtpTimeline } from '../../../compositor/ingest/RtpTimeline.ts';
import { SfuClock } from '../../../compositor/ingest/SfuClock.ts';
import { randomOf } from './random.ts';

/** mediasoup sends reports this often, ms. */
const REPORT_MS = 1200;
/** From capture to arrival: at least, and at most more, ms. */
const TRANSIT_MS = 15;
const JITTER_MS = 8;
/** The SFU's wall clock at program time 0, ms. */
const NTP_AT_START = 3.9e12;

export interface Packet {
  rtp: number;
  playoutMs: number;
  /** When it was captured, program time. */
  capturedMs: number;
}

export class SenderClock {
  readonly #clock = new SfuClock();
  readonly #timeline: RtpTimeline;
  readonly #msPerTick: number;
  readonly #random: () => number;
  readonly #playoutDelayMs: number;
  #reportAtMs = 0;

  /** `ppm`: the sender's clock is slow by this. */
  constructor(o: { clockRate: number; ppm: number; playoutDelayMs: number; seed: number }) {
    this.#timeline = new RtpTimeline({ clockRate: o.clockRate, clock: this.#clock });
    this.#msPerTick = (1000 / o.clockRate) * (1 + o.ppm * 1e-6);
    this.#playoutDelayMs = o.playoutDelayMs;
    this.#random = randomOf(o.seed);
  }

  /** Program time at which the sender's tick `rtp` (from 0) is, ms. */
  capturedMs(rtp: number): number {
    return rtp * this.#msPerTick;
  }

  /** The packet that begins with tick `rtp` and was sent when it ended, `ticks` later. In order. */
  packet(rtp: number, ticks: number): Packet {
    const sentMs = this.capturedMs(rtp + ticks);
    const arrivalMs = sentMs + TRANSIT_MS + JITTER_MS * this.#random();
    const unwrapped = this.#timeline.advance(rtp % 2 ** 32, arrivalMs);
    if (sentMs >= this.#reportAtMs) this.#report(sentMs, arrivalMs);
    const playoutMs = this.#timeline.captureMs(unwrapped, arrivalMs) + this.#playoutDelayMs;
    return { rtp: unwrapped, playoutMs, capturedMs: this.capturedMs(rtp) };
  }

  /** mediasoup stamps reports in whole ms. */
  #report(sentMs: number, arrivalMs: number): void {
    this.#reportAtMs = sentMs + REPORT_MS;
    const ntpMs = Math.round(NTP_AT_START + sentMs);
    this.#clock.add(ntpMs, ntpMs - NTP_AT_START + 1 + 2 * this.#random());
    const rtpTimestamp = Math.round(sentMs / this.#msPerTick) % 2 ** 32;
    this.#timeline.report({ ssrc: 1, ntpMs, rtpTimestamp } as Parameters<RtpTimeline['report']>[0], arrivalMs);
  }
}
