import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Icon } from './icons.tsx';
import { t } from './language.ts';

const SHOWN_MS = 2500;

/** The clipboard is there on secure pages only; elsewhere the old way through a selection still works. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    field.className = 'visually-hidden';
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}

interface Props {
  label: string;
  /** The text, or what makes it; undefined when it could not be made, which the caller shows. */
  text: string | (() => Promise<string | undefined>);
  class?: string;
  testId?: string;
  iconOnly?: boolean;
}

/** Copies and says so. */
export function CopyButton({ label, text, class: className = '', testId, iconOnly = false }: Props) {
  const copied = useSignal(false);
  useEffect(() => {
    if (!copied.value) return;
    const timer = setTimeout(() => {
      copied.value = false;
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied.value]);
  const copy = async () => {
    const value = typeof text === 'string' ? text : await text();
    if (value !== undefined) copied.value = await copyText(value);
  };
  return (
    <button
      type="button"
      class={`button ${iconOnly ? 'icon-only' : ''} ${className}`}
      aria-label={iconOnly ? label : undefined}
      title={iconOnly ? label : undefined}
      data-testid={testId}
      onClick={() => void copy()}
    >
      <Icon name={copied.value ? 'check' : 'copy'} />
      {iconOnly ? null : copied.value ? t('common.copied') : label}
      <span class="visually-hidden" aria-live="polite">
        {copied.value ? t('common.copied') : ''}
      </span>
    </button>
  );
}
