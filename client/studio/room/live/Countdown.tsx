import { useRemaining } from '../../../shared/useRemaining.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { showText } from './showTexts.ts';

/** The last seconds before a start are counted for all in the room, s. */
export const COUNTED_SECONDS = 10;

/** Over the stage: how many seconds until everybody is live. By the server's clock, so all see the same number. */
export function Countdown({ session }: { session: StudioSession }) {
  const { schedule, onAir, clockOffset, self } = session.state;
  const next = schedule.value;
  const waits = next?.state === 'scheduled' && !onAir.value;
  const seconds = useRemaining(waits ? next.startsAt : null, clockOffset.value);
  if (seconds === null || seconds > COUNTED_SECONDS) return null;
  return (
    <div class="live-count" data-testid="countdown" data-seconds={seconds}>
      <p class="live-count-number" key={seconds} aria-hidden="true">
        {seconds === 0 ? <span class="spinner" /> : seconds}
      </p>
      <p class="live-count-words" role="status" aria-live="assertive" aria-atomic="true">
        {seconds === 0 ? showText('show.count.now') : showText('show.count', { seconds })}
      </p>
      {self.value?.role === 'host' && seconds > 0 ? (
        <button
          type="button"
          class="button"
          data-testid="countdown-stop"
          onClick={() => void session.show.cancelSchedule()}
        >
          {showText('show.count.stop')}
        </button>
      ) : null}
    </div>
  );
}
