import { describe, expect, test } from 'vitest';
import { MemoryChatStore } from '../../../src/chat/MemoryChatStore.ts';
import { Pace } from '../../../src/chat/Pace.ts';
import { CHAT_HISTORY, ChatText } from '../../../src/contracts/chat.ts';

const draft = (text: string, more: object = {}) => ({
  ...({ person: 'p'.repeat(16), name: 'Ann', role: 'guest', text, at: 0 } as const),
  ...more,
});

describe('MemoryChatStore', () => {
  test('keeps the last messages of each room, in order', async () => {
    const store = new MemoryChatStore(() => 1_000);
    for (let n = 0; n < CHAT_HISTORY + 5; n++)
      await store.say({ room: 'a', draft: draft(String(n)), exempt: 'nothing' });
    const { messages } = await store.read('a');
    expect(messages.length).toBe(CHAT_HISTORY);
    expect([messages[0]?.text, messages.at(-1)?.text]).toEqual(['5', String(CHAT_HISTORY + 4)]);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(CHAT_HISTORY);
    expect((await store.read('b')).messages).toEqual([]);
    await store.remove('a', [messages[0]?.id ?? '']);
    expect((await store.read('a')).messages[0]?.text).toBe('6');
  });

  test('a time-out holds the person and the address until it is over; hosts never', async () => {
    let now = 1_000;
    const store = new MemoryChatStore(() => now);
    const say = (more: object, exempt: 'nothing' | 'all' = 'nothing') =>
      store.say({ room: 'a', draft: draft('x', more), exempt });
    expect(await store.timeOut('a', ['p'.repeat(16), '@home'], 60)).toBe(61_000);
    expect(await say({})).toEqual({ outcome: 'out', until: 61_000 });
    expect(await say({ person: 'q'.repeat(16), from: '@home' })).toEqual({ outcome: 'out', until: 61_000 });
    expect((await say({ person: 'q'.repeat(16), from: '@elsewhere' })).outcome).toBe('said');
    expect((await say({}, 'all')).outcome).toBe('said');
    now = 61_000;
    expect((await say({})).outcome).toBe('said');
    await store.timeOut('a', ['p'.repeat(16), '@home'], 60);
    await store.timeOut('a', ['p'.repeat(16)], 0);
    expect((await store.read('a')).out.size).toBe(0);
  });

  test('slow mode: so many seconds between two of one person', async () => {
    let now = 1_000;
    const store = new MemoryChatStore(() => now);
    await store.setSlow('a', 10);
    const say = (person: string, exempt: 'nothing' | 'slow' = 'nothing') =>
      store.say({ room: 'a', draft: draft('x', { person }), exempt });
    expect((await say('p'.repeat(16))).outcome).toBe('said');
    now = 10_999;
    expect(await say('p'.repeat(16))).toEqual({ outcome: 'slow', until: 11_000 });
    expect((await say('q'.repeat(16))).outcome).toBe('said');
    expect((await say('p'.repeat(16), 'slow')).outcome).toBe('said');
  });
});

test('Pace: what comes alone goes at once, what comes close behind goes together', () => {
  let now = 0;
  let runs = 0;
  const pace = new Pace({ everyMs: 200, run: () => runs++, clock: { now: () => now } });
  pace.ask();
  expect(runs).toBe(1);
  now = 50;
  pace.ask();
  pace.ask();
  expect(runs).toBe(1);
  pace.flush();
  expect(runs).toBe(2);
  pace.flush();
  expect(runs).toBe(2);
  now = 250;
  pace.ask();
  expect(runs).toBe(3);
});

describe('ChatText', () => {
  test.each([
    ['  hello\n  there ', 'hello there'],
    ['<script>', '<script>'],
    ['x'.repeat(500), 'x'.repeat(500)],
  ])('%j', (text, said) => expect(ChatText.parse(text)).toBe(said));

  test.each(['', '   ', 'x'.repeat(501), 'a\u0000b', 'a\u202eb', 'a\u2067b'])('%j is refused', (text) => {
    expect(ChatText.safeParse(text).success).toBe(false);
  });
});
