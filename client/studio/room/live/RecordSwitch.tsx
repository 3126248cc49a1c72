import { useSignal } from '@preact/signals';
import type { BroadcastStatus } from '../../../../src/contracts/broadcast.ts';
import { Icon } from '../../../shared/icons.tsx';
import type { StudioSession } from '../../session/StudioSession.ts';
import { showText } from './showTexts.ts';

interface Props {
  session: StudioSession;
  status: BroadcastStatus;
  host: boolean;
}

/** A recording begins and ends while the show goes on; that it runs is in the top bar, for everybody. */
export function RecordSwitch({ session, status, host }: Props) {
  const busy = useSignal(false);
  const { recording } = status;
  const on = recording?.state === 'recording';
  const toggle = async () => {
    busy.value = true;
    await session.show.record(!on);
    busy.value = false;
  };
  return (
    <>
      {recording && !recording.complete && recording.reason ? (
        <p class="notice" role="status" data-testid="recording-trouble">
          <Icon name="warning" />
          {showText('show.recording.trouble', { reason: recording.reason })}
        </p>
      ) : null}
      {host ? (
        <div class="record-switch">
          <button
            type="button"
            class="button outline wide"
            data-testid="record-switch"
            data-on={on}
            disabled={busy.value || (status.state !== 'live' && status.state !== 'recovering')}
            onClick={() => void toggle()}
          >
            <span class={`record-dot ${on ? 'on' : ''}`} aria-hidden="true" />
            {showText(on ? 'show.record.off' : 'show.record.on')}
          </button>
          {on ? <p class="small muted">{showText('show.record.off.hint')}</p> : null}
        </div>
      ) : null}
    </>
  );
}
