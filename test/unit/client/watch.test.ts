import { describe, expect, test } from 'vitest';
import { afterGap } from '../../../client/watch/player/gapJump.ts';
import { parsePlaybackState } from '../../../client/watch/player/playbackState.ts';
import { catchUpTarget, isStarved, rescueTarget } from '../../../client/watch/player/stallRescue.ts';
import { splitStyles } from '../../../client/watch/player/strictStyles.ts';
import { type WatchFacts, watchStateOf } from '../../../client/watch/watchState.ts';
import { PlaybackState } from '../../../src/contracts/playback.ts';

describe('parsePlaybackState', () => {
  const good = { room: 'demo', state: 'live', broadcast: 'babcdefgh12345678', startedAt: 5, endedAt: null };

  test('takes what the contract takes', () => {
    for (const state of [
      good,
      { ...good, viewers: 3 },
      { ...good, state: 'ended', recording: 'rabcdefgh12345678' },
      { ...good, state: 'idle', broadcast: null, startedAt: null },
      { ...good, state: 'ended' },
    ])
      expect(parsePlaybackState(state)).toEqual(PlaybackState.parse(state));
  });

  test.each([
    null,
    'x',
    [],
    {},
    { ...good, state: 'new' },
    { ...good, broadcast: 5 },
    { ...good, startedAt: '5' },
    { ...good, recording: 5 },
  ])('refuses %j', (json) => {
    expect(parsePlaybackState(json)).toBeUndefined();
  });
});

describe('rescueTarget', () => {
  test('over a hole to the next range', () => {
    const buffered = [
      { start: 0, end: 4 },
      { start: 8, end: 12 },
    ];
    expect(rescueTarget({ currentTime: 3.98, buffered, livePosition: 10 })).toBeCloseTo(8.05);
    expect(rescueTarget({ currentTime: 6, buffered, livePosition: 10 })).toBeCloseTo(8.05);
  });

  test('a push where there is data', () => {
    const buffered = [{ start: 2, end: 12 }];
    expect(rescueTarget({ currentTime: 5, buffered, livePosition: 10 })).toBeCloseTo(5.05);
    expect(rescueTarget({ currentTime: 1.95, buffered, livePosition: 10 })).toBeCloseTo(2.05);
  });

  test('waits for data, but follows an edge that ran away', () => {
    const buffered = [{ start: 0, end: 4 }];
    expect(rescueTarget({ currentTime: 4, buffered, livePosition: 6 })).toBeNull();
    expect(rescueTarget({ currentTime: 4, buffered, livePosition: null })).toBeNull();
    expect(rescueTarget({ currentTime: 4, buffered, livePosition: 20 })).toBe(20);
    expect(rescueTarget({ currentTime: 4, buffered: [], livePosition: 20 })).toBe(20);
  });
});

describe('isStarved', () => {
  const view = { currentTime: 7.99, buffered: [{ start: 0, end: 8 }], livePosition: 10 };

  test('the playlist goes on and nothing is loaded', () => {
    expect(isStarved(view, { listedEnd: 10.3, gapAhead: false })).toBe(true);
  });

  test('not while a few parts are on their way, something is there, or what comes is lost', () => {
    expect(isStarved(view, { listedEnd: 9, gapAhead: false })).toBe(false);
    expect(isStarved(view, { listedEnd: 12, gapAhead: true })).toBe(false);
    const buffered = [...view.buffered, { start: 10, end: 11 }];
    expect(isStarved({ ...view, buffered }, { listedEnd: 12, gapAhead: false })).toBe(false);
  });
});

describe('catchUpTarget', () => {
  const buffered = [{ start: 0, end: 20 }];

  test('to the live position, if it is loaded', () => {
    expect(catchUpTarget({ currentTime: 14, buffered, livePosition: 19 })).toBe(19);
    expect(catchUpTarget({ currentTime: 14, buffered, livePosition: 21 })).toBeNull();
    expect(catchUpTarget({ currentTime: 14, buffered, livePosition: null })).toBeNull();
  });

  test('is done when it is near', () => {
    expect(catchUpTarget({ currentTime: 18, buffered, livePosition: 19 })).toBe('near');
  });
});

describe('afterGap', () => {
  const segment = (k: number, gap = false) => ({ start: k * 2, end: k * 2 + 2, gap });
  const part = (start: number, gap = false) => ({ start, end: start + 1 / 3, gap });

  test('nothing is lost', () => {
    const fragments = [segment(0), segment(1)];
    expect(afterGap({ fragments, parts: [part(4)] }, 4)).toBeNull();
    expect(afterGap({ fragments, parts: null }, 1.5)).toBeNull();
    expect(afterGap({ fragments: [], parts: null }, 0)).toBeNull();
  });

  test('the first part after lost segments, as soon as it is there', () => {
    const fragments = [segment(0), segment(1, true), segment(2, true)];
    expect(afterGap({ fragments, parts: [part(2, true), part(4, true)] }, 2.33)).toBeNull();
    expect(afterGap({ fragments, parts: [part(2, true), part(4, true), part(6)] }, 2.33)).toBe(6);
    expect(afterGap({ fragments, parts: null }, 2)).toBeNull();
  });

  test('a complete segment after lost ones', () => {
    const fragments = [segment(0), segment(1, true), segment(2)];
    expect(afterGap({ fragments, parts: [part(6)] }, 1.9999)).toBe(4);
  });

  test('a hole further ahead is not jumped yet', () => {
    const fragments = [segment(0), segment(1), segment(2, true), segment(3)];
    expect(afterGap({ fragments, parts: null }, 2.5)).toBeNull();
    expect(afterGap({ fragments, parts: null }, 4.01)).toBe(6);
  });
});

describe('watchStateOf', () => {
  const facts = (changes: Partial<WatchFacts>): WatchFacts => ({
    server: 'live',
    scheduled: false,
    unreachable: false,
    playing: true,
    recorded: false,
    finished: false,
    paused: false,
    movedAt: 1000,
    now: 1100,
    ...changes,
  });

  test.each<[string, Partial<WatchFacts>, string]>([
    ['before the first answer', { server: null, playing: false, movedAt: null }, 'connecting'],
    ['the server is not there', { server: null, playing: false, movedAt: null, unreachable: true }, 'reconnecting'],
    ['nothing was ever live', { server: 'idle', playing: false, movedAt: null }, 'idle'],
    ['live, no frame yet', { movedAt: null }, 'connecting'],
    ['live', {}, 'live'],
    ['it stands still', { now: 9000 }, 'reconnecting'],
    ['it was paused by the person', { now: 9000, paused: true }, 'live'],
    ['the server is away but it still plays', { unreachable: true }, 'live'],
    ['it ended before one came', { server: 'ended', playing: false, movedAt: null }, 'ended'],
    ['it ended, the last seconds still play', { server: 'ended' }, 'live'],
    ['it ended and was shown to its end', { server: 'ended', finished: true }, 'ended'],
    ['it ended and stands', { server: 'ended', now: 9000 }, 'ended'],
    ['a recording begins', { server: 'ended', recorded: true, movedAt: null }, 'connecting'],
    ['a recording plays', { server: 'ended', recorded: true }, 'recorded'],
    ['a recording of a room that is forgotten', { server: 'idle', recorded: true }, 'recorded'],
    ['a recording was shown to its end', { server: 'ended', recorded: true, finished: true, now: 9000 }, 'recorded'],
    ['a recording stands still', { server: 'ended', recorded: true, now: 9000 }, 'reconnecting'],
  ])('%s', (_name, changes, state) => {
    expect(watchStateOf(facts(changes))).toBe(state);
  });
});

test('splitStyles takes styles and the roots of children out of a template', () => {
  const html = `<style>a{}</style><slot></slot><x-y><template shadowrootmode="open"><style>inner{}</style></template></x-y>
    <style id="b">b{}</style>`;
  const { css, markup } = splitStyles(html);
  expect(css).toBe('a{}b{}');
  expect(markup).toContain('<slot></slot><x-y></x-y>');
  expect(markup).not.toContain('style');
});
