/** What `npm run simulate -- --events` prints, one line of JSON each. */
import { z } from 'zod';
import { ACTIONS } from './script.ts';

const Peer = z.int().min(0);
/** Wall clock, ms since 1970. */
const AtMs = z.number();

export const SimulatorEvent = z.discriminatedUnion('event', [
  /** It has joined and published; `id` is the server's name for it. */
  z.object({ event: z.literal('joined'), peer: Peer, id: z.string(), atMs: AtMs }),
  /** Its first RTP packet leaves. */
  z.object({ event: z.literal('sending'), peer: Peer, atMs: AtMs }),
  /** A step of the script begins. */
  z.object({ event: z.literal('doing'), peer: Peer, do: z.enum(ACTIONS), atMs: AtMs }),
  /** A step of the script was done: the server has answered. */
  z.object({ event: z.literal('did'), peer: Peer, do: z.enum(ACTIONS), atMs: AtMs }),
]);
export type SimulatorEvent = z.infer<typeof SimulatorEvent>;

/** null: another line, such as the result at the end. */
export function parseEvent(line: string): SimulatorEvent | null {
  if (!line.startsWith('{"event":')) return null;
  return SimulatorEvent.parse(JSON.parse(line));
}
