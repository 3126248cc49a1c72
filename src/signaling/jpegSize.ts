/** Pure: what a JPEG says of its size (ITU-T T.81, annex B), so that nobody is sent one that takes gigabytes to decode. */

const SOI = 0xffd8;
const MARKER = 0xff;
/** Markers of a frame header, SOF0 to SOF15, without DHT, JPG and DAC, which lie between them. */
const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** Pixels; undefined: it is no JPEG. */
export function jpegSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 4 || view.getUint16(0) !== SOI) return undefined;
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== MARKER) return undefined;
    const marker = view.getUint8(at + 1);
    // marker, length, precision, height, width
    if (isFrameHeader(marker)) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
