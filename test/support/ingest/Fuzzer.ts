/** Plays a clip as RTP packets and breaks it, reproducibly: flipped bits, cut and random payloads, lost, doubled and swapped packets. */
import type { RtpPacket } from '../../../compositor/ingest/rtpPacket.ts';
import type { JobSource } from '../../../src/contracts/job.ts';

/** The first octets hold descriptors and headers: half of all flips hit these. */
const HEADER_BYTES = 24;

export class Fuzzer {
  #state: number;
  #index = 1000;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `below` − 1. */
  random(below: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * below);
  }

  /** The packets of one frame. `whole`: leaves it as it is. */
  packets(source: JobSource, payloads: readonly Buffer[], timestamp: number, whole: boolean): RtpPacket[] {
    const { payloadType, ssrc } = source;
    const packets = payloads.map((payload, i) => ({
      ...{ index: this.#index + i, timestamp: timestamp >>> 0, payloadType, ssrc },
      marker: i === payloads.length - 1,
      payload: whole ? payload : this.broken(payload),
    }));
    this.#index += packets.length;
    if (whole) return packets;
    const what = this.random(12);
    if (what === 0) packets.splice(this.random(packets.length), 1);
    if (what === 1) packets.reverse();
    if (what === 2 && packets[0]) packets.push(packets[0]);
    if (what === 3) for (const packet of packets) packet.marker = this.random(2) === 0;
    return packets;
  }

  broken(payload: Buffer): Buffer {
    const copy = Buffer.from(payload);
    switch (this.random(5)) {
      case 0:
        return copy.subarray(0, 1 + this.random(copy.length));
      case 1:
        return Buffer.from(Array.from({ length: 1 + this.random(copy.length) }, () => this.random(256)));
      case 2:
        // All the bits set: sizes of 16,383, lengths and counts at their end.
        return copy.fill(
          0xff,
          this.random(Math.min(HEADER_BYTES, copy.length)),
          Math.min(2 * HEADER_BYTES, copy.length),
        );
      default:
        for (let flips = 1 + this.random(20); flips > 0; flips--) {
          const at = this.random(flips % 2 ? copy.length : Math.min(HEADER_BYTES, copy.length));
          copy[at] = (copy[at] ?? 0) ^ (1 << this.random(8));
        }
        return copy;
    }
  }
}
