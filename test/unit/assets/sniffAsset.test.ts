import { describe, expect, test } from 'vitest';
import { sniffAsset } from '../../../src/assets/sniffAsset.ts';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));

describe('sniffAsset', () => {
  test.each([
    ['image/png', bytes('\x89PNG\r\n\x1a\n', '....')],
    ['image/jpeg', bytes([0xff, 0xd8, 0xff, 0xe0])],
    ['image/webp', bytes('RIFF', [1, 2, 3, 4], 'WEBPVP8 ')],
    ['audio/wav', bytes('RIFF', [1, 2, 3, 4], 'WAVEfmt ')],
    ['audio/ogg', bytes('OggS')],
    ['audio/flac', bytes('fLaC')],
    ['audio/mp4', bytes([0, 0, 0, 32], 'ftypM4A ')],
    ['audio/mpeg', bytes('ID3')],
    ['audio/mpeg', bytes([0xff, 0xfb, 0x90, 0x00])],
    ['audio/aac', bytes([0xff, 0xf1, 0x50, 0x80])],
    ['image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['image/svg+xml', Buffer.from('\ufeff<?xml version="1.0"?>\n<!-- 连麦 -->\n<!DOCTYPE svg PUBLIC "a" "b">\n<svg>')],
  ])('%s', (type, content) => {
    expect(sniffAsset(content)).toBe(type);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a page', Buffer.from('<html><svg></svg></html>')],
    ['a script', Buffer.from('alert(1)')],
    ['another element that begins alike', Buffer.from('<svgx>')],
    ['entities: a small file that is a billion laughs', Buffer.from('<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>')],
    ['half a PNG signature', bytes('\x89PNG')],
    ['GIF', bytes('GIF89a')],
    ['a program', bytes('\x7fELF')],
    ['a zip file', bytes('PK\x03\x04')],
    ['UTF-16', bytes([0xff, 0xfe], '<\0s\0v\0g\0>\0')],
  ])('not %s', (_what, content) => {
    expect(sniffAsset(content)).toBeUndefined();
  });
});
