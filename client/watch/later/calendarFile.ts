/** An event for a calendar (RFC 5545), as a link that needs no server. Pure. */

/** How long the event is taken to last: nobody knows it before, ms. */
const EVENT_MS = 3_600_000;
/** An octet limit of a line (section 3.1); folded by characters, the longest of which has four. */
const LINE_CHARACTERS = 18;

const stamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
/** Section 3.3.11. */
const escaped = (text: string): string => text.replace(/[\\;,]/g, (c) => `\\${c}`).replace(/\r?\n/g, '\\n');

function folded(line: string): string {
  const characters = [...line];
  const pieces: string[] = [];
  for (let at = 0; at < characters.length; at += LINE_CHARACTERS)
    pieces.push(characters.slice(at, at + LINE_CHARACTERS).join(''));
  return pieces.join('\r\n ');
}

export interface CalendarEvent {
  title: string;
  /** ms since 1970. */
  startsAt: number;
  /** Of the page. */
  url: string;
  now: number;
}

export function calendarText({ title, startsAt, url, now }: CalendarEvent): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Lianmai//watch//EN',
    'BEGIN:VEVENT',
    `UID:${startsAt}@${new URL(url).host}${new URL(url).pathname}`,
    `DTSTAMP:${stamp(now)}`,
    `DTSTART:${stamp(startsAt)}`,
    `DTEND:${stamp(startsAt + EVENT_MS)}`,
    `SUMMARY:${escaped(title)}`,
    `URL:${url}`,
    'END:VEVENT',
    'END:VCALENDAR',
  ];
  return `${lines.map(folded).join('\r\n')}\r\n`;
}

export const calendarLink = (event: CalendarEvent): string =>
  `data:text/calendar;charset=utf-8,${encodeURIComponent(calendarText(event))}`;
