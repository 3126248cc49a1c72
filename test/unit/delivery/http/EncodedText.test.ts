import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { EncodedText } from '../../../../src/delivery/http/EncodedText.ts';

const BYTES = Buffer.from('#EXT-X-PART:DURATION=0.333333,URI="1.2.m4s"\n'.repeat(100));

test('each coding is the same text, smaller', () => {
  const text = EncodedText.of(BYTES);
  expect(text.body('identity')).toBe(BYTES);
  expect(gunzipSync(text.body('gzip')).equals(BYTES)).toBe(true);
  expect(brotliDecompressSync(text.body('br')).equals(BYTES)).toBe(true);
  expect(text.body('gzip').length).toBeLessThan(BYTES.length / 5);
  expect(text.body('br').length).toBeLessThan(BYTES.length / 5);
});

test('a rendering is compressed once, whoever asks', () => {
  expect(EncodedText.of(BYTES)).toBe(EncodedText.of(BYTES));
  expect(EncodedText.of(BYTES).body('gzip')).toBe(EncodedText.of(BYTES).body('gzip'));
  expect(EncodedText.of(BYTES).body('br')).toBe(EncodedText.of(BYTES).body('br'));
});

test('entity tags: of the text and of its coding', () => {
  const text = EncodedText.of(BYTES);
  const tags = [text.etag('identity'), text.etag('gzip'), text.etag('br')];
  expect(new Set(tags).size).toBe(3);
  for (const tag of tags) expect(tag).toMatch(/^"[\w-]+"$/);
  expect(EncodedText.of(Buffer.from(BYTES))).toBe(text);
  expect(EncodedText.of(BYTES.subarray(1)).etag('br')).not.toBe(text.etag('br'));
});
