/**
 * A text as it goes out: as it is, gzipped, and by brotli, each with its entity tag. It belongs to the bytes that it was made from, so
 * whoever asks for the same rendering of a playlist gets what was compressed for the first who asked.
 */
import { createHash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { Coding } from './contentCoding.ts';

/** A playlist lives for a third of a second and has a few kB: level 4 of 11 has most of the gain at a tenth of the time. */
const BROTLI_QUALITY = 4;
/** Log2 of bytes; a playlist is smaller than 64 kB, and a larger window only costs the time to clear it. */
const BROTLI_WINDOW_BITS = 16;
const GZIP_LEVEL = 6;

/** Texts that are made anew for each who asks (what a room does, its qualities) are mostly the same as before. */
const RECENT_TEXTS = 100;

const texts = new WeakMap<Buffer, EncodedText>();
const recent = new LRUCache<string, EncodedText>({ max: RECENT_TEXTS });

export class EncodedText {
  readonly #bytes: Buffer;
  /** 96 bits of the text's SHA-256. */
  readonly #hash: string;
  #gzip: Buffer | undefined;
  #brotli: Buffer | undefined;

  private constructor(bytes: Buffer, hash: string) {
    this.#bytes = bytes;
    this.#hash = hash;
  }

  /** The same object for the same buffer, for as long as that lives, and for the same text. The buffer is never written to again. */
  static of(bytes: Buffer): EncodedText {
    const known = texts.get(bytes);
    if (known) return known;
    const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 16);
    const text = recent.get(hash) ?? new EncodedText(bytes, hash);
    recent.set(hash, text);
    texts.set(bytes, text);
    return text;
  }

  /** A strong entity tag: each coding is a representation of its own (RFC 9110 section 8.8.3.3). */
  etag(coding: Coding): string {
    return coding === 'identity' ? `"${this.#hash}"` : `"${this.#hash}-${coding}"`;
  }

  body(coding: Coding): Buffer {
    if (coding === 'identity') return this.#bytes;
    if (coding === 'gzip') {
      this.#gzip ??= gzipSync(this.#bytes, { level: GZIP_LEVEL });
      return this.#gzip;
    }
    this.#brotli ??= brotliCompressSync(this.#bytes, {
      params: {
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_LGWIN]: BROTLI_WINDOW_BITS,
        [constants.BROTLI_PARAM_SIZE_HINT]: this.#bytes.length,
      },
    });
    return this.#brotli;
  }
}
