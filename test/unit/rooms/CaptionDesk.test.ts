import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CaptionInput } from '../../../src/contracts/captions.ts';
import { AppError } from '../../../src/contracts/errors.ts';
import { CaptionDesk } from '../../../src/rooms/CaptionDesk.ts';
import { SceneStore } from '../../../src/rooms/SceneStore.ts';

const ROOM = 'demo';
let scenes: SceneStore;
let kept: number | undefined;
let said: CaptionInput[];
let live: boolean;
let desk: CaptionDesk;
const broadcasts = {
  applyScene: async () => null,
  caption: (_: string, input: CaptionInput) => {
    if (!live) throw new AppError('no-broadcast');
    said.push(input);
    return { text: input.text, language: 'en', at: 7, durationMs: input.durationMs ?? null };
  },
};
const newDesk = () =>
  new CaptionDesk({
    scene: (room) => scenes.get(room),
    setScene: (...change) => scenes.set(...change),
    keepUntil: (_, until) => {
      kept = until;
    },
  });
const say = (input: Partial<CaptionInput>) => desk.say(ROOM, { text: 'Hello', place: 'both', ...input }, broadcasts);
const shown = () => scenes.get(ROOM).scene.captions;

beforeEach(() => {
  vi.useFakeTimers();
  scenes = new SceneStore();
  [kept, said, live] = [undefined, [], true];
  desk = newDesk();
});
afterEach(() => {
  desk.close();
  vi.useRealTimers();
});

describe('on the picture', () => {
  test('a line goes by itself when its time is over', async () => {
    await say({ durationMs: 5000 });
    expect([shown(), kept]).toEqual(['Hello', Date.now() + 5000]);
    vi.advanceTimersByTime(4999);
    expect(shown()).toBe('Hello');
    vi.advanceTimersByTime(1);
    expect([shown(), kept]).toEqual(['', undefined]);
  });

  test('the next one takes its place, for its own time', async () => {
    await say({ durationMs: 5000 });
    vi.advanceTimersByTime(4000);
    await say({ text: 'two\nlines', durationMs: 5000 });
    vi.advanceTimersByTime(4999);
    expect(shown()).toBe('two lines');
    vi.advanceTimersByTime(1);
    expect(shown()).toBe('');
  });

  test('until the next: it stays, and an empty one takes it off', async () => {
    await say({ durationMs: null });
    vi.advanceTimersByTime(3_600_000);
    expect([shown(), kept]).toEqual(['Hello', undefined]);
    await say({ text: '' });
    expect(shown()).toBe('');
  });

  test('what a host put there in its place stays', async () => {
    await say({ durationMs: 5000 });
    const { version, scene } = scenes.get(ROOM);
    scenes.set(ROOM, { ...scene, captions: 'by hand' }, version);
    vi.advanceTimersByTime(5000);
    expect(shown()).toBe('by hand');
  });

  test('the next process takes it off, also when its time was over before', async () => {
    await say({ durationMs: 5000 });
    desk.close();
    vi.advanceTimersByTime(1000);
    expect(shown()).toBe('Hello');
    desk = newDesk();
    desk.adopt(ROOM, kept);
    vi.advanceTimersByTime(3999);
    expect(shown()).toBe('Hello');
    vi.advanceTimersByTime(1);
    expect(shown()).toBe('');
  });
});

describe('where', () => {
  test('viewers only: the picture stays as it is', async () => {
    expect(await say({ place: 'viewers' })).toMatchObject({ language: 'en', at: 7 });
    expect([shown(), said.length]).toEqual(['', 1]);
  });

  test('the picture only: nobody has to be live', async () => {
    live = false;
    expect(await say({ place: 'picture', durationMs: 5000 })).toEqual({
      ...{ text: 'Hello', language: null, at: null, durationMs: 5000 },
    });
    expect([shown(), said.length]).toEqual(['Hello', 0]);
  });

  test('both, and not live: it is refused, and not on the picture either', async () => {
    live = false;
    await expect(say({})).rejects.toMatchObject({ code: 'no-broadcast' });
    expect(shown()).toBe('');
  });
});

test('a room has its pace', async () => {
  for (let i = 0; i < 20; i++) await say({ place: 'viewers' });
  await expect(say({ place: 'viewers' })).rejects.toMatchObject({ code: 'too-many' });
  await expect(desk.say('other', { text: 'Hi', place: 'viewers' }, broadcasts)).resolves.toBeDefined();
});
