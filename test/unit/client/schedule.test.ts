import { describe, expect, test } from 'vitest';
import { formatRemaining } from '../../../client/shared/format.ts';
import { ofLocalField, toLocalField } from '../../../client/shared/localTime.ts';
import { QUALITY_NAMES, ShowDraft } from '../../../client/studio/session/ShowDraft.ts';
import { calendarText } from '../../../client/watch/later/calendarFile.ts';
import { parsePlaybackState } from '../../../client/watch/player/playbackState.ts';
import { type WatchFacts, watchStateOf } from '../../../client/watch/watchState.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import { PlaybackState } from '../../../src/contracts/playback.ts';

describe('times', () => {
  test('what a field holds is the local minute, and comes back', () => {
    const at = new Date(2027, 0, 9, 8, 5).getTime();
    expect(toLocalField(at)).toBe('2027-01-09T08:05');
    expect(ofLocalField('2027-01-09T08:05')).toBe(at);
    expect(ofLocalField('')).toBeUndefined();
  });

  test('how long until then', () => {
    expect(formatRemaining(59, 'en')).toBe('0:59');
    expect(formatRemaining(3_723, 'en')).toBe('1:02:03');
    expect(formatRemaining(2 * 86_400 + 61, 'en')).toBe('2 days 1:01');
    expect(formatRemaining(86_400, 'zh')).toBe('1天 0:00');
  });
});

test('whatever a host chooses is an input that the server takes', () => {
  const draft = new ShowDraft();
  for (const quality of QUALITY_NAMES)
    for (const portrait of [false, true])
      for (const ladder of [false, true]) {
        draft.quality.value = quality;
        draft.portrait.value = portrait;
        draft.ladder.value = ladder;
        draft.dvr.value = 21_600;
        const { video, renditions } = BroadcastInput.parse(draft.settings({ scheduled: true }));
        expect([video.width > video.height, renditions.length > 0]).toEqual([!portrait, ladder]);
      }
});

describe('the state of a room whose next broadcast is scheduled', () => {
  const facts: WatchFacts = {
    ...{ server: 'idle', scheduled: true, unreachable: false, playing: false, recorded: false },
    ...{ finished: false, paused: false, movedAt: null, now: 10_000 },
  };
  test('is scheduled, also after one that has ended and was shown to its end', () => {
    expect(watchStateOf(facts)).toBe('scheduled');
    expect(watchStateOf({ ...facts, scheduled: false })).toBe('idle');
    expect(watchStateOf({ ...facts, server: 'ended' })).toBe('scheduled');
    expect(watchStateOf({ ...facts, server: 'ended', playing: true, movedAt: 9_900 })).toBe('live');
    expect(watchStateOf({ ...facts, server: 'live', playing: true, movedAt: 9_900 })).toBe('live');
    expect(watchStateOf({ ...facts, unreachable: true })).toBe('reconnecting');
  });

  test('is parsed as the contract has it; what is none is left out', () => {
    const idle = { room: 'demo', state: 'idle', broadcast: null, startedAt: null, endedAt: null };
    const scheduled = { title: 'Tonight', startsAt: 5, now: 1 };
    expect(parsePlaybackState({ ...idle, scheduled })).toEqual(PlaybackState.parse({ ...idle, scheduled }));
    expect(parsePlaybackState({ ...idle, scheduled: { title: 5 } })?.scheduled).toBeNull();
    expect(parsePlaybackState(idle)?.scheduled).toBeNull();
  });
});

test('the calendar’s file has folded lines, escaped text and UTC', () => {
  const startsAt = Date.UTC(2027, 0, 9, 20, 5);
  const text = calendarText({ title: 'Ann, Bob; 连麦', startsAt, url: 'https://live.example/watch/demo', now: 0 });
  expect(text.endsWith('\r\n')).toBe(true);
  for (const line of text.split('\r\n')) expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
  const unfolded = text.replaceAll('\r\n ', '');
  for (const line of [
    'DTSTART:20270109T200500Z',
    'DTEND:20270109T210500Z',
    'SUMMARY:Ann\\, Bob\\; 连麦',
    'URL:https://live.example/watch/demo',
  ])
    expect(unfolded.split('\r\n')).toContain(line);
});
