/** Times as people read and type them, in their own time zone. Pure but for the zone, which is the browser's. */

/** The form of it that the person reads elsewhere, too: `en-GB` where the page is in English. */
const localeFor = (language: string): string =>
  navigator.languages.find((locale) => locale.split('-')[0] === language) ?? language;

/** `Friday, 27 November 2026 at 20:00`; the language's own form. */
export function formatWhen(at: number, language: string): string {
  return new Intl.DateTimeFormat(localeFor(language), { dateStyle: 'full', timeStyle: 'short' }).format(at);
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
