import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseLanguage, fill } from '../../../client/shared/language.ts';
import { PROBLEMS, problemOfCapture, problemOfCode } from '../../../client/shared/problems.ts';
import { type Language, TEXTS as PAGE_TEXTS } from '../../../client/shared/texts.ts';
import { ERRORS } from '../../../src/contracts/errors.ts';

const CLIENT = join(import.meta.dirname, '../../../client');
const sources = readdirSync(CLIENT, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !/texts[./\\]/.test(file))
  .map((file) => ({ file, text: readFileSync(join(CLIENT, file), 'utf8') }));
const all = sources.map(({ text }) => text).join('\n');
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

type Words = Record<string, string>;

/** The words that are loaded with a part of the pages: what `…Texts.ts` exports as `…_TEXTS`. */
const parts: Record<Language, Words>[] = await Promise.all(
  readdirSync(CLIENT, { recursive: true, encoding: 'utf8' })
    .filter((file) => /[a-z]Texts\.ts$/.test(file))
    .map(async (file) => {
      const exported: Record<string, Record<Language, Words>> = await import(join(CLIENT, file));
      const texts = Object.entries(exported).find(([name]) => name.endsWith('_TEXTS'))?.[1];
      if (!texts) throw new Error(`${file} exports no …_TEXTS`);
      return texts;
    }),
);

/** All of them, whenever they are loaded. */
const TEXTS: Record<Language, Words> = {
  en: Object.assign({}, PAGE_TEXTS.en, ...parts.map(({ en }) => en)),
  zh: Object.assign({}, PAGE_TEXTS.zh, ...parts.map(({ zh }) => zh)),
};

describe('texts', () => {
  test('the parts are found', () => expect(parts.length).toBeGreaterThan(0));

  test('each language has the same keys and the same placeholders', () => {
    expect(Object.keys(TEXTS.zh)).toEqual(Object.keys(TEXTS.en));
    for (const [key, text] of Object.entries(TEXTS.en)) {
      const other = TEXTS.zh[key] ?? '';
      expect(placeholders(other), key).toEqual(placeholders(text));
      expect(other, key).not.toBe('');
    }
  });

  test('Chinese sentences have Chinese punctuation', () => {
    for (const [key, text] of Object.entries(TEXTS.zh)) expect(text, key).not.toMatch(/[\u4e00-\u9fff][,;:?!]/);
  });

  test('no key is left over', () => {
    // `t(`live.${state}`)`: the part before the placeholder stands in the source.
    const used = (key: string) =>
      all.includes(`'${key}'`) ||
      [...key.matchAll(/[.-]/g)].some(({ index }) => all.includes(['`', key.slice(0, index + 1), '${'].join('')));
    expect(Object.keys(TEXTS.en).filter((key) => !used(key))).toEqual([]);
  });

  test('no component says a word of its own', () => {
    for (const { file, text } of sources.filter(({ file }) => file.endsWith('.tsx')))
      expect(
        [...text.matchAll(/(?:aria-label|title|placeholder)="([A-Z][^"]*)"/g)].map((m) => m[1]),
        file,
      ).not.toContain(expect.stringMatching(/ /));
  });

  test('a placeholder without a value stays to be noticed', () => {
    expect(fill('{name} in {room}', { name: 'Ada' })).toBe('Ada in {room}');
  });
});

test('the language is the first of the wishes that we have', () => {
  expect(chooseLanguage(['fr-FR', 'zh-TW', 'en'])).toBe('zh');
  expect(chooseLanguage(['en-GB', 'zh'])).toBe('en');
  expect(chooseLanguage(['fr'])).toBe('en');
});

describe('problems', () => {
  test('each has a title and a remedy', () => {
    for (const code of PROBLEMS) {
      expect(TEXTS.en[`problem.${code}.title`]).toBeTruthy();
      expect(TEXTS.en[`problem.${code}.do`]).toBeTruthy();
    }
  });

  test('each error of the server becomes one', () => {
    for (const code of Object.keys(ERRORS)) expect(PROBLEMS).toContain(problemOfCode(code).code);
    expect(problemOfCode('room-full').code).toBe('room-full');
    expect(problemOfCode('wrong-audience').code).toBe('unauthorized');
    expect(problemOfCode('something-new')).toEqual({ code: 'server-error', detail: '' });
  });

  test.each([
    ['NotAllowedError', 'camera', 'permission-denied'],
    ['NotFoundError', 'camera', 'no-camera'],
    ['NotFoundError', 'microphone', 'no-microphone'],
    ['NotFoundError', 'both', 'no-device'],
    ['NotReadableError', 'camera', 'camera-busy'],
    ['NotReadableError', 'microphone', 'microphone-busy'],
    ['NotReadableError', 'screen', 'screen-failed'],
    ['WhateverError', 'microphone', 'device-failed'],
  ] as const)('%s for the %s', (name, wanted, code) => {
    const error = Object.assign(new Error('x'), { name });
    expect(problemOfCapture(error, wanted).code).toBe(code);
  });
});
