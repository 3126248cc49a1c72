/** The head of a JPEG of this size, as long as a reader of headers needs it: SOI, APP0 with its 16 bytes, SOF0. */
export function jpegOf(width: number, height: number): Uint8Array {
  const app0 = [0xff, 0xe0, 0, 16, ...Array<number>(14).fill(0)];
  const sof0 = [0xff, 0xc0, 0, 11, 8, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0];
  return Uint8Array.from([0xff, 0xd8, ...app0, ...sof0]);
}
