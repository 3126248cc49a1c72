import { signal } from '@preact/signals';

const said = signal('');

/** Says a sentence to who hears the page; the same one twice is said twice. */
export function announce(text: string): void {
  // A live region tells what changes: a no-break space at the end is a change that nobody hears.
  said.value = said.value === text ? `${text}\u00a0` : text;
}

/** Once a page. */
export function Announcer() {
  return (
    <div class="visually-hidden" role="status" data-testid="announcer">
      {said.value}
    </div>
  );
}
