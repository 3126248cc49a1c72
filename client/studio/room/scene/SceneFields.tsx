/** The controls of the scene panel: small, labelled, and all of the browser's own kind. */
import type { Signal } from '@preact/signals';
import { Icon, type IconName } from '../../../shared/icons.tsx';

interface CheckProps {
  testId: string;
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

export function Check({ testId, label, checked, onChange }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        data-testid={testId}
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}

interface SelectProps<V extends string> {
  id: string;
  value: V;
  options: readonly (readonly [V, string])[];
  /** The id of what says more about it. */
  describedBy?: string | undefined;
  onChange: (value: V) => void;
}

export function Select<V extends string>({ id, value, options, describedBy, onChange }: SelectProps<V>) {
  return (
    <select
      id={id}
      class="input"
      data-testid={id}
      value={value}
      {...(describedBy ? { 'aria-describedby': describedBy } : {})}
      onChange={(event) => onChange(event.currentTarget.value as V)}
    >
      {options.map(([key, name]) => (
        <option key={key} value={key}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Its label beside it. */
export function Choice<V extends string>({ label, ...select }: SelectProps<V> & { label: string }) {
  return (
    <div class="scene-line">
      <label for={select.id}>{label}</label>
      <Select {...select} />
    </div>
  );
}

interface SliderProps {
  testId: string;
  label: string;
  min: number;
  max: number;
  step: number;
  value: number;
  /** The value as a person reads and hears it. */
  text: (value: number) => string;
  /** The label is not shown: what stands beside it says it to those who see. */
  bare?: boolean;
  disabled?: boolean;
  onChange: (value: number) => void;
}

export function Slider({ testId, label, value, text, bare = false, onChange, ...range }: SliderProps) {
  return (
    <label class={`slider ${bare ? 'bare' : ''}`}>
      <span class={bare ? 'visually-hidden' : ''}>{label}</span>
      <input
        type="range"
        data-testid={testId}
        {...range}
        value={value}
        aria-valuetext={text(value)}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
      <output class="small">{text(value)}</output>
    </label>
  );
}

interface ToggleProps {
  testId: string;
  icon: IconName;
  label: string;
  pressed: boolean;
  onChange: (pressed: boolean) => void;
}

/** A button that stays down; its name stays the same. */
export function Toggle({ testId, icon, label, pressed, onChange }: ToggleProps) {
  return (
    <button
      type="button"
      class="button icon-only slim toggle"
      data-testid={testId}
      aria-label={label}
      aria-pressed={pressed}
      title={label}
      onClick={() => onChange(!pressed)}
    >
      <Icon name={icon} />
    </button>
  );
}

/** A fraction, which a person sees as a percentage. `min`, `max` and `step` are of that. */
export function PercentSlider({ value, onChange, ...slider }: Omit<SliderProps, 'text'>) {
  return (
    <Slider
      {...slider}
      value={Math.round(value * 100)}
      text={(percent) => `${percent} %`}
      onChange={(percent) => onChange(percent / 100)}
    />
  );
}

interface TextFieldProps {
  id: string;
  testId?: string;
  label: string;
  /** What holds while it is empty. */
  hint?: string;
  length: number;
  value: Signal<string>;
}

export function TextField({ id, testId = id, label, hint, length, value }: TextFieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input"
        type="text"
        dir="auto"
        autocomplete="off"
        data-testid={testId}
        maxLength={length}
        placeholder={hint}
        value={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
    </div>
  );
}

interface ColourProps {
  id: string;
  testId: string;
  label: string;
  value: string;
  onChange: (colour: string) => void;
}

export function Colour({ id, testId, label, value, onChange }: ColourProps) {
  return (
    <div class="scene-line">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="colour"
        type="color"
        data-testid={testId}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </div>
  );
}
