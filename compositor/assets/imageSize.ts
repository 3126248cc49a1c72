/**
 * What an image says of itself before it is decoded: its kind and size. A few bytes can claim a picture that fills all memory, so nobody
 * decodes what has not been looked at here. Pure.
 */

export type ImageKind = 'png' | 'jpeg' | 'webp' | 'svg';

export interface ImageHeader {
  kind: ImageKind;
  /** Pixels; of an SVG the shape is what counts. */
  width: number;
  height: number;
}

/** 6000 x 4000, as cameras make them: 96 MB while it is decoded. */
const MAX_PIXELS = 24_000_000;
/** Drawing software writes some hundred kB; more is a burden, not a logo. */
const MAX_SVG_BYTES = 2 << 20;

export class BadImage extends Error {
  override name = 'BadImage';
}

/** @throws BadImage */
export function imageHeader(bytes: Buffer): ImageHeader {
  const header = pngHeader(bytes) ?? jpegHeader(bytes) ?? webpHeader(bytes) ?? svgHeader(bytes);
  if (!header) throw new BadImage('neither PNG, JPEG, WebP nor SVG');
  const { width, height } = header;
  if (!(width > 0 && height > 0)) throw new BadImage('an image without a size');
  if (header.kind !== 'svg' && width * height > MAX_PIXELS) throw new BadImage(`too large: ${width}x${height}`);
  return header;
}

function pngHeader(bytes: Buffer): ImageHeader | null {
  if (bytes.length < 33 || bytes.readUInt32BE(0) !== 0x89504e47 || bytes.toString('latin1', 12, 16) !== 'IHDR')
    return null;
  return { kind: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** ITU-T T.81, B.2: segments with a length, up to the first start of frame. */
function jpegHeader(bytes: Buffer): ImageHeader | null {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { kind: 'jpeg', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    // Fill bytes, and markers that stand alone.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else at += 2 + bytes.readUInt16BE(at + 2);
  }
  throw new BadImage('a JPEG without a start of frame');
}

/** RFC 9649, sections 2.5 to 2.7. */
function webpHeader(bytes: Buffer): ImageHeader | null {
  if (bytes.length < 30 || bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WEBP')
    return null;
  const kind = 'webp';
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return { kind, width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21);
      return { kind, width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return { kind, width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
    default:
      throw new BadImage('a WebP of a kind that is not known');
  }
}

function svgHeader(bytes: Buffer): ImageHeader | null {
  const text = bytes.toString('utf8', 0, MAX_SVG_BYTES);
  const root = /<svg\b[^>]*>/i.exec(text);
  if (!root || !/^\ufeff?\s*</.test(text)) return null;
  if (bytes.length > MAX_SVG_BYTES) throw new BadImage('an SVG of more than 2 MB');
  // Entities multiply; embedded pictures have sizes of their own that nobody has looked at.
  if (/<!ENTITY/i.test(text)) throw new BadImage('an SVG with entities');
  if (/<(?:\w+:)?(?:image|feImage)\b/i.test(text)) throw new BadImage('an SVG with a picture in it');
  const length = (name: string) => {
    const found = new RegExp(`\\s${name}\\s*=\\s*["']\\s*([\\d.]+)(?:px)?\\s*["']`).exec(root[0]);
    return found ? Number(found[1]) : Number.NaN;
  };
  const [width, height] = [length('width'), length('height')];
  if (width > 0 && height > 0) return { kind: 'svg', width, height };
  const box = /\sviewBox\s*=\s*["']\s*[-\d.e]+[\s,]+[-\d.e]+[\s,]+([\d.e]+)[\s,]+([\d.e]+)\s*["']/i.exec(root[0]);
  return { kind: 'svg', width: Number(box?.[1] ?? 1), height: Number(box?.[2] ?? 1) };
}

/** The size in which an image covers a box: never larger than it is, unless it has no size of its own. */
export function decodedSize({ kind, width, height }: ImageHeader, box: { width: number; height: number }) {
  const scale = Math.max(box.width / width, box.height / height);
  const least = kind === 'svg' ? scale : Math.min(1, scale);
  // A strip that is 1000 times as long as high would cover the box with a thousand boxes.
  const longest = 4 * Math.max(box.width, box.height);
  const fit = Math.min(least, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * fit)), height: Math.max(1, Math.round(height * fit)) };
}
