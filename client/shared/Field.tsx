import type { ComponentChildren } from 'preact';

interface Props {
  id: string;
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  children: ComponentChildren;
}

/** A labelled field. The control inside has the id, and `aria-describedby={describedBy(id)}`. */
export function Field({ id, label, hint, error, children }: Props) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {error ? (
        <span class="error" id={describedBy(id)} role="alert">
          {error}
        </span>
      ) : hint ? (
        <span class="hint" id={describedBy(id)}>
          {hint}
        </span>
      ) : null}
    </div>
  );
}

export const describedBy = (id: string): string => `${id}-about`;
