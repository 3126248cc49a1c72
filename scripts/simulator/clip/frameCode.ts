/**
 * What a simulated peer's picture says about itself, and where. `drawFrame.ts` draws it, `test/support/program/` reads it back
 * from the program, so both take every number from here.
 *
 * All places are in base units: the picture is 320 × 180 of them, whatever its resolution. Everything stands in the middle
 * 96 × 78, since a cell that `cover`s crops the sides (half the width stays of two peers side by side, a third in a portrait program).
 *
 *   y  51 ┌───────────────────┐
 *         │ bits 0–7          │ each bit a 12 × 12 block, white = 1
 *         │ bits 0–7 inverted │ so that no threshold has to be guessed
 *         │ bits 8–15         │
 *         │ bits 8–15 inverted│
 *     101 ├───────────────────┤
 *         │ flash             │ black; white during a beep's first two frames
 *     121 ├───────────────────┤
 *         │ colour            │ the peer's own hue, also behind everything
 *     129 └───────────────────┘
 *
 * The 16 bits: counter (9), peer (4), check (3).
 */

export const BASE_WIDTH = 320;
export const BASE_HEIGHT = 180;

export interface Area {
  /** Base units. */
  x: number;
  y: number;
  width: number;
  height: number;
}

export const BLOCK = 12;
export const BITS_PER_ROW = 8;
export const CODE_AREA: Area = { x: 112, y: 51, width: 96, height: 48 };
export const FLASH_AREA: Area = { x: 112, y: 101, width: 96, height: 18 };
export const COLOUR_AREA: Area = { x: 112, y: 121, width: 96, height: 8 };

/** Luma of a 1 and a 0: inside the limited range, so that an encoder's ringing is not clipped. */
export const WHITE = 225;
export const BLACK = 25;
/** A block and its inverse differ by at least this much luma, or the code counts as unreadable. */
export const MIN_CONTRAST = 60;

/** Different clips; a room has as many seats. A peer with a higher number plays clip `number mod 16`. */
export const CLIPS = 16;
export const FPS = 30;
/** Frames until the clip and its counter begin anew: 10 s. */
export const CLIP_FRAMES = 300;
/** Frames from one flash and beep to the next: 2 s. */
export const EVENT_PERIOD_FRAMES = 60;
export const FLASH_FRAMES = 2;
export const BEEP_MS = 60;

/** First frame of the clip's first flash. Peers take turns, 100 ms apart, so that beeps do not cover each other. */
export const firstEventFrame = (clip: number): number => 4 + 3 * clip;
/** Whether the flash is white in frame `counter`. */
export const isFlash = (clip: number, counter: number): boolean => {
  const since = (counter - firstEventFrame(clip) + CLIP_FRAMES) % EVENT_PERIOD_FRAMES;
  return since < FLASH_FRAMES;
};
/** Frequencies 200 Hz apart: orthogonal over any window that is a multiple of 5 ms. */
export const beepHz = (clip: number): number => 600 + 200 * clip;

/** The clip's chroma, as Cb and Cr (ITU-R BT.601): 16 hues around the circle. */
export function hueOf(clip: number): { cb: number; cr: number } {
  const angle = (2 * Math.PI * clip) / CLIPS;
  return { cb: Math.round(128 + 72 * Math.cos(angle)), cr: Math.round(128 + 72 * Math.sin(angle)) };
}

/** The clip whose hue is nearest, and how far it is away on the Cb/Cr plane (neighbours are 28 apart). */
export function nearestHue(cb: number, cr: number): { clip: number; distance: number } {
  let best = { clip: 0, distance: Number.POSITIVE_INFINITY };
  for (let clip = 0; clip < CLIPS; clip++) {
    const hue = hueOf(clip);
    const distance = Math.hypot(hue.cb - cb, hue.cr - cr);
    if (distance < best.distance) best = { clip, distance };
  }
  return best;
}

/** CRC-3/GSM's polynomial x³ + x + 1 over 13 bits, so that a block read wrongly twice still does not pass. */
function check(word: number): number {
  let rest = word << 3;
  for (let bit = 15; bit >= 3; bit--) if (rest & (1 << bit)) rest ^= 0b1011 << (bit - 3);
  return (rest & 7) ^ 7;
}

/** The 16 bits of a frame, the first bit highest. */
export function encodeFrameCode(clip: number, counter: number): number {
  const word = ((counter % CLIP_FRAMES) << 4) | (clip % CLIPS);
  return (word << 3) | check(word);
}

export interface FrameCode {
  clip: number;
  /** Frame of the clip, 0 to 299. */
  counter: number;
}

/** null when the check bits do not fit. */
export function decodeFrameCode(bits: number): FrameCode | null {
  const word = bits >> 3;
  if ((bits & 7) !== check(word)) return null;
  const counter = word >> 4;
  return counter < CLIP_FRAMES ? { clip: word & 15, counter } : null;
}

/** The block of bit `index` and the block of its inverse. */
export function blocksOf(index: number): { plain: Area; inverse: Area } {
  const x = CODE_AREA.x + (index % BITS_PER_ROW) * BLOCK;
  const y = CODE_AREA.y + Math.floor(index / BITS_PER_ROW) * 2 * BLOCK;
  return {
    plain: { x, y, width: BLOCK, height: BLOCK },
    inverse: { x, y: y + BLOCK, width: BLOCK, height: BLOCK },
  };
}
