import { formatDuration } from '../../shared/format.ts';
import { t } from '../../shared/language.ts';
import { useNow } from '../../shared/useNow.ts';
import type { StudioSession } from '../session/StudioSession.ts';

/** The badge on top: whether the room is live, and for how long. */
export function LiveState({ session }: { session: StudioSession }) {
  const broadcast = session.state.broadcast.value;
  const onAir = session.state.onAir.value;
  const state = onAir && broadcast ? broadcast.state : 'off';
  const now = useNow(onAir);
  const time =
    onAir && broadcast?.startedAt != null
      ? formatDuration(now + session.state.clockOffset.value - broadcast.startedAt)
      : '';
  const look = state === 'live' ? 'live' : state === 'off' ? '' : 'warn';
  return (
    <span class={`badge ${look}`} data-testid="live-state" data-state={state}>
      {/* The time changes each second and is not read out. */}
      <span role="status">{t(`live.${state}`)}</span>
      {time ? <span aria-hidden="true">{time}</span> : null}
    </span>
  );
}
