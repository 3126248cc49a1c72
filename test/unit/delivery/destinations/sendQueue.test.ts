import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { findQueue, sendQueueBytes } from '../../../../src/delivery/destinations/sendQueue.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
  12: 0100007F:A3C4 0100007F:078F 01 0001F4A0:00000000 01:00000014 00000000     0        0 2 2 0 20 4 30 10 -1
`;

test('the row of a connection is found by its port and its server', () => {
  const row = { localPort: 0xa3c4, remoteAddress: '127.0.0.1', remotePort: 0x78f };
  expect(findQueue(TABLE, row)).toBe(0x1f4a0);
  expect(findQueue(TABLE, { ...row, localPort: 0x78f, remotePort: 0xa3c4 })).toBeUndefined();
  expect(findQueue(TABLE, { ...row, localPort: 0x1f90, remotePort: 0 })).toBeUndefined();
  // Two servers may be reached from one local port.
  expect(findQueue(TABLE, { ...row, remoteAddress: '127.0.0.2' })).toBeUndefined();
});

test('addresses of IPv6 too', () => {
  const table =
    '   1: 000080FE00000000FF565002BD69B1FE:D431 B80D0120000000000000000001000000:078F 01 00000010:00000000 00:00000000 00000000\n';
  expect(findQueue(table, { localPort: 0xd431, remoteAddress: '2001:db8::1', remotePort: 1935 })).toBe(16);
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
