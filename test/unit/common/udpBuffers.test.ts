import pino from 'pino';
import { expect, test } from 'vitest';
import { receiveDrops, UDP_RECEIVE_BUFFER, warnOfSmallBuffers } from '../../../src/common/udpBuffers.ts';

const SNMP = `Tcp: RtoAlgorithm RtoMin
Tcp: 1 200
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors
Udp: 50664091 352951 1033009 52067071 1033 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors
UdpLite: 0 0 0 0 9 0
`;

test('drops of IPv4 and of IPv6 are added', () => {
  const files: Record<string, string> = {
    '/proc/net/snmp': SNMP,
    '/proc/net/snmp6': 'Udp6InDatagrams\t7\nUdp6RcvbufErrors                \t20\nUdpLite6RcvbufErrors\t4\n',
  };
  expect(receiveDrops((path) => files[path] ?? '')).toBe(1053);
});

test('without IPv6 those of IPv4 count, and without either it is not known', () => {
  expect(receiveDrops((path) => (path.endsWith('snmp') ? SNMP : ''))).toBe(1033);
  expect(receiveDrops(() => '')).toBeNull();
  const missing = () => {
    throw new Error('ENOENT');
  };
  expect(receiveDrops(missing)).toBeNull();
});

test('a limit of the kernel that is too small is told with its remedy, a large or unknown one is not', () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  warnOfSmallBuffers(logger, UDP_RECEIVE_BUFFER);
  warnOfSmallBuffers(logger, null);
  expect(lines).toEqual([]);
  warnOfSmallBuffers(logger, 212_992);
  expect(lines.join()).toContain('sysctl -w net.core.rmem_max=4194304');
});
