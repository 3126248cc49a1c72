import type { Signal } from '@preact/signals';
import { NAME_LENGTH } from './contract.ts';
import { describedBy, Field } from './Field.tsx';
import { t } from './language.ts';

interface Props {
  /** Also its `data-testid`. */
  id: string;
  value: Signal<string>;
  /** It is missing, and that is to be said. */
  bad: boolean;
  hint?: string | undefined;
  readOnly?: boolean;
}

/** The field in which a person gives the name that everybody sees. */
export function NameField({ id, value, bad, hint, readOnly }: Props) {
  return (
    <Field id={id} label={t('common.name')} hint={hint} error={bad ? t('home.name.bad') : undefined}>
      <input
        id={id}
        class="input"
        data-testid={id}
        autocomplete="name"
        maxLength={NAME_LENGTH}
        value={value.value}
        readOnly={readOnly ?? false}
        aria-invalid={bad}
        aria-describedby={describedBy(id)}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
    </Field>
  );
}
