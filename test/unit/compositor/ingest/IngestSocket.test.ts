import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { IngestSocket } from '../../../../compositor/ingest/IngestSocket.ts';
import { createLogger } from '../../../../src/common/logger.ts';

test('drained: all that waits in the kernel is told, more than the event loop reads at once', async () => {
  const socket = await IngestSocket.create({
    ip: '127.0.0.1',
    portRange: [0, 0],
    logger: createLogger({ level: 'silent' }),
  });
  const sender = createSocket('udp4');
  try {
    sender.bind(0, '127.0.0.1');
    await once(sender, 'listening');
    sender.connect(socket.port, '127.0.0.1');
    await once(sender, 'connect');
    socket.connect({ ip: '127.0.0.1', port: sender.address().port });
    let told = 0;
    socket.on('datagram', () => told++);
    // A connected socket sends at once: all of them are in the kernel before this turn of the loop is over.
    for (let i = 0; i < 200; i++) sender.send(Buffer.from([i]));
    expect(told).toBe(0);
    await socket.drained();
    expect(told).toBe(200);
    await socket.drained();
  } finally {
    sender.close();
    socket.close();
  }
  await socket.drained();
});
