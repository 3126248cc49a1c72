import { expect, test } from 'vitest';
import { rtmpRefusal } from '../../../../src/delivery/destinations/refusals.ts';

test.each([
  [
    'says so',
    3300,
    ['Input #0', '[rtmp @ 0x1] Server error: Already publishing'],
    'refused',
    'stream key: Already publishing',
  ],
  ['hangs up at the key', 3300, ['rtmp://127.0.0.1:1/: Operation not permitted'], 'refused', 'refused the stream key'],
  ['hangs up at the application', 3073, [], 'refused', 'refused the application'],
  ['hangs up at once', 0, [], 'closed', 'before it spoke RTMP'],
  ['hangs up in the handshake', 1537, [], 'closed', 'before it spoke RTMP'],
])('a server that %s', (_, receivedBytes, stderr, failure, words) => {
  const told = rtmpRefusal({ receivedBytes, stderr });
  expect(told.failure).toBe(failure);
  expect(told.reason).toContain(words);
});
