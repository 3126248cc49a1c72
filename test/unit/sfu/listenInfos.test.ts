import { expect, test } from 'vitest';
import { UDP_RECEIVE_BUFFER, UDP_SEND_BUFFER } from '../../../src/common/udpBuffers.ts';
import { listenInfos } from '../../../src/sfu/listenInfos.ts';

const buffers = { recvBufferSize: UDP_RECEIVE_BUFFER, sendBufferSize: UDP_SEND_BUFFER };

test('worker i has UDP and TCP port base + i', () => {
  expect(listenInfos({ listenIp: '192.0.2.1', basePort: 40_000, portOffset: 3 })).toEqual([
    { protocol: 'udp', ip: '192.0.2.1', ...buffers, port: 40_003 },
    { protocol: 'tcp', ip: '192.0.2.1', port: 40_003 },
  ]);
});

test('base 0 leaves the ports open', () => {
  expect(listenInfos({ listenIp: '127.0.0.1', basePort: 0, portOffset: 1 })).toEqual([
    { protocol: 'udp', ip: '127.0.0.1', ...buffers },
    { protocol: 'tcp', ip: '127.0.0.1' },
  ]);
});

test('the announced address goes into candidates, also for a wildcard', () => {
  expect(listenInfos({ listenIp: '0.0.0.0', announcedAddress: 'sfu.example', basePort: 1_234, portOffset: 0 })).toEqual(
    [
      { protocol: 'udp', ip: '0.0.0.0', announcedAddress: 'sfu.example', ...buffers, port: 1_234 },
      { protocol: 'tcp', ip: '0.0.0.0', announcedAddress: 'sfu.example', port: 1_234 },
    ],
  );
});

test('a wildcard alone is no candidate: the machine’s addresses are', () => {
  const infos = listenInfos({ listenIp: '0.0.0.0', basePort: 0, portOffset: 0 });
  expect(infos.some((i) => i.ip === '127.0.0.1')).toBe(true);
  expect(infos.some((i) => i.ip === '0.0.0.0')).toBe(false);
});
