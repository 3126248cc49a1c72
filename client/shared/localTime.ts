/** Times as people read and type them, in their own time zone. Pure but for the zone, which is the browser's. */

/** `Friday, 27 November 2026 at 20:00`; the language's own form. */
export function formatWhen(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' }).format(at);
}

/** `Fri 27 Nov, 20:00`: where there is little space. */
export function formatWhenShort(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, {
    ...{ weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' },
  }).format(at);
}

/** The browser's time zone: `Europe/Berlin`. */
export const timeZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

const two = (value: number): string => String(value).padStart(2, '0');

/** The value of a field `datetime-local`, to the minute. */
export function toLocalField(at: number): string {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** ms since 1970 of what such a field holds; undefined: it is empty, or no time. */
export function ofLocalField(value: string): number | undefined {
  const at = new Date(value).getTime();
  return Number.isFinite(at) ? at : undefined;
}
