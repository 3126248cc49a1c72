import { AppError } from '../contracts/errors.ts';
import type { CompositorKeeper } from './CompositorKeeper.ts';
import type { HandoffEnd } from './Handoff.ts';
import type { StatusBoard } from './StatusBoard.ts';

/** Somebody wants the broadcast on another agent. Resolves when it is there. Throws AppError `no-capacity`, `conflict`. */
export async function requestHandover(board: StatusBoard, compositors: CompositorKeeper): Promise<void> {
  if (board.state !== 'live') throw new AppError('conflict', 'The broadcast is not live.');
  const failed = (error: unknown): HandoffEnd<unknown> => ({ outcome: 'abandoned', error });
  const { outcome, error } = await compositors.handOver('request').catch(failed);
  if (outcome === 'no-place') throw new AppError('no-capacity', undefined, { cause: error });
  if (outcome !== 'done') throw new AppError('conflict', 'The broadcast was not handed over.', { cause: error });
}
