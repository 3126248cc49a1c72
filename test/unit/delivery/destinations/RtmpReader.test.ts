import { describe, expect, test } from 'vitest';
import { HANDSHAKE_BYTES, RtmpReader, windowSizeMessage } from '../../../../src/delivery/destinations/RtmpReader.ts';

const HANDSHAKE = Buffer.alloc(HANDSHAKE_BYTES, 7);

/** A chunk with a whole header (type 0). */
function full(id: number, type: number, length: number, payload: Buffer, time = 0): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(id, 0);
  header.writeUIntBE(Math.min(time, 0xff_ffff), 1, 3);
  header.writeUIntBE(length, 4, 3);
  header.writeUInt8(type, 7);
  const extended = Buffer.alloc(time >= 0xff_ffff ? 4 : 0);
  if (extended.length > 0) extended.writeUInt32BE(time);
  return Buffer.concat([header, extended, payload]);
}
const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const text = (length: number): Buffer => Buffer.from('0123456789'.repeat(length / 10));

function readAll(bytes: Buffer, step = bytes.length): { reader: RtmpReader; messages: [number, string][] } {
  const reader = new RtmpReader();
  const messages: [number, string][] = [];
  for (let at = 0; at < bytes.length; at += step)
    for (const { type, payload } of reader.push(bytes.subarray(at, at + step)))
      messages.push([type, payload.toString('latin1')]);
  return { reader, messages };
}

describe('messages', () => {
  const long = text(300);
  const stream = Buffer.concat([
    HANDSHAKE,
    full(2, 3, 4, word(0x41424344)),
    // 300 bytes in chunks of 128, another chunk stream between them.
    full(3, 20, 300, long.subarray(0, 128)),
    full(2, 1, 4, word(200)),
    Buffer.from([0xc3]),
    long.subarray(128, 300),
    // Type 1: without the message stream. Type 2: without length and type. Type 3: as the last.
    Buffer.concat([Buffer.from([0x43, 0, 0, 1, 0, 0, 10, 20]), text(10)]),
    Buffer.concat([Buffer.from([0x83, 0, 0, 1]), text(10)]),
    Buffer.concat([Buffer.from([0xc3]), text(10)]),
    // Two and three bytes of chunk stream id.
    Buffer.concat([Buffer.from([0x00, 5]), full(0, 20, 10, text(10)).subarray(1)]),
    Buffer.concat([Buffer.from([0x01, 5, 6]), full(1, 20, 10, text(10)).subarray(1)]),
    full(4, 20, 10, text(10), 0x0100_0000),
  ]);
  const ten: [number, string] = [20, text(10).toString()];
  const expected = [
    [3, 'ABCD'],
    [1, word(200).toString('latin1')],
    [20, long.toString()],
    ten,
    ten,
    ten,
    ten,
    ten,
    ten,
  ];

  test('whole, in chunks, of all forms of header', () => {
    const { reader, messages } = readAll(stream);
    expect(messages).toEqual(expected);
    expect(reader.atBoundary).toBe(true);
  });

  test.each([1, 7, 1000])('however the bytes come: %i at a time', (step) => {
    expect(readAll(stream, step).messages).toEqual(expected);
  });

  test('a boundary is where nothing is half there', () => {
    const reader = new RtmpReader();
    expect(reader.atBoundary).toBe(false);
    reader.push(HANDSHAKE);
    expect(reader.atBoundary).toBe(true);
    reader.push(full(3, 20, 200, text(130).subarray(0, 128)));
    expect(reader.atBoundary).toBe(false);
    reader.push(Buffer.concat([Buffer.from([0xc3]), text(80).subarray(0, 72)]));
    expect(reader.atBoundary).toBe(true);
    reader.push(Buffer.from([2]));
    expect(reader.atBoundary).toBe(false);
  });

  test('our own message is one', () => {
    const { messages } = readAll(Buffer.concat([HANDSHAKE, windowSizeMessage(65_536)]));
    expect(messages).toEqual([[5, word(65_536).toString('latin1')]]);
  });
});

describe('what can not be read ends it, quietly', () => {
  test.each([
    ['a chunk that goes on with nothing', Buffer.from([0xc5])],
    ['a chunk without a header before it', Buffer.from([0x85, 0, 0, 0])],
    ['a message that is too large', full(3, 9, 100_000, text(10))],
    ['a chunk size of nothing', full(2, 1, 4, word(0))],
  ])('%s', (_, bytes) => {
    const { reader, messages } = readAll(Buffer.concat([HANDSHAKE, bytes, full(2, 3, 4, word(1))]));
    expect(reader.lost).toBe(true);
    expect(reader.atBoundary).toBe(false);
    expect(messages.filter(([type]) => type === 3)).toEqual([]);
  });
});
