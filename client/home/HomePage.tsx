import { useSignal } from '@preact/signals';
import type { Role } from '../../src/contracts/tokens.ts';
import { ROOM_ID, suggestRoom, toRoomId } from '../shared/contract.ts';
import { describedBy, Field } from '../shared/Field.tsx';
import { Icon } from '../shared/icons.tsx';
import { t } from '../shared/language.ts';
import { NameField } from '../shared/NameField.tsx';
import { ProblemNotice } from '../shared/ProblemNotice.tsx';
import { type Problem, problemOf } from '../shared/problems.ts';
import { remembered } from '../shared/storage.ts';
import { TopBar } from '../shared/TopBar.tsx';
import { keepToken, requestToken } from '../shared/tokens.ts';

/** `/`: name a room and start it, join it, or watch it. */
export function HomePage() {
  document.title = `Lianmai 连麦 · ${t('brand.tagline')}`;
  return (
    <>
      <TopBar />
      <main class="home">
        <section class="pitch">
          <h1>{t('home.title')}</h1>
          <p class="lead">{t('home.lead')}</p>
          <ul class="points">
            {(['home.point.join', 'home.point.latency', 'home.point.multi'] as const).map((key) => (
              <li key={key}>
                <Icon name="check" />
                {t(key)}
              </li>
            ))}
          </ul>
          <Picture />
        </section>
        <RoomForm />
      </main>
    </>
  );
}

/** Four people in one program: what the product does, drawn. */
function Picture() {
  return (
    <div class="picture" aria-hidden="true">
      <svg viewBox="0 0 320 180" aria-hidden="true">
        {[0, 1, 2, 3].map((n) => (
          <g key={n} class={`face face-${n}`} transform={`translate(${(n % 2) * 161} ${Math.floor(n / 2) * 91})`}>
            <rect width="159" height="89" />
            <path d="M44 89c2-24 16-34 35.5-34s33.5 10 35.5 34z" />
            <circle cx="79.5" cy="36" r="16" />
          </g>
        ))}
      </svg>
      <span class="badge live">{t('live.live')}</span>
    </div>
  );
}

function RoomForm() {
  const name = useSignal(remembered.get('name') ?? '');
  const room = useSignal(suggestRoom());
  const tried = useSignal(false);
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const roomBad = !ROOM_ID.test(room.value);
  const nameBad = name.value.trim() === '';

  const enter = async (role: Role) => {
    tried.value = true;
    if (roomBad || nameBad) {
      document.getElementById(nameBad ? 'name' : 'room')?.focus();
      return;
    }
    remembered.set('name', name.value.trim());
    busy.value = true;
    problem.value = null;
    try {
      keepToken(room.value, await requestToken(room.value, { role }));
      location.assign(`/studio/${room.value}`);
    } catch (error) {
      problem.value = problemOf(error);
      busy.value = false;
    }
  };
  const watch = () => {
    if (!ROOM_ID.test(room.value)) tried.value = true;
    else location.assign(`/watch/${room.value}`);
  };

  return (
    <form
      class="card stack"
      aria-label={t('home.form')}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void enter('host');
      }}
    >
      <h2>{t('home.form')}</h2>
      <NameField id="name" value={name} bad={tried.value && nameBad} hint={t('common.name.hint')} />
      <Field
        id="room"
        label={t('home.room')}
        hint={t('home.room.hint')}
        error={roomBad && (tried.value || room.value !== '') ? t('home.room.bad') : undefined}
      >
        <div class="row">
          <input
            id="room"
            class="input"
            data-testid="room"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            maxLength={64}
            value={room.value}
            aria-invalid={roomBad}
            aria-describedby={describedBy('room')}
            onInput={(event) => {
              room.value = event.currentTarget.value;
            }}
            onBlur={() => {
              room.value = toRoomId(room.value);
            }}
          />
          <button
            type="button"
            class="button outline icon-only"
            aria-label={t('home.suggest')}
            title={t('home.suggest')}
            onClick={() => {
              room.value = suggestRoom();
            }}
          >
            <Icon name="dice" />
          </button>
        </div>
      </Field>
      {problem.value ? <ProblemNotice problem={problem.value} /> : null}
      <button type="submit" class="button primary large wide" data-testid="start" disabled={busy.value}>
        {busy.value ? t('home.starting') : t('home.start')}
      </button>
      <div class="row pair">
        <button
          type="button"
          class="button outline grow"
          data-testid="join"
          disabled={busy.value}
          onClick={() => void enter('cohost')}
        >
          <Icon name="people" />
          {t('home.join')}
        </button>
        <button type="button" class="button outline grow" data-testid="watch" onClick={watch}>
          <Icon name="play" />
          {t('home.watch')}
        </button>
      </div>
    </form>
  );
}
