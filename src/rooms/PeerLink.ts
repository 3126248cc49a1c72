import type { LeaveReason, NewConsumer, ServerToClient } from '../contracts/signaling.ts';

/** Events that are told and not asked. */
export type ToldEvent = Exclude<keyof ServerToClient, 'consumer:new' | 'left' | 'moved'>;

/** `moved`: it goes on elsewhere. */
export type CloseReason = LeaveReason | 'moved';

/** A peer's connection, as a room needs it. `signaling/Connection.ts` is one. */
export interface PeerLink {
  tell<E extends ToldEvent>(event: E, ...args: Parameters<ServerToClient[E]>): void;
  /** As `tell`, for what is of no use later: dropped when the connection has no room for it just now. */
  show: PeerLink['tell'];
  /** Resolves true when the client has built the consumer; false when it has not, or does not answer within 10 s. */
  offerConsumer(consumer: NewConsumer): Promise<boolean>;
  /** Sends `left`, or `moved`, then closes the connection. `words`: what a host says to it. */
  dismiss(reason: CloseReason, words?: string): void;
}
