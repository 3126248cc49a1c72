/** Sprites and overlays by what they show; the ones that were asked for longest ago go first. */
import type { Sprite } from './Canvas.ts';
import type { Overlay } from './Overlay.ts';

type Drawn = Sprite | Overlay | null;

/** 16 people in two layouts of a 1080p program; what a stage uses stays with the stage. */
const MAX_BYTES = 16 << 20;
/** Small ones count as well. */
const ENTRY_BYTES = 1024;

export class SpriteCache {
  readonly #entries = new Map<string, Drawn>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): Drawn | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found;
  }

  set(key: string, drawn: Drawn): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#bytes -= bytesOf(before);
    this.#entries.delete(key);
    this.#entries.set(key, drawn);
    this.#bytes += bytesOf(drawn);
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#maxBytes || oldest === key) return;
      this.#entries.delete(oldest);
      this.#bytes -= bytesOf(old);
    }
  }
}

function bytesOf(drawn: Drawn): number {
  let bytes = ENTRY_BYTES;
  if (!drawn) return bytes;
  for (const plane of drawn.planes) {
    bytes += 'samples' in plane ? plane.samples.length + plane.alpha.length + plane.runs.byteLength : plane.length;
  }
  return bytes;
}
