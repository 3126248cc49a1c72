/** BT.601, limited range: how cameras in WebRTC arrive and how the program is tagged. */
export type Yuv = readonly [y: number, cb: number, cr: number];

/** `#rrggbb` → luma 16…235, chroma 16…240 (ITU-R BT.601-7, section 2.5.3). */
export function yuvOfHex(hex: string): Yuv {
  const value = Number.parseInt(hex.slice(1), 16);
  const [r, g, b] = [(value >> 16) & 255, (value >> 8) & 255, value & 255];
  return [
    Math.round(16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255),
    Math.round(128 + (-37.797 * r - 74.203 * g + 112 * b) / 255),
    Math.round(128 + (112 * r - 93.786 * g - 18.214 * b) / 255),
  ];
}

/** A hue in degrees that stays the same for the same text (FNV-1a). */
export function hueOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return ((hash >>> 0) * 137.508) % 360;
}
