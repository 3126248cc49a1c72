import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { findQueue, sendQueueBytes } from '../../../../src/delivery/destinations/sendQueue.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
  12: 0100007F:A3C4 0100007F:078F 01 0001F4A0:00000000 01:00000014 00000000     0        0 2 2 0 20 4 30 10 -1
`;

test('the row of a connection is found by its ports', () => {
  expect(findQueue(TABLE, 0xa3c4, 0x78f)).toBe(0x1f4a0);
  expect(findQueue(TABLE, 0x78f, 0xa3c4)).toBeUndefined();
  expect(findQueue(TABLE, 0x1f90, 0)).toBeUndefined();
});

test.runIf(process.platform === 'linux')('what a peer does not read is counted', async () => {
  const sockets: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const client = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  onTestFinished(() => {
    for (const socket of [client, ...sockets]) socket.destroy();
    server.close();
  });
  await new Promise((resolve) => client.once('connect', resolve));
  expect(await sendQueueBytes(client)).toBe(0);
  client.write(Buffer.alloc(16 * 1024 * 1024));
  await expect.poll(() => sendQueueBytes(client)).toBeGreaterThan(10_000);
});
