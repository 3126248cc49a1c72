/**
 * How nodes of two versions find the protocol number that they speak. The rule of each interface:
 *
 *   1 Signalling        the page says its number in `auth`; the server takes it or refuses. A page that is refused asks again with the oldest
 *   2 Control           the controller says the number in `open`: the agent's own where it is announced, else ours; an agent that refuses it
 *                       (`protocol`) is asked again with the one before. All messages of the connection, jobs too, are of that number
 *   3 Media             SRTP; what is in it was said on Control
 *   4 Program           HTTP with the job's URLs and headers: nothing may be added that delivery must know
 *   5 Delivery control  as Control; a delivery node of version 1 refuses with `bad-request`
 *   6 Playback          HTTP and HLS, for players of any age: nothing is ever taken away
 *
 * Within a number, messages only get new fields with defaults: who does not know one drops it. A message of a new type has its number in the
 * interface's table (`CONTROL_SINCE`, `DELIVERY_SINCE`) and is not said to who speaks an older one, so nobody may count on an answer to it.
 */
import { OLDEST_PROTOCOL, PROTOCOL, Protocol } from './ids.ts';

/** The number to begin with. `announced` is the newest that the other node speaks; undefined: it is not known. */
export const protocolWith = (announced: number | undefined): number => Math.min(PROTOCOL, announced ?? PROTOCOL);

/** What is tried when the other node has refused `protocol`; undefined: there is nothing older. */
export const protocolBefore = (protocol: number): number | undefined =>
  protocol > OLDEST_PROTOCOL ? protocol - 1 : undefined;

/** Message type → the protocol number that it came with; left out: 1. */
export type Since<M extends { type: string }> = Readonly<Partial<Record<M['type'], number>>>;

/** Whether this message may be said to who speaks `protocol`. */
export const isKnownTo = <M extends { type: string }>(protocol: number, { type }: M, since: Since<M>): boolean =>
  (since[type as M['type']] ?? OLDEST_PROTOCOL) <= protocol;

/** The first number in which a broadcast can be moved from one delivery node to another: both, and its compositor, have to know how. */
export const MOVES_SINCE = 2;
/** The first number of delivery in which `take` tells a compositor that stands by from the one at work. */
export const STANDBY_SINCE = 2;

/** A sentence when `message` (JSON, not parsed yet) is an `open` of a number that we do not speak; undefined otherwise. */
export function foreignProtocol(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, protocol } = message as { type?: unknown; protocol?: unknown };
  if (type !== 'open' || typeof protocol !== 'number' || Protocol.safeParse(protocol).success) return undefined;
  return `This node speaks protocol ${OLDEST_PROTOCOL} to ${PROTOCOL}, not ${protocol}.`;
}
