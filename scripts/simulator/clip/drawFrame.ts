/** The pictures of a clip: clip number and frame → I420 at 320 × 180. The code's places are frameCode.ts'; makeClip.ts is next. */
import {
  type Area,
  BASE_HEIGHT,
  BASE_WIDTH,
  BLACK,
  blocksOf,
  encodeFrameCode,
  FLASH_AREA,
  hueOf,
  isFlash,
  WHITE,
} from './frameCode.ts';

const LUMA_BYTES = BASE_WIDTH * BASE_HEIGHT;
export const FRAME_BYTES = (LUMA_BYTES * 3) / 2;
/** The background drifts by this many base units a frame, as a hand-held camera does: an encoder has motion to follow. */
const DRIFT = 1;
const TEXTURE_WIDTH = 512;

/** Draws the frames of one clip; the texture behind the code is made once. */
export class FramePainter {
  readonly #clip: number;
  readonly #texture: Uint8Array;

  constructor(clip: number) {
    this.#clip = clip;
    this.#texture = texture(clip);
  }

  draw(counter: number): Buffer {
    const frame = Buffer.alloc(FRAME_BYTES);
    for (let y = 0; y < BASE_HEIGHT; y++) {
      const row = y * TEXTURE_WIDTH;
      for (let x = 0; x < BASE_WIDTH; x++) {
        frame[y * BASE_WIDTH + x] = this.#texture[row + ((x + counter * DRIFT) % TEXTURE_WIDTH)] ?? 0;
      }
    }
    const bits = encodeFrameCode(this.#clip, counter);
    for (let i = 0; i < 16; i++) {
      const one = (bits >> (15 - i)) & 1;
      const { plain, inverse } = blocksOf(i);
      fill(frame, plain, one ? WHITE : BLACK);
      fill(frame, inverse, one ? BLACK : WHITE);
    }
    fill(frame, FLASH_AREA, isFlash(this.#clip, counter) ? WHITE : BLACK);
    const { cb, cr } = hueOf(this.#clip);
    frame.fill(cb, LUMA_BYTES, LUMA_BYTES + LUMA_BYTES / 4);
    frame.fill(cr, LUMA_BYTES + LUMA_BYTES / 4);
    return frame;
  }
}

function fill(frame: Buffer, area: Area, luma: number): void {
  for (let y = area.y; y < area.y + area.height; y++) {
    const start = y * BASE_WIDTH + area.x;
    frame.fill(luma, start, start + area.width);
  }
}

/** A smooth random relief around middle grey: what makes the encoder work as hard as a camera does. */
function texture(seed: number): Uint8Array {
  const cell = 6;
  const columns = Math.ceil(TEXTURE_WIDTH / cell);
  const rows = Math.ceil(BASE_HEIGHT / cell) + 1;
  let state = 0x9e3779b9 ^ (seed * 0x85ebca6b);
  const random = () => {
    // xorshift32 (Marsaglia 2003): the same picture on every machine.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const knots = Float32Array.from({ length: columns * rows }, random);
  const at = (column: number, row: number) => knots[row * columns + (column % columns)] ?? 0;
  const out = new Uint8Array(TEXTURE_WIDTH * BASE_HEIGHT);
  for (let y = 0; y < BASE_HEIGHT; y++) {
    for (let x = 0; x < TEXTURE_WIDTH; x++) {
      const [cx, cy] = [Math.floor(x / cell), Math.floor(y / cell)];
      const [fx, fy] = [(x % cell) / cell, (y % cell) / cell];
      const top = at(cx, cy) * (1 - fx) + at(cx + 1, cy) * fx;
      const bottom = at(cx, cy + 1) * (1 - fx) + at(cx + 1, cy + 1) * fx;
      out[y * TEXTURE_WIDTH + x] = 70 + Math.round(90 * (top * (1 - fy) + bottom * fy));
    }
  }
  return out;
}
