import { describe, expect, test } from 'vitest';
import { barOf, programSeconds, timeLabel } from '../../../client/watch/later/barTime.ts';
import { parseThumbnails, thumbnailAt } from '../../../client/watch/later/thumbnails.ts';
import { renderThumbnailTrack } from '../../../src/delivery/pictures/thumbnailTrack.ts';

describe('the bar', () => {
  const timeline = { start: 100, end: 400, zeroMs: 1_000_000 };
  const live = { live: true, target: 2, away: true };

  test('reaches from what is kept to where a live player is', () => {
    expect(barOf(timeline, 250, live)).toEqual({ min: 100, max: 398, value: 250 });
    expect(barOf(timeline, 250, { ...live, away: false })).toMatchObject({ value: 398 });
    expect(barOf(timeline, 50, live)).toMatchObject({ value: 100 });
    expect(barOf({ ...timeline, start: 392 }, 395, live)).toBeNull();
  });

  test('of a recording reaches to its end', () => {
    expect(barOf(timeline, 999, { live: false, target: 2, away: false })).toEqual({ min: 100, max: 400, value: 400 });
  });

  test('says times: before now, or since the beginning', () => {
    const bar = { min: 100, max: 400, value: 250 };
    expect([timeLabel(bar, 317, true), timeLabel(bar, 400, true)]).toEqual(['−1:23', '−0:00']);
    expect(timeLabel(bar, 223, false)).toBe('2:03');
  });

  test('knows the program’s time of a place: by the wall clock, or since a recording began', () => {
    expect(programSeconds(timeline, 130, 1_090_000)).toBe(40);
    expect(programSeconds(timeline, 130, null)).toBe(30);
    expect(programSeconds({ ...timeline, zeroMs: null }, 130, 1_090_000)).toBe(30);
  });
});

describe('thumbnails', () => {
  const size = { width: 160, height: 90 };
  const track = renderThumbnailTrack(
    [
      { start: 0, end: 10, sheet: 'thumbnails/0-2.jpg', index: 0 },
      { start: 3600, end: 3610, sheet: 'thumbnails/0-2.jpg', index: 11 },
    ],
    size,
  );
  const all = parseThumbnails(track, 'https://example.org/live/demo/b1/thumbnails.vtt');

  test('are read from the track that the server writes', () => {
    const url = 'https://example.org/live/demo/b1/thumbnails/0-2.jpg';
    expect(all).toEqual([
      { start: 0, end: 10, url, x: 0, y: 0, ...size },
      { start: 3600, end: 3610, url, x: 160, y: 90, ...size },
    ]);
    expect(parseThumbnails('WEBVTT\n\n00:00.000 --> 00:01.000\nHello', 'https://example.org/')).toEqual([]);
  });

  test('stand for their time, and for a while after it', () => {
    expect(thumbnailAt(all, 5)?.start).toBe(0);
    expect(thumbnailAt(all, 19)?.start).toBe(0);
    expect(thumbnailAt(all, 21)).toBeUndefined();
    expect(thumbnailAt(all, 3601)?.start).toBe(3600);
    expect(thumbnailAt([], 5)).toBeUndefined();
  });
});
