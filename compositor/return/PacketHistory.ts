/** The newest packets of one RTP stream, by their sequence numbers, for who asks for them again (RFC 4585 section 6.2.1). */
export class PacketHistory {
  readonly #packets: ({ sequence: number; packet: Buffer } | undefined)[];

  /** `most`: how many are kept; a divisor of 2^16. */
  constructor(most: number) {
    this.#packets = new Array(most).fill(undefined);
  }

  add(sequence: number, packet: Buffer): void {
    this.#packets[sequence % this.#packets.length] = { sequence, packet };
  }

  /** undefined: it was never there, or is not any more. */
  get(sequence: number): Buffer | undefined {
    const entry = this.#packets[sequence % this.#packets.length];
    return entry?.sequence === sequence ? entry.packet : undefined;
  }
}
