import { useSignal } from '@preact/signals';
import type { Schedule } from '../../../../src/contracts/schedule.ts';
import { MAX_SCHEDULE_MS, SCHEDULE_TITLE_LENGTH } from '../../../shared/contract.ts';
import { describedBy, Field } from '../../../shared/Field.tsx';
import { ofLocalField, timeZone, toLocalField } from '../../../shared/localTime.ts';
import { showText } from './showTexts.ts';

interface Props {
  /** What is changed; left out: it is a new one. */
  schedule?: Schedule;
  /** False: it was refused, which is shown elsewhere. */
  onSave: (when: { startsAt: number; title: string }) => Promise<boolean>;
  onClose: () => void;
}

/** A new one is offered for the next full hour that is a while away, ms. */
const SOON_MS = 15 * 60_000;
const HOUR_MS = 3_600_000;
const nextHour = (): number => Math.ceil((Date.now() + SOON_MS) / HOUR_MS) * HOUR_MS;

/** When, in the person's own time, and under which title. */
export function ScheduleForm({ schedule, onSave, onClose }: Props) {
  const when = useSignal(toLocalField(schedule?.state === 'scheduled' ? schedule.startsAt : nextHour()));
  const title = useSignal(schedule?.title ?? '');
  const wrong = useSignal(false);
  const busy = useSignal(false);
  const save = async () => {
    const startsAt = ofLocalField(when.value);
    const now = Date.now();
    wrong.value = startsAt === undefined || startsAt <= now || startsAt > now + MAX_SCHEDULE_MS;
    if (startsAt === undefined || wrong.value) return;
    busy.value = true;
    const saved = await onSave({ startsAt, title: title.value.trim() });
    busy.value = false;
    if (saved) onClose();
  };
  return (
    <form
      class="schedule-form stack"
      noValidate
      aria-labelledby="schedule-form-title"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <h3 id="schedule-form-title">{showText(schedule ? 'show.schedule.change.title' : 'show.schedule.title')}</h3>
      <Field
        id="schedule-when"
        label={showText('show.schedule.when')}
        hint={showText('show.schedule.when.hint', { zone: timeZone() })}
        error={wrong.value ? showText('show.schedule.past') : undefined}
      >
        <input
          id="schedule-when"
          class="input"
          type="datetime-local"
          required
          value={when.value}
          min={toLocalField(Date.now())}
          max={toLocalField(Date.now() + MAX_SCHEDULE_MS)}
          aria-invalid={wrong.value}
          aria-describedby={describedBy('schedule-when')}
          onInput={(event) => {
            when.value = event.currentTarget.value;
          }}
        />
      </Field>
      <Field id="schedule-title" label={showText('show.schedule.name')} hint={showText('show.schedule.name.hint')}>
        <input
          id="schedule-title"
          class="input"
          maxLength={SCHEDULE_TITLE_LENGTH}
          value={title.value}
          aria-describedby={describedBy('schedule-title')}
          onInput={(event) => {
            title.value = event.currentTarget.value;
          }}
        />
      </Field>
      <p class="small muted">{showText('show.schedule.hint')}</p>
      <div class="row">
        <button type="submit" class="button primary grow" data-testid="schedule-save" disabled={busy.value}>
          {showText(schedule ? 'show.schedule.change.save' : 'show.schedule.save')}
        </button>
        <button type="button" class="button outline" onClick={onClose}>
          {showText('show.schedule.back')}
        </button>
      </div>
    </form>
  );
}
