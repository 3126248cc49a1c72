import type { RtpPacket } from './rtpPacket.ts';

/**
 * Packets held behind a hole. A power of two. 2,048 packets of 1,180 octets are 2.4 MB, and 400 ms of a stream of 48 Mbit/s,
 * so that it is time and not room that ends the waiting for a lost packet.
 */
export const REORDER_CAPACITY = 2048;

export type Placed = 'held' | 'duplicate' | 'late' | 'beyond';

/** Puts the packets of one stream into the order of their index. Bounded; what does not fit is told to the caller. */
export class ReorderBuffer {
  readonly #ring: (RtpPacket | undefined)[] = new Array(REORDER_CAPACITY);
  #next = -1;
  #highest = -1;

  /** Index of the packet that is to come out next; -1 before the first. */
  get next(): number {
    return this.#next;
  }

  /** The highest index seen; -1 before the first. */
  get highest(): number {
    return this.#highest;
  }

  /** True where a later packet waits for one that is not there. */
  get hasHole(): boolean {
    return this.#next >= 0 && this.#highest >= this.#next && !this.#ring[this.#next % REORDER_CAPACITY];
  }

  /** `late`: given up or given out already. `beyond`: too far ahead of the hole; call `restart(packet)` to go on from it. */
  push(packet: RtpPacket): Placed {
    if (this.#next < 0) this.#next = packet.index;
    if (packet.index < this.#next) return 'late';
    if (packet.index >= this.#next + REORDER_CAPACITY) return 'beyond';
    const slot = packet.index % REORDER_CAPACITY;
    if (this.#ring[slot]) return 'duplicate';
    this.#ring[slot] = packet;
    if (packet.index > this.#highest) this.#highest = packet.index;
    return 'held';
  }

  /** The next packet in order; null at a hole or where nothing is held. */
  shift(): RtpPacket | null {
    const slot = this.#next % REORDER_CAPACITY;
    const packet = this.#next < 0 ? undefined : this.#ring[slot];
    if (!packet) return null;
    this.#ring[slot] = undefined;
    this.#next++;
    return packet;
  }

  /** The first packet behind the hole at the front. */
  firstHeld(): RtpPacket | null {
    for (let index = this.#next; index <= this.#highest; index++) {
      const packet = this.#ring[index % REORDER_CAPACITY];
      if (packet) return packet;
    }
    return null;
  }

  /** Gives up the hole at the front; answers how many packets were missing. */
  skipHole(): number {
    const packet = this.firstHeld();
    if (!packet) return 0;
    const missing = packet.index - this.#next;
    this.#next = packet.index;
    return missing;
  }

  /** Drops all that is held and goes on from this packet; answers how many indices are left out for good. */
  restart(packet: RtpPacket): number {
    const missing = packet.index - this.#next;
    this.#ring.fill(undefined);
    this.#next = packet.index;
    this.#highest = packet.index - 1;
    return missing;
  }
}
