import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

const TABLES = { IPv4: '/proc/net/tcp', IPv6: '/proc/net/tcp6' } as const;

/**
 * Bytes of a TCP connection that the kernel holds and the other side has not acknowledged: what SIOCOUTQ tells. Node has no way
 * to ask, so it is read from Linux' table (proc_pid_net(5), `tx_queue`); undefined where there is none.
 *
 * Without it a server that hangs is seen late: the kernel takes megabytes for it, which at a low bitrate is a minute.
 */
export async function sendQueueBytes(socket: Socket): Promise<number | undefined> {
  const { localPort, remotePort, localFamily } = socket;
  if (localPort === undefined || remotePort === undefined) return undefined;
  const table = TABLES[localFamily as keyof typeof TABLES];
  if (!table) return undefined;
  try {
    return findQueue(await readFile(table, 'latin1'), localPort, remotePort);
  } catch {
    return undefined;
  }
}

/** `sl local_address rem_address st tx_queue:rx_queue …`, addresses as HEX:PORT. */
export function findQueue(table: string, localPort: number, remotePort: number): number | undefined {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(`^ *\\d+: [0-9A-F]+:${hex(localPort)} [0-9A-F]+:${hex(remotePort)} 01 ([0-9A-F]{8}):`, 'm');
  const queue = row.exec(table)?.[1];
  return queue === undefined ? undefined : Number.parseInt(queue, 16);
}
