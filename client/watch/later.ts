import { signal } from '@preact/signals';

/** What is loaded after the first picture; null: not there yet. */
export const later = signal<typeof import('./later/index.ts') | null>(null);

let asked: Promise<void> | undefined;

/** Idempotent. What could not be loaded is asked for again the next time. */
export function loadLater(): Promise<void> {
  asked ??= import('./later/index.ts').then(
    (module) => {
      later.value = module;
    },
    () => {
      asked = undefined;
    },
  );
  return asked;
}
