import { describe, expect, test } from 'vitest';
import { Grid } from '../../../../src/contracts/grid.ts';
import {
  type ListedSegment,
  type MediaPlaylist,
  partTargetSeconds,
  renderMediaPlaylist,
  skippableSegments,
} from '../../../../src/delivery/hls/playlists.ts';

const grid = Grid.parse({});
const complete = (number: number): ListedSegment => ({ number, state: 'complete', parts: 6 });
const playlist = (segments: ListedSegment[], more: Partial<MediaPlaylist> = {}): MediaPlaylist => ({
  grid,
  rendition: 'v720',
  epoch: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  initName: 'init-0123456789abcdef.mp4',
  segments,
  ended: false,
  siblings: ['../a0/index.m3u8'],
  ...more,
});
const lines = (p: MediaPlaylist): string[] => renderMediaPlaylist(p).trimEnd().split('\n');
const tag = (p: MediaPlaylist, name: string): string[] => lines(p).filter((l) => l.startsWith(`#EXT-X-${name}`));

describe('media playlist', () => {
  test('whole text, live', () => {
    const text = renderMediaPlaylist(playlist([complete(7), { number: 8, state: 'open', parts: 2 }]));
    expect(text).toBe(`#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,PART-HOLD-BACK=1.19467,HOLD-BACK=6.0
#EXT-X-PART-INF:PART-TARGET=0.34134
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-MAP:URI="init-0123456789abcdef.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:19.678Z
#EXT-X-PART:DURATION=0.333333,URI="7.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.333333,URI="7.1.m4s"
#EXT-X-PART:DURATION=0.333333,URI="7.2.m4s"
#EXT-X-PART:DURATION=0.333333,URI="7.3.m4s"
#EXT-X-PART:DURATION=0.333333,URI="7.4.m4s"
#EXT-X-PART:DURATION=0.333333,URI="7.5.m4s"
#EXTINF:2.000,
7.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:21.678Z
#EXT-X-PART:DURATION=0.333333,URI="8.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.333333,URI="8.1.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="8.2.m4s"
#EXT-X-RENDITION-REPORT:URI="../a0/index.m3u8",LAST-MSN=8,LAST-PART=1
`);
  });

  test('audio parts are all independent, and their exact durations add up to the segment', () => {
    const audio = playlist([complete(0), complete(1)], { rendition: 'a0' });
    expect(tag(audio, 'PART:').every((l) => l.endsWith('INDEPENDENT=YES'))).toBe(true);
    const durations = tag(audio, 'PART:').map((l) => Number(/DURATION=([\d.]+)/.exec(l)?.[1]));
    const extinf = lines(audio).flatMap((l) => (l.startsWith('#EXTINF') ? [Number.parseFloat(l.slice(8))] : []));
    for (const [i, length] of extinf.entries())
      expect(durations.slice(i * 6, i * 6 + 6).reduce((a, b) => a + b, 0)).toBeCloseTo(length, 5);
    // 94 and 94 frames of 1024 samples.
    expect(extinf).toEqual([2.005333, 2.005333]);
  });

  test('the program date time of an audio segment is that of its first frame', () => {
    // Segment 1 begins at 2 s; frame 94 is the first that does not start before it, at 2.005333 s.
    expect(tag(playlist([complete(1)], { rendition: 'a0' }), 'PROGRAM')).toEqual([
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:07.683Z',
    ]);
  });

  test('no part is longer than the target or shorter than 85 % of it, for every rate', () => {
    for (const fps of [24, 25, 30, 50, 60]) {
      const framesPerSegment = fps * 2;
      for (const framesPerPart of [fps / 5, fps / 3, fps / 2].filter(
        (n) => Number.isInteger(n) && framesPerSegment % n === 0,
      )) {
        const other = Grid.parse({ fps, framesPerSegment, framesPerPart });
        const target = Number(
          /PART-TARGET=([\d.]+)/.exec(renderMediaPlaylist(playlist([complete(0)], { grid: other })))?.[1],
        );
        expect(target).toBeGreaterThanOrEqual(partTargetSeconds(other));
        for (const rendition of ['v720', 'a0']) {
          const all = playlist(
            [3, 4, 5].map((n) => ({ number: n, state: 'complete', parts: framesPerSegment / framesPerPart })),
            {
              grid: other,
              rendition,
            },
          );
          for (const part of tag(all, 'PART:')) {
            const duration = Number(/DURATION=([\d.]+)/.exec(part)?.[1]);
            expect(duration).toBeLessThanOrEqual(target);
            expect(duration).toBeGreaterThanOrEqual(target * 0.85);
          }
        }
      }
    }
  });

  test('parts are listed for the newest two segments and the open one alone: none is more than three target durations from the end', () => {
    const segments = [1, 2, 3, 4, 5].map(complete);
    expect(tag(playlist(segments), 'PART:').map((l) => /URI="(\d+)\./.exec(l)?.[1])).not.toContain('3');
    expect(tag(playlist(segments), 'PART:')).toHaveLength(12);
    expect(tag(playlist([...segments, { number: 6, state: 'open', parts: 1 }]), 'PART:')).toHaveLength(13);
  });

  test('after a complete segment the hint is the first part of the next', () => {
    expect(tag(playlist([complete(4)]), 'PRELOAD')).toEqual(['#EXT-X-PRELOAD-HINT:TYPE=PART,URI="5.0.m4s"']);
    expect(tag(playlist([complete(4)]), 'RENDITION')[0]).toContain('LAST-MSN=4,LAST-PART=5');
  });

  test('a lost segment is a gap; parts that were announced stay, the others are marked as not there', () => {
    // After RFC 8216bis section 6.2.1: absent media are segments with GAP tags, and their parts have GAP=YES.
    const gap = playlist([complete(1), { number: 2, state: 'gap', parts: 2 }, { number: 3, state: 'gap', parts: 0 }]);
    const text = renderMediaPlaylist(gap);
    expect(text).toContain(
      '#EXT-X-PART:DURATION=0.333333,URI="2.1.m4s"\n#EXT-X-PART:DURATION=0.333333,URI="2.2.m4s",GAP=YES\n',
    );
    expect(text).toContain('#EXT-X-GAP\n#EXTINF:2.000,\n2.m4s\n');
    expect(tag(gap, 'PART:').filter((l) => l.includes('"3.'))).toEqual(
      [0, 1, 2, 3, 4, 5].map((p) => `#EXT-X-PART:DURATION=0.333333,URI="3.${p}.m4s",GAP=YES`),
    );
    expect(text).toContain('GAP=YES\n#EXT-X-GAP\n#EXTINF:2.000,\n3.m4s\n');
    // No longer at the end of the playlist: no parts.
    const older: ListedSegment[] = [{ number: 2, state: 'gap', parts: 2 }, ...[3, 4, 5, 6].map(complete)];
    expect(renderMediaPlaylist(playlist(older))).toContain('Z\n#EXT-X-GAP\n#EXTINF:2.000,\n2.m4s\n');
  });

  test('the end: no hint, no report, the last segment as long as its parts', () => {
    const ended = playlist([complete(1), { number: 2, state: 'short', parts: 4 }], { ended: true });
    expect(tag(ended, 'PRELOAD')).toEqual([]);
    expect(tag(ended, 'RENDITION')).toEqual([]);
    expect(lines(ended).slice(-3)).toEqual(['#EXTINF:1.333333,', '2.m4s', '#EXT-X-ENDLIST']);
  });
});

describe('delta update', () => {
  const segments = [
    ...Array.from({ length: 15 }, (_, i) => complete(40 + i)),
    { number: 55, state: 'open', parts: 1 } as const,
  ];

  test('what is further from the end of the last whole segment than six target durations can be left out, and no more', () => {
    expect(skippableSegments(playlist(segments))).toBe(9);
    expect(skippableSegments(playlist(segments.slice(0, -1)))).toBe(9);
    expect(skippableSegments(playlist(segments.slice(-7)))).toBe(0);
    expect(skippableSegments(playlist([]))).toBe(0);
  });

  test('of sound too, whose segments are a little longer or shorter than two seconds', () => {
    const audio = playlist(segments, { rendition: 'a0' });
    const skipped = skippableSegments(audio);
    const kept = lines({ ...audio, skipped }).flatMap((l) =>
      l.startsWith('#EXTINF') ? [Number.parseFloat(l.slice(8))] : [],
    );
    const sum = kept.reduce((a, b) => a + b, 0);
    expect(sum).toBeGreaterThanOrEqual(12 - 1e-5);
    expect(sum - (kept[0] ?? 0)).toBeLessThan(12);
  });

  test('EXT-X-SKIP stands in the place of the segments and their tags; all else is as in the whole playlist', () => {
    const whole = lines(playlist(segments));
    const delta = lines(playlist(segments, { skipped: 9 }));
    expect(delta.filter((l) => l.includes('SKIP:'))).toEqual(['#EXT-X-SKIP:SKIPPED-SEGMENTS=9']);
    const cut = whole.indexOf('48.m4s');
    const start = whole.findIndex((l) => l.startsWith('#EXT-X-MAP'));
    expect(delta).toEqual([...whole.slice(0, start), '#EXT-X-SKIP:SKIPPED-SEGMENTS=9', ...whole.slice(cut + 1)]);
  });
});

describe('captions', () => {
  const captions = { rendition: 'captions', initName: '', siblings: [], captions: true } as const;

  test('whole segments at the program’s own dates: no parts, no init segment, no hint, and none is lost', () => {
    const segments: ListedSegment[] = [
      { number: 7, state: 'complete', parts: 6 },
      { number: 8, state: 'gap', parts: 2 },
      { number: 9, state: 'open', parts: 4 },
    ];
    expect(renderMediaPlaylist(playlist(segments, captions))).toBe(`#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,PART-HOLD-BACK=1.19467,HOLD-BACK=6.0
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:19.678Z
#EXTINF:2.000,
7.vtt
#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:21.678Z
#EXTINF:2.000,
8.vtt
`);
  });

  test('the last one is as short as the program’s', () => {
    const text = renderMediaPlaylist(
      playlist([complete(7), { number: 8, state: 'short', parts: 2 }], { ...captions, ended: true }),
    );
    expect(text).toContain('#EXTINF:0.666667,\n8.vtt\n#EXT-X-ENDLIST\n');
  });

  test('other renditions report their last whole segment, once there is one', () => {
    const more = { captionSiblings: ['../captions/en/index.m3u8'] };
    const open: ListedSegment = { number: 8, state: 'open', parts: 2 };
    expect(tag(playlist([complete(7), open], more), 'RENDITION-REPORT').at(-1)).toBe(
      '#EXT-X-RENDITION-REPORT:URI="../captions/en/index.m3u8",LAST-MSN=7',
    );
    expect(tag(playlist([open], more), 'RENDITION-REPORT')).toHaveLength(1);
  });
});
