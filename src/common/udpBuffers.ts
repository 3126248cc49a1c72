/**
 * What the kernel holds for a UDP port until the process behind it reads. A picture's packets come all at once, a key frame of each of 16
 * people is about 2 MB, and what finds no room is lost without a word: Linux' default of 208 kB is less than one burst of eight people.
 * The kernel gives at most net.core.rmem_max and wmem_max (socket(7), SO_RCVBUF), so that a machine needs those as well; docs/operations.md, "Kernel".
 */
import { readFileSync } from 'node:fs';
import type { Logger } from './logger.ts';

/** Bytes. */
export const UDP_RECEIVE_BUFFER = 4 << 20;
/** Bytes: what a sender holds until the network card has it; on loopback nothing. */
export const UDP_SEND_BUFFER = 1 << 20;

/** net.core.rmem_max, bytes; null where it is not to be read: in a container's network namespace, or not on Linux. */
export function receiveBufferLimit(): number | null {
  try {
    return Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
  } catch {
    return null;
  }
}

/**
 * UDP datagrams that this network namespace dropped since it is there, because the process they were for did not read them in time
 * (RcvbufErrors of /proc/net/snmp, and of snmp6); null where that is not to be read.
 */
export function receiveDrops(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): number | null {
  try {
    const [names = '', values = ''] = read('/proc/net/snmp').match(/^Udp: .*$/gm) ?? [];
    const column = names.split(' ').indexOf('RcvbufErrors');
    const six = /^Udp6RcvbufErrors\s+(\d+)$/m.exec(read('/proc/net/snmp6'));
    const drops = Number(values.split(' ')[column]) + Number(six?.[1] ?? 0);
    return Number.isFinite(drops) ? drops : null;
  } catch {
    return null;
  }
}

/** Says once, at a start, when the kernel gives less than what is asked for. */
export function warnOfSmallBuffers(logger: Logger, limit: number | null = receiveBufferLimit()): void {
  if (limit === null || limit >= UDP_RECEIVE_BUFFER) return;
  logger.warn(
    { rmemMax: limit, wanted: UDP_RECEIVE_BUFFER },
    `the kernel's net.core.rmem_max is small: bursts of media get lost. As root: sysctl -w net.core.rmem_max=${UDP_RECEIVE_BUFFER}`,
  );
}
