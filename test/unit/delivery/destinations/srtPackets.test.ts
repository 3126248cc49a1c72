import { describe, expect, test } from 'vitest';
import {
  readSrtPacket,
  rejectionSentence,
  sequenceDistance,
  shutdownPacket,
} from '../../../../src/delivery/destinations/srtPackets.ts';

/** The header of section 3: control type or sequence number, type-specific information, time, socket. */
function packet(first: number, information: number, ...words: number[]): Buffer {
  const bytes = Buffer.alloc(16 + words.length * 4);
  bytes.writeUInt32BE(first >>> 0, 0);
  bytes.writeUInt32BE(information >>> 0, 4);
  bytes.writeUInt32BE(77, 12);
  for (const [i, word] of words.entries()) bytes.writeUInt32BE(word >>> 0, 16 + i * 4);
  return bytes;
}
/** Control information of a handshake: version, encryption, first sequence, MTU, window, type, socket id. */
const handshake = (type: number, socket: number) => packet(0x8000_0000, 0, 5, 0, 9, 1500, 8192, type, socket);

describe('readSrtPacket', () => {
  test.each([
    [
      'data',
      packet(0x7fff_fffe, 0xc000_0001, 1, 2),
      { type: 'data', sequence: 0x7fff_fffe, payloadBytes: 8, again: false },
    ],
    ['data once more', packet(5, 0xc400_0001, 1), { type: 'data', sequence: 5, payloadBytes: 4, again: true }],
    ['an acknowledgement', packet(0x8002_0000, 3, 1234, 0, 0), { type: 'ack', sequence: 1234 }],
    ['the end', packet(0x8005_0000, 0, 0), { type: 'shutdown' }],
    ['the first step of a handshake', handshake(1, 42), { type: 'other' }],
    ['the last step of a handshake', handshake(0xffff_ffff, 42), { type: 'conclusion', socketId: 42 }],
    ['a refusal', handshake(1010, 42), { type: 'rejection', reason: 10 }],
    ['a refusal of the application', handshake(2401, 42), { type: 'rejection', reason: 1401 }],
    ['keep-alive', packet(0x8001_0000, 0), { type: 'other' }],
    ['too short', Buffer.alloc(15), { type: 'other' }],
    ['an acknowledgement that is cut', packet(0x8002_0000, 3), { type: 'other' }],
    ['a handshake that is cut', packet(0x8000_0000, 0, 5, 0), { type: 'other' }],
  ])('%s', (_, bytes, expected) => {
    expect(readSrtPacket(bytes)).toEqual(expected);
  });
});

test('the packet that says the end is one', () => {
  const bytes = shutdownPacket(0xdead_beef, 5e9);
  expect(readSrtPacket(bytes)).toEqual({ type: 'shutdown' });
  expect(bytes.readUInt32BE(12)).toBe(0xdead_beef);
});

test('sequence numbers wrap', () => {
  expect(sequenceDistance(10, 15)).toBe(5);
  expect(sequenceDistance(15, 10)).toBe(-5);
  expect(sequenceDistance(0x7fff_fffe, 1)).toBe(3);
  expect(sequenceDistance(1, 0x7fff_fffe)).toBe(-3);
});

test('reasons are sentences', () => {
  expect(rejectionSentence(10)).toBe('the passphrase is wrong');
  expect(rejectionSentence(1401)).toContain('refused the stream key');
  expect(rejectionSentence(4)).toBe('the server refused the connection (SRT reason 1004)');
});
