import type { CompositorKeeper } from '../CompositorKeeper.ts';
import type { Ownership } from '../record/Ownership.ts';
import type { StatusBoard } from '../StatusBoard.ts';
import type { Balance } from './Balance.ts';
import type { BroadcastPlace } from './BroadcastPlace.ts';

/** One broadcast's part in the balance of agents (Balance.ts), until the answer is called. */
export function joinBalance(
  balance: Balance | undefined,
  of: { broadcast: string; compositors: CompositorKeeper; place: BroadcastPlace; owner: Ownership; board: StatusBoard },
): () => void {
  if (!balance) return () => {};
  const { broadcast, compositors, place, owner, board } = of;
  const { changed, leave } = balance.join({
    broadcast,
    seat: () => {
      const { run } = compositors;
      return run && board.state === 'live' ? { agent: run.agentUrl, slots: place.slots } : null;
    },
    tell: (at) => void owner.berth(at),
    handOver: () => compositors.handOver('rebalance'),
  });
  compositors.on('live', changed).on('lost', changed).on('moved', changed);
  place.on('costs', changed);
  return () => {
    compositors.off('live', changed).off('lost', changed).off('moved', changed);
    place.off('costs', changed);
    leave();
  };
}
