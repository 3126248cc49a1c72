import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { NameField } from '../../shared/NameField.tsx';
import { ProblemNotice } from '../../shared/ProblemNotice.tsx';
import { seatText } from '../../shared/seatTexts.ts';
import { DeviceNews } from '../../studio/door/DeviceNews.tsx';
import { DoorDevices } from '../../studio/door/DoorDevices.tsx';
import { Mirror } from '../../studio/door/Mirror.tsx';
import { NetworkCheck } from '../../studio/door/NetworkCheck.tsx';
import { QueueState } from '../../studio/room/seats/QueueState.tsx';
import type { SeatWay } from './index.ts';

/** Under the player: see and hear oneself, ask, wait. The program plays on. */
export function SeatPanel({ way }: { way: SeatWay }) {
  const { studio } = way;
  const media = studio.media.value;
  const session = studio.session.value;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    void media.open();
    heading.current?.focus();
    heading.current?.scrollIntoView({ block: 'nearest' });
  }, [media]);
  const problem = studio.problem.value ?? session?.problem.value ?? session?.refused.value;
  const inside =
    session !== null &&
    session.phase.value !== 'idle' &&
    session.phase.value !== 'joining' &&
    session.phase.value !== 'left';
  const ended = session?.phase.value === 'left';
  const asking = session?.state.self.value?.asking === true;
  return (
    <section class="card seat-panel" aria-labelledby="seat-title" data-testid="seat-panel">
      <Mirror media={media} />
      <div class="stack">
        <h2 id="seat-title" ref={heading} tabIndex={-1}>
          {seatText(asking ? 'ask.waiting.title' : 'ask.title')}
        </h2>
        {problem ? (
          <ProblemNotice problem={problem}>
            {ended ? (
              <button type="button" class="button slim" data-testid="again" onClick={() => void studio.again()}>
                {t('common.retry')}
              </button>
            ) : null}
          </ProblemNotice>
        ) : null}
        {media.problem.value ? (
          <ProblemNotice problem={media.problem.value}>
            <button type="button" class="button slim" onClick={() => void media.open()}>
              {t('prejoin.again')}
            </button>
          </ProblemNotice>
        ) : null}
        <DeviceNews media={media} />
        {inside ? <QueueState session={session} /> : <Check way={way} busy={session !== null} />}
        {asking ? null : (
          <button type="button" class="button outline" data-testid="seat-cancel" onClick={() => way.cancel()}>
            {seatText('ask.cancel')}
          </button>
        )}
      </div>
    </section>
  );
}

function Check({ way, busy }: { way: SeatWay; busy: boolean }) {
  const { studio } = way;
  const media = studio.media.value;
  const name = useSignal(studio.name.value);
  const tried = useSignal(false);
  const bad = name.value.trim() === '';
  return (
    <form
      class="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        tried.value = true;
        if (bad) document.getElementById('seat-name')?.focus();
        else way.ask(name.value.trim());
      }}
    >
      <p class="muted">{seatText('ask.lead')}</p>
      <NameField id="seat-name" value={name} bad={tried.value && bad} readOnly={studio.nameFixed.value} />
      <DoorDevices media={media} />
      <NetworkCheck studio={studio} />
      <button
        type="submit"
        class="button primary large"
        data-testid="seat-ask"
        disabled={busy || !studio.ready.value || studio.problem.value !== null}
      >
        <Icon name="hand" />
        {seatText(busy ? 'ask.sending' : 'ask.send')}
      </button>
    </form>
  );
}
