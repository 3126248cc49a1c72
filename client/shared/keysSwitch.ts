/** Single-letter keys can be turned off (WCAG 2.2, 2.1.4): who dictates, or has another tool on the same letters, needs that. Remembered. */
import { signal } from '@preact/signals';
import { remembered } from './storage.ts';

const kept = signal(remembered.get('keys') !== 'off');

/** The keys of one letter work. */
export const keysOn = (): boolean => kept.value;

export function setKeysOn(on: boolean): void {
  kept.value = on;
  remembered.set('keys', on ? 'on' : 'off');
}

/** Whether somebody is typing, or choosing by letters, into what an event comes from. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  return (
    target.closest('textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])') !==
    null
  );
}
