import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../common/clock.ts';
import type { CompositorRun } from './CompositorRun.ts';
import { mayMove } from './mayMove.ts';
import type { StatusBoard } from './StatusBoard.ts';

/** How long an answer about a scene waits for a compositor that is being replaced, ms; most are there after one or two seconds. */
const APPLY_WAIT_MS = 5_000;

export interface ApplyOptions {
  board: Pick<StatusBoard, 'state' | 'status'>;
  /** The compositor at work. */
  run: () => Pick<CompositorRun, 'apply'> | undefined;
  /** Resolves when the state is another. */
  moved: () => Promise<void>;
  clock: Clock;
}

/**
 * Sends the room as it is at once; the frame from which it holds. While its compositor is being replaced the successor's first frame is
 * waited for a while; null when that is not known then, the broadcast waits for a place, or it ends: who comes begins with the scene.
 */
export async function applyScene({ board, run, moved, clock }: ApplyOptions): Promise<number | null> {
  const until = clock.now() + APPLY_WAIT_MS;
  for (;;) {
    const present = run();
    if (board.state === 'live' && present) return present.apply();
    const left = until - clock.now();
    if (!mayMove(board.state, 'ending') || board.status.position !== null || left <= 0) return null;
    await Promise.race([moved(), delay(left, undefined, { ref: false })]);
  }
}
