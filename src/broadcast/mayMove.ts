import type { BroadcastState } from '../contracts/broadcast.ts';

const RANK: Record<BroadcastState, number> = { starting: 0, live: 1, recovering: 1, ending: 2, ended: 3, failed: 3 };

/** A broadcast's state is monotonic, but that `live` and `recovering` take turns. */
export function mayMove(from: BroadcastState, to: BroadcastState): boolean {
  const turn = (from === 'live' && to === 'recovering') || (from === 'recovering' && to === 'live');
  return turn || RANK[to] > RANK[from];
}
