/**
 * Packets kept track of below the newest one. RFC 3711 section 3.3.2 wants at least 64; a retransmission that was asked for
 * by NACK is up to 400 ms old, which at 20 Mbit/s is about 850 packets.
 */
const WINDOW = 1024;
const WORDS = WINDOW / 32;

/** Which packet indices were received: refuses a second packet of the same index (RFC 3711 section 3.3.2). */
export class ReplayWindow {
  readonly #bits = new Uint32Array(WORDS);
  #newest = -1;

  /** False where the index was seen, or is too old to tell. */
  accepts(index: number): boolean {
    if (index > this.#newest) return true;
    if (index <= this.#newest - WINDOW) return false;
    return ((this.#bits[(index % WINDOW) >>> 5] ?? 0) & (1 << (index & 31))) === 0;
  }

  /** Only after the packet proved authentic. */
  add(index: number): void {
    if (index > this.#newest) {
      const step = index - this.#newest;
      if (step >= WINDOW) this.#bits.fill(0);
      else for (let i = this.#newest + 1; i < index; i++) this.#clear(i);
      this.#newest = index;
    }
    const word = (index % WINDOW) >>> 5;
    this.#bits[word] = (this.#bits[word] ?? 0) | (1 << (index & 31));
  }

  #clear(index: number): void {
    const word = (index % WINDOW) >>> 5;
    this.#bits[word] = (this.#bits[word] ?? 0) & ~(1 << (index & 31));
  }
}
