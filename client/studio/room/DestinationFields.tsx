import { useSignal } from '@preact/signals';
import { describedBy, Field } from '../../shared/Field.tsx';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { type DestinationDraft, isBad } from './destinations.ts';

/** Preact's types know each input type apart, and not their union. */
const keyFieldType = (shown: boolean) => ({ type: shown ? 'text' : 'password' }) as { type: 'password' };

interface Props {
  draft: DestinationDraft;
  number: number;
  tried: boolean;
  onChange: (part: Partial<DestinationDraft>) => void;
  /** Without it there is no button to remove it. */
  onRemove?: () => void;
}

/** One destination that is being typed. */
export function DraftFields({ draft, number, tried, onChange, onRemove }: Props) {
  const shown = useSignal(false);
  const left = useSignal(false);
  const url = `destination-url-${draft.id}`;
  const key = `destination-key-${draft.id}`;
  const bad = isBad(draft) && (tried || left.value);
  return (
    <fieldset class="destination">
      <legend>{t('destination.number', { number })}</legend>
      {onRemove ? (
        <button
          type="button"
          class="button icon-only slim remove"
          aria-label={t('destination.remove', { number })}
          onClick={onRemove}
        >
          <Icon name="close" />
        </button>
      ) : null}
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
