/** What the monitor says, from what the room knows and what has come. Pure. */
import type { BroadcastStatus } from '../../../../src/contracts/broadcast.ts';

export type MonitorState = 'off' | 'starting' | 'live' | 'recovering' | 'missing';
/** `kept`: the last frame of a stream that has ended stands. */
export type PictureState = 'none' | 'there' | 'kept';

/** `overdue`: a picture should have come long ago. */
export function monitorState(
  broadcast: Pick<BroadcastStatus, 'state'> | null,
  { picture, overdue }: { picture: PictureState; overdue: boolean },
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
      if (picture === 'there') return 'live';
      if (overdue) return 'missing';
      return picture === 'kept' ? 'recovering' : 'starting';
  }
}
