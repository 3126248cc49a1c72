import { useSignal } from '@preact/signals';
import { Icon } from '../../../shared/icons.tsx';
import { t } from '../../../shared/language.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { DestinationForm } from '../DestinationForm.tsx';
import { destinationsOf } from '../destinations.ts';
import { ScheduleCard } from './ScheduleCard.tsx';
import { ScheduleForm } from './ScheduleForm.tsx';
import { CountdownChoice, ShowSettings } from './ShowSettings.tsx';
import { showText } from './showTexts.ts';

interface Props {
  session: StudioSession;
  host: boolean;
}

/** Not live: what was, what comes, and for a host the way to go live now or later. */
export function OffAir({ session, host }: Props) {
  const { broadcast, schedule } = session.state;
  const last = broadcast.value;
  const next = schedule.value;
  return (
    <>
      {last?.endReason ? (
        <p class={last.endReason === 'stopped' ? 'muted' : 'notice bad'} role="status">
          {t(`live.end.${last.endReason}`)}
        </p>
      ) : null}
      {next ? <ScheduleCard session={session} schedule={next} host={host} /> : null}
      {next?.state === 'scheduled' ? null : host ? (
        <GoLive session={session} />
      ) : (
        <p class="muted small">{t('live.watching')}</p>
      )}
    </>
  );
}

function GoLive({ session }: { session: StudioSession }) {
  const { draft } = session.show;
  const tried = useSignal(false);
  const busy = useSignal(false);
  const planning = useSignal(false);
  const { width, height, fps } = draft.video;
  /** What is started; undefined: a destination is wrong, and is shown. */
  const inputFor = (scheduled: boolean) => {
    tried.value = true;
    const destinations = destinationsOf(draft.destinations.value);
    if (!destinations) return undefined;
    draft.remember();
    return { destinations, ...draft.settings({ scheduled }) };
  };
  const go = async () => {
    const input = inputFor(false);
    if (!input) return;
    busy.value = true;
    const { value: seconds } = draft.countdown;
    await (seconds === 0 ? session.show.start(input) : session.show.countDown(seconds, input));
    busy.value = false;
  };
  const plan = async (when: { startsAt: number; title: string }) => {
    const input = inputFor(true);
    return input !== undefined && (await session.show.schedule(when, input));
  };
  return (
    <div class="stack">
      <form
        class="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        <p class="muted small">{t('live.lead', { width, height, fps })}</p>
        <DestinationForm drafts={draft.destinations} tried={tried.value} />
        <ShowSettings draft={draft} />
        <CountdownChoice draft={draft} />
        <button type="submit" class="button live large wide live-action" data-testid="go-live" disabled={busy.value}>
          <Icon name="broadcast" />
          {busy.value ? t('live.starting') : t('live.go')}
        </button>
      </form>
      {planning.value ? (
        <ScheduleForm
          onSave={plan}
          onClose={() => {
            planning.value = false;
          }}
        />
      ) : (
        <button
          type="button"
          class="button outline wide"
          data-testid="schedule"
          onClick={() => {
            planning.value = true;
          }}
        >
          <Icon name="calendar" />
          {showText('show.schedule')}
        </button>
      )}
    </div>
  );
}
