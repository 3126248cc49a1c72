/**
 * Comes in: RTP packets of one Opus stream in order, and the holes between them (RFC 7587: a packet is a payload). Goes out:
 * the packets, each with the number of those lost before it. Next: MediaIngest.ts emits them to decode.
 */
import type { SourceId } from '../../src/contracts/ids.ts';
import type { EncodedAudio } from '../types.ts';
import type { OrderedSink, Timing } from './OrderedSink.ts';
import type { RtpPacket } from './rtpPacket.ts';

/** A packet is to be decoded and mixed before it is heard: what waits for a lost one goes out this long before its time, ms. */
const LEAD_MS = 30;
/** The longest playout delay, ms. */
const GIVE_UP_MS = 400;

export class AudioPackets implements OrderedSink {
  readonly #source: SourceId;
  readonly #timing: Timing;
  readonly #output: (packet: EncodedAudio) => void;
  #lostBefore = 0;

  constructor(o: { source: SourceId; timing: Timing; output: (packet: EncodedAudio) => void }) {
    this.#source = o.source;
    this.#timing = o.timing;
    this.#output = o.output;
  }

  write(packet: RtpPacket, nowMs: number): void {
    if (packet.payload.length === 0) return;
    const rtp = this.#timing.unwrap(packet.timestamp);
    this.#timing.complete(rtp, nowMs);
    const lostBefore = this.#lostBefore;
    this.#lostBefore = 0;
    const playoutMs = this.#timing.playoutMs(rtp, nowMs);
    this.#output({ source: this.#source, data: packet.payload, rtp, playoutMs, lostBefore });
  }

  lost(count: number): void {
    this.#lostBefore += count;
  }

  ahead(): void {}

  giveUpAtMs(sinceMs: number, next: RtpPacket, nowMs: number): number {
    const playoutMs = this.#timing.playoutMs(this.#timing.unwrap(next.timestamp), nowMs);
    return Math.min(sinceMs + GIVE_UP_MS, playoutMs - LEAD_MS);
  }

  tick(): void {}
}
