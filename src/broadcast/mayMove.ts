import type { BroadcastState } from '../contracts/broadcast.ts';

const RANK: Record<BroadcastState, number> = {
  ...{ pending: 0, starting: 0, live: 1, recovering: 1 },
  ...{ ending: 2, ended: 3, failed: 3 },
};

/** It has not been live yet. */
export const notYet = (state: BroadcastState): boolean => RANK[state] === 0;

/** A broadcast's state is monotonic, but that `pending` and `starting`, `live` and `recovering` take turns. */
export function mayMove(from: BroadcastState, to: BroadcastState): boolean {
  const turn = RANK[to] === RANK[from] && RANK[to] < 2 && to !== from;
  return turn || RANK[to] > RANK[from];
}
