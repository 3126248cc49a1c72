import { signal } from '@preact/signals';

/** The list of keys is on show. */
export const keysOpen = signal(false);
