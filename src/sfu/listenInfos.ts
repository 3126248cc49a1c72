import { networkInterfaces } from 'node:os';
import type { types as mediasoup } from 'mediasoup';
import { UDP_RECEIVE_BUFFER, UDP_SEND_BUFFER } from '../common/udpBuffers.ts';

/** `portOffset` is the worker's index. */
export interface ListenOptions {
  listenIp: string;
  announcedAddress?: string | undefined;
  /** 0: any free ports. */
  basePort: number;
  portOffset: number;
}

/** All people of a worker send to one port. For TCP the kernel finds the sizes itself, and better (tcp(7), tcp_moderate_rcvbuf). */
const BUFFERS = { udp: { recvBufferSize: UDP_RECEIVE_BUFFER, sendBufferSize: UDP_SEND_BUFFER }, tcp: {} } as const;

const isWildcard = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';

/** This machine's addresses that a browser can use as an ICE candidate; link-local IPv6 needs a zone and cannot. */
function ownAddresses(wildcard: string): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all
    .filter((a) => a.family === 'IPv4' || (wildcard === '::' && !a.address.startsWith('fe80')))
    .map((a) => a.address);
}

/**
 * Where a worker's WebRtcServer listens: UDP and TCP, on the same port number when it is given. A wildcard is no candidate:
 * without an announced address each of the machine's addresses is listened on by itself.
 */
export function listenInfos(options: ListenOptions): mediasoup.TransportListenInfo[] {
  const { listenIp, announcedAddress, basePort, portOffset } = options;
  const ips = isWildcard(listenIp) && !announcedAddress ? ownAddresses(listenIp) : [listenIp];
  return ips.flatMap((ip) =>
    (['udp', 'tcp'] as const).map((protocol) => ({
      protocol,
      ip: ip === 'localhost' ? '127.0.0.1' : ip,
      ...(announcedAddress ? { announcedAddress } : {}),
      ...BUFFERS[protocol],
      ...(basePort > 0 ? { port: basePort + portOffset } : {}),
    })),
  );
}
