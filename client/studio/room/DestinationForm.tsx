import { type Signal, useSignal } from '@preact/signals';
import { MAX_DESTINATIONS } from '../../shared/contract.ts';
import { describedBy, Field } from '../../shared/Field.tsx';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { type DestinationDraft, isBad } from './destinations.ts';

let lastId = 0;

interface Props {
  drafts: Signal<readonly DestinationDraft[]>;
  /** The person wanted to go live: from now on mistakes are shown. */
  tried: boolean;
}

/** Where else the show should go. Keys are neither kept nor shown. */
export function DestinationForm({ drafts, tried }: Props) {
  const change = (id: number, part: Partial<DestinationDraft>) => {
    drafts.value = drafts.value.map((draft) => (draft.id === id ? { ...draft, ...part } : draft));
  };
  return (
    <div class="stack destinations">
      <h3>{t('destination.title')}</h3>
      {drafts.value.length === 0 ? <p class="muted small">{t('destination.none')}</p> : null}
      {drafts.value.map((draft, i) => (
        <DraftFields
          key={draft.id}
          draft={draft}
          number={i + 1}
          tried={tried}
          onChange={(part) => change(draft.id, part)}
          onRemove={() => {
            drafts.value = drafts.value.filter((other) => other.id !== draft.id);
          }}
        />
      ))}
      {drafts.value.length < MAX_DESTINATIONS ? (
        <button
          type="button"
          class="button outline slim"
          data-testid="add-destination"
          onClick={() => {
            drafts.value = [...drafts.value, { id: ++lastId, url: '', key: '' }];
          }}
        >
          <Icon name="plus" />
          {t('destination.add')}
        </button>
      ) : null}
    </div>
  );
}

/** Preact's types know each input type apart, and not their union. */
const keyFieldType = (shown: boolean) => ({ type: shown ? 'text' : 'password' }) as { type: 'password' };

interface DraftProps {
  draft: DestinationDraft;
  number: number;
  tried: boolean;
  onChange: (part: Partial<DestinationDraft>) => void;
  onRemove: () => void;
}

function DraftFields({ draft, number, tried, onChange, onRemove }: DraftProps) {
  const shown = useSignal(false);
  const left = useSignal(false);
  const url = `destination-url-${draft.id}`;
  const key = `destination-key-${draft.id}`;
  const bad = isBad(draft) && (tried || left.value);
  return (
    <fieldset class="destination">
      <legend>{t('destination.number', { number })}</legend>
      <button
        type="button"
        class="button icon-only slim remove"
        aria-label={t('destination.remove', { number })}
        onClick={onRemove}
      >
        <Icon name="close" />
      </button>
      <Field id={url} label={t('destination.url')} error={bad ? t('destination.bad') : undefined}>
        <input
          id={url}
          class="input"
          type="url"
          inputMode="url"
          data-testid="destination-url"
          placeholder="rtmps://live.example.com/app"
          autocomplete="off"
          spellcheck={false}
          value={draft.url}
          aria-invalid={bad}
          aria-describedby={describedBy(url)}
          onInput={(event) => onChange({ url: event.currentTarget.value })}
          onBlur={() => {
            left.value = true;
          }}
        />
      </Field>
      <Field id={key} label={t('destination.key')}>
        <div class="row">
          <input
            id={key}
            class="input"
            {...keyFieldType(shown.value)}
            data-testid="destination-key"
            // A password manager would offer to keep it as a login of this page.
            autocomplete="one-time-code"
            spellcheck={false}
            value={draft.key}
            onInput={(event) => onChange({ key: event.currentTarget.value })}
          />
          <button
            type="button"
            class="button outline icon-only"
            aria-label={shown.value ? t('destination.key.hide') : t('destination.key.show')}
            onClick={() => {
              shown.value = !shown.value;
            }}
          >
            <Icon name={shown.value ? 'eye-off' : 'eye'} />
          </button>
        </div>
      </Field>
    </fieldset>
  );
}
