import { signal } from '@preact/signals';

/** What is loaded after the first picture; null: not there yet. */
export const later = signal<typeof import('./later/index.ts') | null>(null);

let asked: Promise<void> | undefined;

/** Idempotent. What could not be loaded, its styles included, is asked for again the next time. */
export function loadLater(): Promise<void> {
  asked ??= load();
  return asked;
}

async function load(): Promise<void> {
  try {
    later.value = await import('./later/index.ts');
  } catch {
    asked = undefined;
  }
}
