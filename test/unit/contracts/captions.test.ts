import { describe, expect, test } from 'vitest';
import { CaptionInput, CaptionTracks, cleanCaption, nameOf, readingMs } from '../../../src/contracts/captions.ts';

describe('text', () => {
  test.each([
    ['  Hello   there ', 'Hello there'],
    ['one\r\ntwo\n\n\nthree\nfour', 'one\ntwo\nthree four'],
    ['a\u0000b\u202ec\u2066d\u001b[1m', 'abcd[1m'],
    ['\ud83d broken', '\ufffd broken'],
    ['👩‍👩‍👧 你好 مرحبا', '👩‍👩‍👧 你好 مرحبا'],
  ])('%j', (text, clean) => expect(cleanCaption(text)).toBe(clean));

  test('is read in the time that its script takes', () => {
    expect(readingMs('Hi')).toBe(2000);
    expect(readingMs('x'.repeat(60))).toBe(4000);
    expect(readingMs('直播'.repeat(10))).toBe(4000);
    expect(readingMs('x'.repeat(200))).toBe(10_000);
  });
});

test('a line is for viewers unless it is said otherwise, and nothing unknown is taken', () => {
  expect(CaptionInput.parse({ text: ' Hi ' })).toEqual({ text: 'Hi', place: 'viewers' });
  expect(CaptionInput.safeParse({ text: 'x'.repeat(201) }).success).toBe(false);
  expect(CaptionInput.safeParse({ text: 'Hi', durationMs: 100 }).success).toBe(false);
  expect(CaptionInput.safeParse({ text: 'Hi', color: 'red' }).success).toBe(false);
  expect(CaptionInput.parse({ text: 'Hi', durationMs: null, language: 'ZH-hans' })).toMatchObject({
    ...{ durationMs: null, language: 'zh-Hans' },
  });
});

describe('tracks', () => {
  test.each([
    [{ language: 'en' }, 'English'],
    [{ language: 'zh-Hans' }, '简体中文'],
    [{ language: 'und' }, 'Captions'],
    [{ language: 'de', name: 'Für alle' }, 'Für alle'],
  ])('%j is called %s', (track, name) => expect(nameOf(track)).toBe(name));

  test.each([
    ['the same language twice', [{ language: 'en' }, { language: 'EN', name: 'x' }]],
    ['the same name twice', [{ language: 'en' }, { language: 'fr', name: 'English' }]],
    ['no tag', [{ language: 'english please' }]],
    ['a quote in a name', [{ language: 'en', name: 'a"b' }]],
    ['too many', Array.from({ length: 9 }, (_, i) => ({ language: 'en', name: `${i}` }))],
  ])('%s is refused', (_, tracks) => expect(CaptionTracks.safeParse(tracks).success).toBe(false));
});
