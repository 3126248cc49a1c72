import { useSignal } from '@preact/signals';
import type { BroadcastStatus } from '../../../../src/contracts/broadcast.ts';
import { t } from '../../../shared/language.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { DestinationStates } from '../DestinationStates.tsx';

/** It waits for a compositor: where, and what happens then. */
export function WaitNotice({ status: { state, position, waitReason } }: { status: BroadcastStatus }) {
  if (position === null || waitReason === null) return null;
  return (
    <p class="notice" role="status" data-testid="live-waiting" data-position={position}>
      {t(state === 'recovering' ? 'live.wait.recovering' : `live.wait.${waitReason}`, { position })}
    </p>
  );
}

/** Nobody sees anything of it yet: it can be given up without a question. */
export function Pending({ session, status, host }: { session: StudioSession; status: BroadcastStatus; host: boolean }) {
  const busy = useSignal(false);
  const stop = async () => {
    busy.value = true;
    await session.show.stop();
    busy.value = false;
  };
  return (
    <>
      <DestinationStates session={session} destinations={status.destinations} host={host} />
      {host ? (
        <button
          type="button"
          class="button outline wide stop live-action"
          data-testid="stop-waiting"
          disabled={busy.value}
          onClick={() => void stop()}
        >
          {t('live.wait.stop')}
        </button>
      ) : null}
    </>
  );
}
