import { useSignal } from '@preact/signals';
import type { Schedule } from '../../../../src/contracts/schedule.ts';
import { Dialog } from '../../../shared/Dialog.tsx';
import { formatRemaining } from '../../../shared/format.ts';
import { Icon } from '../../../shared/icons.tsx';
import { language } from '../../../shared/language.ts';
import { formatWhen } from '../../../shared/localTime.ts';
import { useRemaining } from '../../../shared/useRemaining.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { COUNTED_SECONDS } from './Countdown.tsx';
import { ScheduleForm } from './ScheduleForm.tsx';
import { CountdownChoice } from './ShowSettings.tsx';
import { showText } from './showTexts.ts';

interface Props {
  session: StudioSession;
  schedule: Schedule;
  host: boolean;
}

/** The next broadcast: what it is and when, for everybody; a host changes it, calls it off, or starts it now. */
export function ScheduleCard({ session, schedule, host }: Props) {
  const seconds = useRemaining(schedule.startsAt, session.state.clockOffset.value) ?? 0;
  if (schedule.state === 'failed')
    return (
      <div class="notice bad" role="alert" data-testid="schedule-failed">
        <Icon name="warning" />
        <div class="grow">
          <strong>{showText('show.scheduled.failed')}</strong>
          {`${schedule.reason} ${host ? showText('show.scheduled.failed.do') : ''}`}
        </div>
        {host ? (
          <button type="button" class="button slim" onClick={() => void session.show.cancelSchedule()}>
            {showText('show.scheduled.dismiss')}
          </button>
        ) : null}
      </div>
    );
  return (
    <div class="schedule-card stack" data-testid="schedule-card">
      <div>
        <h3>{schedule.title || showText('show.scheduled.untitled')}</h3>
        <p class="row">
          <Icon name="calendar" />
          <time dateTime={new Date(schedule.startsAt).toISOString()}>
            {formatWhen(schedule.startsAt, language.value)}
          </time>
        </p>
        <p class="schedule-remaining" role="timer" data-testid="schedule-remaining">
          {seconds === 0
            ? showText('show.scheduled.now')
            : showText('show.scheduled.in', { time: formatRemaining(seconds, language.value) })}
        </p>
        {schedule.destinations.length > 0 ? (
          <p class="small muted">
            {showText('show.scheduled.to', { names: schedule.destinations.map(({ name }) => name).join(', ') })}
          </p>
        ) : null}
        {schedule.settings.record ? <p class="small muted">{showText('show.scheduled.recorded')}</p> : null}
      </div>
      {host && seconds > COUNTED_SECONDS ? <Actions session={session} schedule={schedule} /> : null}
      {host && seconds <= COUNTED_SECONDS ? <StopCounting session={session} disabled={seconds === 0} /> : null}
    </div>
  );
}

/** On a phone the panel covers the stage, and the button there. */
function StopCounting({ session, disabled }: { session: StudioSession; disabled: boolean }) {
  return (
    <button
      type="button"
      class="button outline wide stop"
      disabled={disabled}
      onClick={() => void session.show.cancelSchedule()}
    >
      {showText('show.count.stop')}
    </button>
  );
}

function Actions({ session, schedule }: Omit<Props, 'host'>) {
  const changing = useSignal(false);
  const asking = useSignal(false);
  const busy = useSignal(false);
  const { show } = session;
  const during = async (work: () => Promise<boolean>) => {
    busy.value = true;
    await work();
    busy.value = false;
  };
  const { value: countdown } = show.draft.countdown;
  const start = () => (countdown === 0 ? show.startScheduled() : show.countDown(countdown));
  const close = () => {
    asking.value = false;
  };
  if (changing.value)
    return (
      <ScheduleForm
        schedule={schedule}
        onSave={(when) => show.schedule(when)}
        onClose={() => {
          changing.value = false;
        }}
      />
    );
  return (
    <>
      <CountdownChoice draft={show.draft} />
      <button
        type="button"
        class="button live large wide"
        data-testid="schedule-start"
        disabled={busy.value}
        onClick={() => void during(start)}
      >
        <Icon name="broadcast" />
        {showText('show.scheduled.start')}
      </button>
      <div class="row">
        <button
          type="button"
          class="button outline grow"
          data-testid="schedule-change"
          onClick={() => {
            changing.value = true;
          }}
        >
          {showText('show.scheduled.change')}
        </button>
        <button
          type="button"
          class="button outline grow stop"
          data-testid="schedule-off"
          disabled={busy.value}
          onClick={() => {
            asking.value = true;
          }}
        >
          {showText('show.scheduled.off')}
        </button>
      </div>
      {asking.value ? (
        <Dialog title={showText('show.scheduled.off.title')} onClose={close}>
          <p class="muted dialog-body">{showText('show.scheduled.off.lead')}</p>
          <div class="actions">
            <button type="button" class="button" onClick={close}>
              {showText('show.scheduled.off.keep')}
            </button>
            <button
              type="button"
              class="button live"
              data-testid="schedule-off-confirm"
              onClick={() => {
                close();
                void during(show.cancelSchedule);
              }}
            >
              {showText('show.scheduled.off')}
            </button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
