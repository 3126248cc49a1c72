/** Watches the file into which an RTMP server writes what it receives: when each video frame arrived. */
import { closeSync, openSync, readSync } from 'node:fs';

/** How often the file is looked at, ms: nginx writes each message as it comes. */
const LOOK_MS = 4;
const CHUNK_BYTES = 256 * 1024;
const FILE_HEADER_BYTES = 13;
const TAG_HEADER_BYTES = 11;
/** Behind each tag: the size of it (Adobe FLV 10.1, annex E.3). */
const BACK_POINTER_BYTES = 4;
const VIDEO_TAG = 9;
/** AVCPacketType 1: coded pictures, not the decoder's configuration. */
const AVC_NALU = 1;

export interface ArrivedFrame {
  /** In the file, ms. */
  timestampMs: number;
  /** Wall clock, ms. */
  arrivedMs: number;
}

export class FlvTail {
  readonly frames: ArrivedFrame[] = [];
  readonly #fd: number;
  readonly #timer: NodeJS.Timeout;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #at = 0;
  #rest = Buffer.alloc(0);
  #headerSeen = false;

  constructor(file: string) {
    this.#fd = openSync(file, 'r');
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    for (;;) {
      const length = readSync(this.#fd, this.#chunk, 0, CHUNK_BYTES, this.#at);
      if (length === 0) return;
      const now = performance.timeOrigin + performance.now();
      this.#at += length;
      this.#rest = Buffer.concat([this.#rest, this.#chunk.subarray(0, length)]);
      this.#parse(now);
    }
  }

  #parse(now: number): void {
    let at = 0;
    if (!this.#headerSeen) {
      if (this.#rest.length < FILE_HEADER_BYTES) return;
      this.#headerSeen = true;
      at = FILE_HEADER_BYTES;
    }
    while (at + TAG_HEADER_BYTES <= this.#rest.length) {
      const size = this.#rest.readUIntBE(at + 1, 3);
      const data = at + TAG_HEADER_BYTES;
      // A tag is there when its last byte is; its back pointer comes in the same write.
      if (data + size + BACK_POINTER_BYTES > this.#rest.length) break;
      if (this.#rest[at] === VIDEO_TAG && this.#rest[data + 1] === AVC_NALU) {
        const timestampMs = this.#rest.readUIntBE(at + 4, 3) + (this.#rest[at + 7] ?? 0) * 2 ** 24;
        this.frames.push({ timestampMs, arrivedMs: now });
      }
      at = data + size + BACK_POINTER_BYTES;
    }
    this.#rest = this.#rest.subarray(at);
  }

  /** Idempotent. */
  close(): void {
    if (!this.#timer.hasRef()) return;
    clearInterval(this.#timer);
    this.#timer.unref();
    closeSync(this.#fd);
  }
}
