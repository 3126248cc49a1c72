import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { endianness } from 'node:os';
import ipaddr from 'ipaddr.js';

const TABLES = { IPv4: '/proc/net/tcp', IPv6: '/proc/net/tcp6' } as const;

export interface ConnectionEnds {
  localPort: number;
  remoteAddress: string;
  remotePort: number;
}

/** Readings that are under way: who asks meanwhile gets the same one, since the kernel walks all its connections for each. */
const reading = new Map<string, Promise<string>>();

/**
 * Bytes of a TCP connection that the kernel holds and the other side has not acknowledged: what SIOCOUTQ tells. Node has no way
 * to ask, so it is read from Linux' table (proc_pid_net(5), `tx_queue`); undefined where there is none.
 *
 * Without it a server that hangs is seen late: the kernel takes megabytes for it, which at a low bitrate is a minute.
 */
export async function sendQueueBytes(socket: Socket): Promise<number | undefined> {
  const { localPort, remoteAddress, remotePort, localFamily } = socket;
  if (localPort === undefined || remotePort === undefined || remoteAddress === undefined) return undefined;
  const table = TABLES[localFamily as keyof typeof TABLES];
  if (!table) return undefined;
  try {
    return findQueue(await readShared(table), { localPort, remoteAddress, remotePort });
  } catch {
    return undefined;
  }
}

function readShared(table: string): Promise<string> {
  const running = reading.get(table);
  if (running) return running;
  const started = readFile(table, 'latin1').finally(() => reading.delete(table));
  reading.set(table, started);
  return started;
}

/** `sl local_address rem_address st tx_queue:rx_queue …`, addresses as HEX:PORT. Only connections that are established have one. */
export function findQueue(table: string, { localPort, remoteAddress, remotePort }: ConnectionEnds): number | undefined {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  const remote = `${addressHex(remoteAddress)}:${hex(remotePort)}`;
  const row = new RegExp(`^ *\\d+: [0-9A-F]+:${hex(localPort)} ${remote} 01 ([0-9A-F]{8}):`, 'm');
  const queue = row.exec(table)?.[1];
  return queue === undefined ? undefined : Number.parseInt(queue, 16);
}

/** Each 32-bit word of the address as a number of this machine. */
function addressHex(address: string): string {
  const bytes = Buffer.from(ipaddr.parse(address.replace(/%.*$/, '')).toByteArray());
  if (endianness() === 'LE') bytes.swap32();
  return bytes.toString('hex').toUpperCase();
}
