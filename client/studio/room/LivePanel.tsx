import { useSignal } from '@preact/signals';
import type { BroadcastStatus } from '../../../src/contracts/broadcast.ts';
import { CopyButton } from '../../shared/CopyButton.tsx';
import { Dialog } from '../../shared/Dialog.tsx';
import { formatBitrate, formatDuration } from '../../shared/format.ts';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { useNow } from '../../shared/useNow.ts';
import type { Studio } from '../Studio.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { DestinationForm } from './DestinationForm.tsx';
import { DestinationStates } from './DestinationStates.tsx';
import { type DestinationDraft, destinationsOf } from './destinations.ts';

interface Props {
  studio: Studio;
  session: StudioSession;
}

/** The broadcast: a host starts and ends it here, everybody with a seat sees how it goes. */
export function LivePanel({ studio, session }: Props) {
  const { broadcast, onAir, self } = session.state;
  const host = self.value?.role === 'host';
  return (
    <section class="panel-part stack" aria-labelledby="live-title">
      <h2 id="live-title">{t('live.title')}</h2>
      {onAir.value && broadcast.value ? (
        <>
          <WaitNotice status={broadcast.value} />
          {broadcast.value.state === 'pending' ? (
            <Pending session={session} status={broadcast.value} host={host} />
          ) : (
            <OnAir
              session={session}
              status={broadcast.value}
              host={host}
              mayStop={host || self.value?.mayStop === true}
            />
          )}
        </>
      ) : (
        <OffAir session={session} host={host} />
      )}
      <div class="field">
        <span class="field-label">{t('live.link')}</span>
        <div class="row">
          <a class="link-box grow" href={studio.watchLink} target="_blank" rel="noopener" data-testid="watch-link">
            {studio.watchLink.replace(/^https?:\/\//, '')}
          </a>
          <CopyButton iconOnly label={t('live.link.copy')} text={studio.watchLink} class="outline" />
        </div>
        {onAir.value && broadcast.value?.playback === 'token' ? (
          <p class="small muted" data-testid="link-guarded">
            {t('live.link.guarded')}
          </p>
        ) : null}
      </div>
    </section>
  );
}

function OffAir({ session, host }: { session: StudioSession; host: boolean }) {
  const drafts = useSignal<readonly DestinationDraft[]>([]);
  const tried = useSignal(false);
  const busy = useSignal(false);
  const last = session.state.broadcast.value;
  const go = async () => {
    tried.value = true;
    const destinations = destinationsOf(drafts.value);
    if (!destinations) return;
    busy.value = true;
    await session.show.start(destinations);
    busy.value = false;
  };
  return (
    <>
      {last?.endReason ? (
        <p class={last.endReason === 'stopped' ? 'muted' : 'notice bad'} role="status">
          {t(`live.end.${last.endReason}`)}
        </p>
      ) : null}
      {host ? (
        <form
          class="stack"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void go();
          }}
        >
          <p class="muted small">{t('live.lead', { width: 1280, height: 720, fps: 30 })}</p>
          <DestinationForm drafts={drafts} tried={tried.value} />
          <button type="submit" class="button live large wide" data-testid="go-live" disabled={busy.value}>
            <Icon name="broadcast" />
            {busy.value ? t('live.starting') : t('live.go')}
          </button>
        </form>
      ) : (
        <p class="muted small">{t('live.watching')}</p>
      )}
    </>
  );
}

/** It waits for a compositor: where, and what happens then. */
function WaitNotice({ status: { state, position, waitReason } }: { status: BroadcastStatus }) {
  if (position === null || waitReason === null) return null;
  return (
    <p class="notice" role="status" data-testid="live-waiting" data-position={position}>
      {t(state === 'recovering' ? 'live.wait.recovering' : `live.wait.${waitReason}`, { position })}
    </p>
  );
}

/** Nobody sees anything of it yet: it can be given up without a question. */
function Pending({ session, status, host }: { session: StudioSession; status: BroadcastStatus; host: boolean }) {
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
          class="button outline wide stop"
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

interface OnAirProps {
  session: StudioSession;
  status: BroadcastStatus;
  host: boolean;
  mayStop: boolean;
}

function OnAir({ session, status, host, mayStop }: OnAirProps) {
  const asking = useSignal(false);
  const busy = useSignal(false);
  const now = useNow(true);
  const since = status.startedAt === null ? 0 : now + session.state.clockOffset.value - status.startedAt;
  const close = () => {
    asking.value = false;
  };
  const stop = async () => {
    close();
    busy.value = true;
    await session.show.stop();
    busy.value = false;
  };
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
      <DestinationStates session={session} destinations={status.destinations} host={host} />
      {mayStop ? (
        <button
          type="button"
          class="button outline wide stop"
          data-testid="stop-live"
          disabled={busy.value || status.state === 'ending'}
          onClick={() => {
            asking.value = true;
          }}
        >
          {t('live.stop')}
        </button>
      ) : null}
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
