/** Pure: which kind of image or sound some bytes are, by what they begin with; what a sender says they are counts for nothing. */
import type { AssetType } from '../contracts/assets.ts';

const at = (bytes: Uint8Array, offset: number, text: string): boolean =>
  bytes.length >= offset + text.length && [...text].every((c, i) => bytes[offset + i] === c.charCodeAt(0));

/** Bytes that are looked at for an SVG's first element: behind a long comment nobody needs to find it. */
const SVG_HEAD_BYTES = 8_192;

/** undefined: none that is taken. */
export function sniffAsset(bytes: Uint8Array): AssetType | undefined {
  if (at(bytes, 0, '\x89PNG\r\n\x1a\n')) return 'image/png';
  if (at(bytes, 0, '\xff\xd8\xff')) return 'image/jpeg';
  if (at(bytes, 0, 'RIFF') && at(bytes, 8, 'WEBP')) return 'image/webp';
  if (at(bytes, 0, 'RIFF') && at(bytes, 8, 'WAVE')) return 'audio/wav';
  if (at(bytes, 0, 'OggS')) return 'audio/ogg';
  if (at(bytes, 0, 'fLaC')) return 'audio/flac';
  // ISO base media; M4A is sound alone, and a sound track of another is taken as well.
  if (at(bytes, 4, 'ftyp')) return 'audio/mp4';
  if (at(bytes, 0, 'ID3')) return 'audio/mpeg';
  const [first = 0, second = 0] = bytes;
  if (first === 0xff && (second & 0xf6) === 0xf0) return 'audio/aac';
  // An MPEG audio frame of layer III.
  if (first === 0xff && (second & 0xe6) === 0xe2) return 'audio/mpeg';
  return isSvg(bytes) ? 'image/svg+xml' : undefined;
}

/** UTF-8, and `<svg` is the first element. */
function isSvg(bytes: Uint8Array): boolean {
  const head = new TextDecoder('utf-8').decode(bytes.subarray(0, SVG_HEAD_BYTES)).replace(/^\ufeff/, '');
  let rest = head.trimStart();
  for (;;) {
    const skipped = /^(<\?xml[^>]*\?>|<!--[\s\S]*?-->|<!DOCTYPE\s[^>[]*>)/i.exec(rest);
    if (!skipped) return /^<svg[\s>/]/.test(rest);
    rest = rest.slice(skipped[0].length).trimStart();
  }
}
