import { CopyButton } from '../../shared/CopyButton.tsx';
import { t } from '../../shared/language.ts';
import type { Studio } from '../Studio.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { OffAir } from './live/OffAir.tsx';
import { OnAir } from './live/OnAir.tsx';
import { Pending, WaitNotice } from './live/Waiting.tsx';

interface Props {
  studio: Studio;
  session: StudioSession;
}

/** The broadcast: a host starts, schedules and ends it here, everybody with a seat sees how it goes. */
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
