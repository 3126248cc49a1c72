import { formatDuration } from '../../../shared/format.ts';
import { useNow } from '../../../shared/useNow.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { showText } from './showTexts.ts';

/** In the top bar, to everybody in the room: that they are being recorded, and for how long. */
export function RecState({ session }: { session: StudioSession }) {
  const { broadcast, onAir, clockOffset } = session.state;
  const recording = onAir.value ? broadcast.value?.recording : null;
  const on = recording?.state === 'recording' && broadcast.value?.state !== 'pending';
  const now = useNow(on);
  const since = recording?.startedAt ?? broadcast.value?.startedAt ?? null;
  return (
    <>
      {on ? (
        <span class="badge rec" data-testid="rec" title={showText('show.recording.says')}>
          <span aria-hidden="true">{showText('show.recording')}</span>
          {/* The time changes each second and is not read out. */}
          {since === null ? null : (
            <span class="rec-time" aria-hidden="true">
              {formatDuration(now + clockOffset.value - since)}
            </span>
          )}
        </span>
      ) : null}
      <span class="visually-hidden" role="status">
        {on ? showText('show.recording.says') : recording ? showText('show.recording.done') : ''}
      </span>
    </>
  );
}
