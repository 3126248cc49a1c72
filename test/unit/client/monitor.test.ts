import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isProgramTrack, MonitorSession, type ProgramTrack } from '../../../client/studio/session/MonitorSession.ts';
import type { SignalingClient } from '../../../client/studio/session/SignalingClient.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const told: unknown[] = [];
  const request = async (event: string, wish: unknown) => {
    told.push([event, wish]);
    // As while the connection breaks: nobody is to be told of it.
    throw new Error('lost');
  };
  const monitor = new MonitorSession({ request } as unknown as SignalingClient);
  return { told, monitor };
}
const wish = (video: boolean, sound: boolean) => ['program:watch', { video, sound }];
const trackOf = (consumerId: string, source: ProgramTrack['source']): ProgramTrack => ({
  ...{ consumerId, source, peerId: 'paaaaaaaa', paused: false },
  track: { kind: source === 'program' ? 'video' : 'audio' } as MediaStreamTrack,
});

describe('the wish to see the program', () => {
  test('is told once there is a connection, to each one anew, and only when it is another', () => {
    const { told, monitor } = setUp();
    monitor.show(true);
    expect(told).toEqual([]);
    monitor.connected(true);
    monitor.show(true);
    expect(told).toEqual([wish(true, false)]);
    monitor.connected(false);
    monitor.listening.value = true;
    monitor.connected(true);
    expect(told.slice(1)).toEqual([wish(true, true)]);
    monitor.connected(true);
    expect(told.slice(2)).toEqual([wish(true, true)]);
  });

  test('is told again while nobody hears it, some times, and not when it is another', async () => {
    const { told, monitor } = setUp();
    monitor.connected(true);
    monitor.show(true);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(told).toEqual([wish(true, false), wish(true, false)]);
    monitor.show(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told.slice(2)).toEqual(Array(5).fill(wish(false, false)));
    monitor.show(true);
    monitor.connected(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told.slice(7)).toEqual([wish(true, false)]);
  });

  test('who never wanted it says nothing; who hides it stops listening, too', () => {
    const { told, monitor } = setUp();
    monitor.connected(true);
    expect(told).toEqual([]);
    monitor.show(true);
    monitor.listening.value = true;
    monitor.show(false);
    expect(monitor.listening.value).toBe(false);
    expect(told.at(-1)).toEqual(wish(false, false));
    monitor.close();
    monitor.show(true);
    expect(told.at(-1)).toEqual(wish(false, false));
  });

  test('the page’s suggestion counts only where the person has not chosen', () => {
    const { monitor } = setUp();
    monitor.suggest(true);
    expect(monitor.shown.value).toBe(true);
    monitor.show(false);
    monitor.suggest(true);
    expect(monitor.shown.value).toBe(false);
  });
});

describe('the program’s tracks', () => {
  test('the newest sound is heard, and people are silent only while there is one', () => {
    const { monitor } = setUp();
    monitor.connected(true);
    monitor.listening.value = true;
    expect(monitor.hears.value).toBe(false);
    const [old, next] = [trackOf('c1', 'program-sound'), trackOf('c2', 'program-sound')];
    monitor.tracks.value = [old, trackOf('c3', 'program'), next];
    expect(monitor.sound.value).toBe(next);
    expect(monitor.pictures.value.map(({ consumerId }) => consumerId)).toEqual(['c3']);
    expect(monitor.hears.value).toBe(true);
    monitor.connected(false);
    expect(monitor.hears.value).toBe(false);
  });

  test('are told from those of people', () => {
    expect(isProgramTrack(trackOf('c1', 'program-sound'))).toBe(true);
    expect(isProgramTrack({ ...trackOf('c1', 'program'), source: 'screen-audio' })).toBe(false);
  });
});
