/** What the monitor says, from what the room knows and what has come. Pure. */
import type { BroadcastStatus } from '../../../../src/contracts/broadcast.ts';

export type MonitorState = 'off' | 'starting' | 'live' | 'recovering' | 'missing';

/** `picture`: the newest stream that there is has shown a frame. `overdue`: one should have come long ago. */
export function monitorState(
  broadcast: Pick<BroadcastStatus, 'state'> | null,
  { picture, overdue }: { picture: boolean; overdue: boolean },
): MonitorState {
  switch (broadcast?.state) {
    case undefined:
    case 'ended':
    case 'failed':
      return 'off';
    case 'recovering':
      return 'recovering';
    case 'pending':
    case 'starting':
      return 'starting';
    case 'live':
    case 'ending':
      return picture ? 'live' : overdue ? 'missing' : 'starting';
  }
}
