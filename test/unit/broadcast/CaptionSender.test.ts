import { beforeEach, describe, expect, test } from 'vitest';
import { CaptionSender } from '../../../src/broadcast/CaptionSender.ts';
import type { CaptionLine } from '../../../src/contracts/captions.ts';

const [EPOCH, START_MS] = [1_700_000_000_000, 50_000];
let now: number;
let program: { epoch: number; startMs: number } | undefined;
let sent: CaptionLine[];
const link = { send: ({ line }: { line: CaptionLine }) => void sent.push(line) };
let sender: CaptionSender;

beforeEach(() => {
  now = START_MS + 20_000;
  program = { epoch: EPOCH, startMs: START_MS };
  sent = [];
  sender = new CaptionSender({
    ...{ tracks: [{ language: 'zh-Hans' }, { language: 'en' }], clock: { now: () => now } },
    program: () => program,
  });
});

test('what is said now is at the program time of now, in the first language', () => {
  sender.reach(link);
  expect(sender.say({ text: 'Hi', place: 'viewers' })).toEqual({
    ...{ text: 'Hi', language: 'zh-Hans', at: EPOCH + 20_000, durationMs: 2000 },
  });
  expect(sent).toEqual([{ id: expect.any(String), language: 'zh-Hans', text: 'Hi', start: 20_000, end: 22_000 }]);
});

test('what was spoken at a wall clock time is at that of the program; until the next has no end', () => {
  sender.reach(link);
  sender.say({ text: 'Hi', place: 'viewers', language: 'en', at: EPOCH + 17_500, durationMs: null });
  expect(sent).toMatchObject([{ language: 'en', start: 17_500, end: null }]);
});

describe('refused', () => {
  test.each([
    ['a language that it has not', { language: 'fr' }, 'conflict'],
    ['seconds in place of ms', { at: EPOCH / 1000 }, 'bad-request'],
    ['an hour ahead', { at: EPOCH + 3_600_000 }, 'bad-request'],
  ])('%s', (_, more, code) => {
    expect(() => sender.say({ text: 'Hi', place: 'viewers', ...more })).toThrow(expect.objectContaining({ code }));
  });

  test('before there is a program', () => {
    program = undefined;
    expect(() => sender.say({ text: 'Hi', place: 'viewers' })).toThrow(
      expect.objectContaining({ code: 'no-broadcast' }),
    );
  });
});

test('what a delivery node may not have heard is said again, with the same id, while it is of use', () => {
  sender.reach(link);
  sender.say({ text: 'old', place: 'viewers' });
  now += 20_000;
  sender.say({ text: 'new', place: 'viewers' });
  const [old, fresh] = sent.splice(0);
  sender.reach(link);
  expect(sent.splice(0)).toEqual([old, fresh]);
  now += 15_000;
  sender.reach(link);
  expect(sent).toEqual([fresh]);
});
