import { expect, test } from 'vitest';
import { Acknowledgements } from '../../../../src/delivery/destinations/Acknowledgements.ts';
import { HANDSHAKE_BYTES, windowSizeMessage } from '../../../../src/delivery/destinations/RtmpReader.ts';

const INTERVAL = 64 * 1024;
const HANDSHAKE = Buffer.alloc(HANDSHAKE_BYTES);

function message(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(3, 0);
  header.writeUIntBE(payload.length, 4, 3);
  header.writeUInt8(type, 7);
  return Buffer.concat([header, payload]);
}
const ack = (sequence: number): Buffer => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(sequence % 2 ** 32);
  return message(3, payload);
};

/** A connection on which `connect` has been answered. */
function connected(): { acks: Acknowledgements; answer: Buffer | undefined } {
  const acks = new Acknowledgements();
  acks.sent(HANDSHAKE);
  acks.received(HANDSHAKE, INTERVAL);
  acks.sent(message(20, Buffer.from('connect')));
  return { acks, answer: acks.received(message(20, Buffer.from('_result')), INTERVAL) };
}

test('the server is asked once, when it has answered connect', () => {
  const { acks, answer } = connected();
  expect(answer).toEqual(windowSizeMessage(INTERVAL));
  expect(acks.received(message(20, Buffer.from('onStatus')), INTERVAL)).toBeUndefined();
});

test('not in the middle of a message', () => {
  const acks = new Acknowledgements();
  acks.sent(Buffer.concat([HANDSHAKE, message(20, Buffer.from('connect')).subarray(0, 15)]));
  acks.received(HANDSHAKE, INTERVAL);
  expect(acks.received(message(20, Buffer.from('_result')), INTERVAL)).toBeUndefined();
});

test('what it has not read is known once it has answered as it was asked to', () => {
  const { acks } = connected();
  expect(acks.unread).toBeUndefined();
  for (let i = 1; i <= 3; i++) {
    acks.sent(Buffer.alloc(INTERVAL));
    expect(acks.unread).toBeUndefined();
    acks.received(ack(i * INTERVAL), INTERVAL);
  }
  acks.sent(Buffer.alloc(500_000));
  expect(acks.unread).toBeGreaterThan(500_000);
  expect(acks.unread).toBeLessThan(504_000);
  expect(acks.interval).toBe(INTERVAL);
});

test('a server with an interval of its own is not judged by it', () => {
  const { acks } = connected();
  for (let i = 1; i <= 4; i++) {
    acks.sent(Buffer.alloc(2_500_000));
    acks.received(ack(i * 2_500_000), INTERVAL);
  }
  expect(acks.unread).toBeUndefined();
});

test('nor one that has read more than was sent, or says the same again', () => {
  for (const wrong of [10 ** 6, 3 * INTERVAL]) {
    const { acks } = connected();
    for (let i = 1; i <= 3; i++) {
      acks.sent(Buffer.alloc(INTERVAL));
      acks.received(ack(i * INTERVAL), INTERVAL);
    }
    expect(acks.unread).toBeDefined();
    acks.received(ack(wrong), INTERVAL);
    expect(acks.unread).toBeUndefined();
  }
});

test('numbers wrap after 4 GiB', () => {
  const { acks } = connected();
  const step = Buffer.alloc(256 * 1024);
  for (let sent = step.length; sent <= 2 ** 32 + 3 * step.length; sent += step.length) {
    acks.sent(step);
    acks.received(ack(sent), step.length);
  }
  expect(acks.unread).toBeLessThan(4000);
});
