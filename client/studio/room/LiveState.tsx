import { formatDuration, formatRemaining } from '../../shared/format.ts';
import { language, t } from '../../shared/language.ts';
import { useNow } from '../../shared/useNow.ts';
import { useRemaining } from '../../shared/useRemaining.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { RecState } from './live/RecState.tsx';
import { showText } from './live/showTexts.ts';

/** The badges on top: whether the room is live, for how long, or when it will be; and whether that is recorded. */
export function LiveState({ session }: { session: StudioSession }) {
  const { clockOffset, schedule } = session.state;
  const broadcast = session.state.broadcast.value;
  const onAir = session.state.onAir.value;
  const state = onAir && broadcast ? broadcast.state : 'off';
  const now = useNow(onAir);
  const next = state === 'off' && schedule.value?.state === 'scheduled' ? schedule.value : null;
  const seconds = useRemaining(next?.startsAt ?? null, clockOffset.value);
  const time =
    onAir && broadcast?.startedAt != null ? formatDuration(now + clockOffset.value - broadcast.startedAt) : '';
  const look = state === 'live' ? 'live' : state === 'off' ? '' : 'warn';
  return (
    <>
      <span class={`badge ${look}`} data-testid="live-state" data-state={state}>
        {/* The time changes each second and is not read out. */}
        <span role="status">{next ? showText('show.scheduled') : t(`live.${state}`)}</span>
        {time ? <span aria-hidden="true">{time}</span> : null}
        {next && seconds !== null ? <span aria-hidden="true">{formatRemaining(seconds, language.value)}</span> : null}
      </span>
      <RecState session={session} />
    </>
  );
}
