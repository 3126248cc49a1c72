import { describedBy } from '../../shared/Field.tsx';

interface Props {
  id: string;
  label: string;
  hint?: string | undefined;
  on: boolean;
  disabled?: boolean;
  onChange: (on: boolean) => void;
}

/** On or off, at once. */
export function Switch({ id, label, hint, on, disabled = false, onChange }: Props) {
  return (
    <div class="switch-row">
      <div class="grow">
        <label for={id}>{label}</label>
        {hint ? (
          <span class="small muted" id={describedBy(id)}>
            {hint}
          </span>
        ) : null}
      </div>
      <input
        id={id}
        class="switch"
        type="checkbox"
        role="switch"
        data-testid={id}
        checked={on}
        aria-checked={on}
        disabled={disabled}
        aria-describedby={hint ? describedBy(id) : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </div>
  );
}
