import { beforeEach, describe, expect, test } from 'vitest';
import type { CaptionLine } from '../../../../src/contracts/captions.ts';
import { Grid } from '../../../../src/contracts/grid.ts';
import { CaptionBook } from '../../../../src/delivery/captions/CaptionBook.ts';

const GRID = Grid.parse({});
let head: number | undefined;
let book: CaptionBook;
let count = 0;

beforeEach(() => {
  head = 5;
  book = new CaptionBook(GRID, [{ language: 'en' }, { language: 'zh-Hans' }], () => head);
});

const say = (start: number, end: number | null, more: Partial<CaptionLine> = {}): boolean =>
  book.add({ id: `t${++count}`, language: 'en', text: `line ${count}`, start, end, ...more });
const times = (language = 'en') => book.of(language)?.map(({ start, end }) => [start, end]);

test('a line is where it is meant, and where the time is settled it begins after that', () => {
  say(12_000, 15_000);
  say(11_000, 14_000, { language: 'zh-Hans' });
  say(9_000, 12_500);
  // Segment 4 has been listed: up to 11 s nothing changes any more.
  expect(times()).toEqual([
    [12_000, 13_000],
    [13_000, 14_000],
  ]);
  expect(times('zh-Hans')).toEqual([[11_000, 14_000]]);
});

test('before anything is listed a line may begin at once', () => {
  head = undefined;
  say(0, 3000);
  expect(times()).toEqual([[0, 3000]]);
});

test('the next one takes its place, until when there is none it goes on', () => {
  say(12_000, null);
  expect(times()).toEqual([[12_000, null]]);
  say(14_500, 17_000);
  expect(times()).toEqual([
    [12_000, 14_500],
    [14_500, 17_000],
  ]);
});

test('one that comes too late for its time is still to be read', () => {
  say(3_000, 6_000);
  expect(times()).toEqual([[11_000, 12_000]]);
});

test('of a burst each is shown for a second, and of too many the newest', () => {
  for (let i = 0; i < 4; i++) say(12_000, 20_000);
  expect(times()).toEqual([
    [12_000, 13_000],
    [13_000, 14_000],
    [14_000, 15_000],
    [15_000, 20_000],
  ]);
  for (let i = 0; i < 20; i++) say(12_000, 20_000);
  const lines = book.of('en') ?? [];
  expect(lines.every(({ start }) => start <= 12_000 + 6_000)).toBe(true);
  expect(lines.at(-1)?.text).toBe(`line ${count}`);
  for (const [i, one] of lines.entries()) if (i > 0) expect(one.start).toBe(lines[i - 1]?.end);
});

test('one is added once, and only in a language of the broadcast', () => {
  expect(say(12_000, 13_000, { id: 'same' })).toBe(true);
  expect(say(14_000, 15_000, { id: 'same' })).toBe(false);
  expect(say(14_000, 15_000, { language: 'fr' })).toBe(false);
  expect(book.all).toHaveLength(1);
  expect(book.of('fr')).toBeUndefined();
});

describe('what is kept', () => {
  test('has each line as it is at last, and brings them back', () => {
    const kept = new Map<string, CaptionLine>();
    book.on('line', (line) => kept.set(line.id, line));
    book.on('removed', (id) => kept.delete(id));
    for (let i = 0; i < 12; i++) say(12_000 + i * 700, 30_000);
    const again = new CaptionBook(GRID, book.tracks, () => head);
    again.restore([...kept.values()]);
    expect(again.of('en')).toEqual(book.of('en'));
    // What is said again is known.
    for (const line of kept.values()) expect(again.add(line)).toBe(false);
  });
});
