import { useMemo } from 'preact/hooks';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { useNow } from '../../shared/useNow.ts';
import { doorText } from '../doorTexts.ts';
import type { StudioSession } from '../session/StudioSession.ts';

/** A seat, and a place in the queue, is kept for this long (src/rooms/limits.ts), s; the server begins to count no sooner than the page. */
const KEPT_S = 30;

/** The connection is gone: what is kept, for how long, and what comes after. Lives as long as that lasts. */
export function Reconnecting({ session }: { session: StudioSession }) {
  const since = useMemo(() => Date.now(), []);
  const left = Math.max(0, Math.ceil(KEPT_S - (useNow(true) - since) / 1_000));
  const problem = session.problem.value;
  const known = problem && problem.code !== 'connection-lost' && problem.code !== 'server-unreachable' ? problem : null;
  const kept = session.state.self.value?.seated ? 'reconnect.seat' : 'reconnect.place';
  return (
    <div class="notice" role="status" data-testid="reconnecting" data-state={left > 0 ? 'kept' : 'over'}>
      <Icon name="warning" />
      <div class="grow">
        <strong>{known ? t(`problem.${known.code}.title`) : t('studio.reconnecting')}</strong>
        <span>{known ? t(`problem.${known.code}.do`) : doorText(left > 0 ? kept : 'reconnect.over')}</span>
      </div>
      {left > 0 ? (
        // Read out each second it would be a nuisance; the sentence says how long it is.
        <span class="countdown" aria-hidden="true">
          {doorText('reconnect.left', { seconds: left })}
        </span>
      ) : null}
    </div>
  );
}
