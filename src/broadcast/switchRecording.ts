import type { BroadcastInput } from '../contracts/broadcast.ts';
import { AppError } from '../contracts/errors.ts';
import type { DeliveryPlace } from './DeliveryPlace.ts';
import { notYet } from './mayMove.ts';
import type { StatusBoard } from './StatusBoard.ts';

export interface RecordedBroadcast {
  /** What is kept of it, and told delivery at each connection: whether it is recorded is changed there. */
  input: BroadcastInput;
  board: StatusBoard;
  delivery: DeliveryPlace;
}

/** Begins a recording of a live broadcast, or ends it; `save` writes that down. Resolves when delivery has said so, or will hear of it. Throws AppError `conflict`. */
export async function switchRecording(
  { input, board, delivery }: RecordedBroadcast,
  on: boolean,
  save: () => Promise<void>,
): Promise<void> {
  if (input.record === on) return;
  if (notYet(board.state) || !delivery.link) throw new AppError('conflict', 'The broadcast is not live yet.');
  if (delivery.moving) throw new AppError('conflict', 'The broadcast is just being moved. Try again in a moment.');
  input.record = on;
  await save();
  await delivery.record(on);
}
