/**
 * Reads the messages out of one direction of an RTMP connection (Adobe's RTMP specification sections 5.2 and 5.3). In: bytes as they come. Out: whole
 * messages. Meant for what is said before and beside the media: it holds no more than one small message of each chunk stream.
 */

/** C0 to C2, as S0 to S2. */
export const HANDSHAKE_BYTES = 1 + 1536 + 1536;
const DEFAULT_CHUNK_BYTES = 128;
/** A larger message is media, or not RTMP at all. */
const MAX_MESSAGE_BYTES = 64 * 1024;
const EXTENDED = 0xff_ffff;
/** Bytes of the message header by chunk type. */
const HEADER_BYTES = [11, 7, 3, 0] as const;

/** Message types that are told apart (sections 5.4 and 7.1). */
export const MESSAGE = { CHUNK_SIZE: 1, ACKNOWLEDGEMENT: 3, WINDOW_SIZE: 5, COMMAND: 20 } as const;

export interface RtmpMessage {
  type: number;
  payload: Buffer;
}

interface ChunkStream {
  length: number;
  type: number;
  extended: boolean;
  payload: Buffer[];
  received: number;
}

export class RtmpReader {
  readonly #streams = new Map<number, ChunkStream>();
  #handshake = HANDSHAKE_BYTES;
  #rest: Buffer = Buffer.alloc(0);
  #chunkBytes = DEFAULT_CHUNK_BYTES;
  #lost = false;

  /** What came can not be read, and nothing after it. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Everything that has come is whole: another message may be put in here. */
  get atBoundary(): boolean {
    const whole = [...this.#streams.values()].every(({ received }) => received === 0);
    return !this.#lost && this.#handshake === 0 && this.#rest.length === 0 && whole;
  }

  push(bytes: Buffer): RtmpMessage[] {
    const skipped = Math.min(this.#handshake, bytes.length);
    this.#handshake -= skipped;
    if (this.#lost || skipped === bytes.length) return [];
    this.#rest = Buffer.concat([this.#rest, bytes.subarray(skipped)]);
    const messages: RtmpMessage[] = [];
    while (!this.#lost && this.#readChunk(messages));
    if (this.#lost) this.#rest = Buffer.alloc(0);
    return messages;
  }

  /** False: the next chunk is not whole yet, or can not be read. */
  #readChunk(messages: RtmpMessage[]): boolean {
    const bytes = this.#rest;
    const first = bytes[0];
    if (first === undefined) return false;
    const form = first & 63;
    const basic = form > 1 ? 1 : form + 2;
    const kind = first >> 6;
    const header = basic + (HEADER_BYTES[kind] ?? 0);
    if (bytes.length < header) return false;
    const id = form > 1 ? form : form === 0 ? 64 + bytes.readUInt8(1) : 64 + bytes.readUInt16LE(1);
    const stream = this.#streamOf(id, kind, bytes.subarray(basic, header));
    if (!stream) return this.#loose();
    const at = header + (stream.extended ? 4 : 0);
    const size = Math.min(this.#chunkBytes, stream.length - stream.received);
    if (bytes.length < at + size) return false;
    this.#streams.set(id, stream);
    stream.payload.push(bytes.subarray(at, at + size));
    stream.received += size;
    this.#rest = bytes.subarray(at + size);
    if (stream.received === stream.length) this.#finish(stream, messages);
    return true;
  }

  /** The chunk stream as the header says that it is now; undefined when it can not be. */
  #streamOf(id: number, kind: number, header: Buffer): ChunkStream | undefined {
    const old = this.#streams.get(id);
    if (kind === 3) return old;
    const extended = header.readUIntBE(0, 3) === EXTENDED;
    if (kind === 2) return old && { ...old, extended };
    const length = header.readUIntBE(3, 3);
    if (length > MAX_MESSAGE_BYTES) return undefined;
    return { length, type: header.readUInt8(6), extended, payload: [], received: 0 };
  }

  #finish(stream: ChunkStream, messages: RtmpMessage[]): void {
    const payload = Buffer.concat(stream.payload);
    stream.payload = [];
    stream.received = 0;
    if (stream.type === MESSAGE.CHUNK_SIZE && payload.length >= 4) {
      this.#chunkBytes = payload.readUInt32BE(0) & 0x7fff_ffff;
      if (this.#chunkBytes === 0) this.#loose();
    }
    messages.push({ type: stream.type, payload });
  }

  #loose(): false {
    this.#lost = true;
    return false;
  }
}

/** Section 5.4.4: from now on the other side acknowledges each time that it has read so many bytes. */
export function windowSizeMessage(bytes: number): Buffer {
  const message = Buffer.alloc(16);
  // Chunk stream 2, message stream 0, time 0, four bytes.
  message.writeUInt8(2, 0);
  message.writeUIntBE(4, 4, 3);
  message.writeUInt8(MESSAGE.WINDOW_SIZE, 7);
  message.writeUInt32BE(bytes, 12);
  return message;
}
