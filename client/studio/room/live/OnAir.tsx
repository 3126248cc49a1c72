import { useSignal } from '@preact/signals';
import type { BroadcastStatus } from '../../../../src/contracts/broadcast.ts';
import { Dialog } from '../../../shared/Dialog.tsx';
import { formatBitrate, formatDuration } from '../../../shared/format.ts';
import { t } from '../../../shared/language.ts';
import { useNow } from '../../../shared/useNow.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { DestinationStates } from '../DestinationStates.tsx';
import { RecordSwitch } from './RecordSwitch.tsx';

interface Props {
  session: StudioSession;
  status: BroadcastStatus;
  host: boolean;
  mayStop: boolean;
}

export function OnAir({ session, status, host, mayStop }: Props) {
  const now = useNow(true);
  const since = status.startedAt === null ? 0 : now + session.state.clockOffset.value - status.startedAt;
  const facts: [string, string][] = [
    [t('live.duration'), formatDuration(since)],
    [t('live.viewers'), String(status.viewers)],
    [t('live.fps'), status.fps.toFixed(1)],
    [t('live.bitrate'), formatBitrate(status.bitrate)],
  ];
  return (
    <>
      <dl class="facts" data-testid="live-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {status.restarts > 0 ? <p class="small muted">{t('live.restarts', { count: status.restarts })}</p> : null}
      {status.degradation === 'none' ? null : (
        <p class="small muted" role="status" data-testid="live-degraded">
          {t(`live.degraded.${status.degradation}`)}
        </p>
      )}
      <RecordSwitch session={session} status={status} host={host} />
      <DestinationStates session={session} destinations={status.destinations} host={host} />
      {mayStop ? <Stop session={session} status={status} /> : null}
    </>
  );
}

/** Everybody sees the end at once: it is asked for twice. */
function Stop({ session, status }: { session: StudioSession; status: BroadcastStatus }) {
  const asking = useSignal(false);
  const busy = useSignal(false);
  const close = () => {
    asking.value = false;
  };
  const stop = async () => {
    close();
    busy.value = true;
    await session.show.stop();
    busy.value = false;
  };
  return (
    <>
      <button
        type="button"
        class="button outline wide stop live-action"
        data-testid="stop-live"
        disabled={busy.value || status.state === 'ending'}
        onClick={() => {
          asking.value = true;
        }}
      >
        {t('live.stop')}
      </button>
      {asking.value ? (
        <Dialog title={t('live.stop.title')} onClose={close}>
          <p class="muted dialog-body">{t('live.stop.lead')}</p>
          <div class="actions">
            <button type="button" class="button" onClick={close}>
              {t('live.stop.keep')}
            </button>
            <button type="button" class="button live" data-testid="confirm-stop" onClick={() => void stop()}>
              {t('live.stop.confirm')}
            </button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
