import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../../shared/language.ts';
import { NameField } from '../../shared/NameField.tsx';
import { ProblemNotice } from '../../shared/ProblemNotice.tsx';
import { DeviceNews } from '../door/DeviceNews.tsx';
import { DoorDevices } from '../door/DoorDevices.tsx';
import { Mirror } from '../door/Mirror.tsx';
import { NetworkCheck } from '../door/NetworkCheck.tsx';
import type { Studio } from '../Studio.ts';
import { JoinProblem } from './JoinProblem.tsx';

/** The door of the studio: see and hear oneself, choose devices and a name, then join. */
export function PreJoin({ studio }: { studio: Studio }) {
  const media = studio.media.value;
  const session = studio.session.value;
  const name = useSignal(studio.name.value);
  const tried = useSignal(false);
  useEffect(() => {
    void media.open();
  }, [media]);
  const joining = session !== null;
  const nameBad = name.value.trim() === '';

  const join = () => {
    tried.value = true;
    if (nameBad) document.getElementById('prejoin-name')?.focus();
    else studio.join(name.value.trim());
  };

  return (
    <main class="prejoin">
      <Mirror media={media} />
      <form
        class="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          join();
        }}
      >
        <div>
          <h1 class="page-title">{t('prejoin.title')}</h1>
          <p class="muted">
            {t('prejoin.room', { room: studio.room })} · {t(`prejoin.role.${studio.role.value}`)}
          </p>
        </div>
        {media.problem.value ? (
          <ProblemNotice problem={media.problem.value}>
            <button type="button" class="button slim" onClick={() => void media.open()}>
              {t('prejoin.again')}
            </button>
          </ProblemNotice>
        ) : null}
        <DeviceNews media={media} />
        <NameField id="prejoin-name" value={name} bad={tried.value && nameBad} readOnly={studio.nameFixed.value} />
        <DoorDevices media={media} />
        <NetworkCheck studio={studio} />
        {session ? <JoinProblem studio={studio} session={session} /> : null}
        <button type="submit" class="button primary large wide" data-testid="join" disabled={joining}>
          {joining ? t('prejoin.joining') : t('prejoin.join')}
        </button>
        {media.camera.value || media.microphone.value || media.starting.value ? null : (
          <p class="small muted">{t('prejoin.without')}</p>
        )}
      </form>
    </main>
  );
}
