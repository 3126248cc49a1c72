/** Each rule that a playlist's text shows has a text here that breaks it and nothing else that it should not; whole ones have no finding. */
import { describe, expect, test } from 'vitest';
import { parsePlaylist } from '../../../../scripts/hlsCheck/parse/parsePlaylist.ts';
import type { MediaPlaylist } from '../../../../scripts/hlsCheck/parse/playlist.ts';
import { checkMedia } from '../../../../scripts/hlsCheck/playlist/checkMedia.ts';
import { checkMultivariant } from '../../../../scripts/hlsCheck/playlist/checkMultivariant.ts';
import { checkSet } from '../../../../scripts/hlsCheck/playlist/checkSet.ts';
import { checkUpdate } from '../../../../scripts/hlsCheck/playlist/checkUpdate.ts';
import { Findings, type RuleId } from '../../../../scripts/hlsCheck/rules/Findings.ts';
import type { PLAYLIST_RULES } from '../../../../scripts/hlsCheck/rules/playlistRules.ts';
import { MULTIVARIANT_TEXT, mediaText, VOD_TEXT } from '../../../support/hls/playlistTexts.ts';

type Texts =
  | string
  | Buffer
  | { before: string; after: string }
  | { multivariant?: string; video: string; audio: string };

const URL_OF = (name: string) => `http://server/live/room/b1/${name}/index.m3u8`;

/** The rules that these texts break. */
function brokenBy(texts: Texts): RuleId[] {
  const findings = new Findings();
  const report = findings.at(URL_OF('v720'));
  const parse = (text: string | Buffer) => parsePlaylist(Buffer.from(text), report);
  const media = (text: string): MediaPlaylist => {
    const playlist = parse(text);
    if (playlist.kind !== 'media') throw new Error('no media playlist');
    checkMedia(playlist, report);
    return playlist;
  };
  if (typeof texts === 'string' || Buffer.isBuffer(texts)) {
    const playlist = parse(texts);
    if (playlist.kind === 'media') checkMedia(playlist, report);
    else checkMultivariant(playlist, report);
  } else if ('before' in texts) checkUpdate(media(texts.before), media(texts.after), report);
  else {
    const multivariant = parse(texts.multivariant ?? MULTIVARIANT_TEXT);
    if (multivariant.kind !== 'multivariant') throw new Error('no multivariant playlist');
    const named = [
      { url: URL_OF('v720'), playlist: media(texts.video) },
      { url: URL_OF('a0'), playlist: media(texts.audio) },
    ];
    checkSet(multivariant, named, report);
  }
  return findings.all.map(({ rule }) => rule);
}

/** Replaces, and sees to it that there was something to replace. */
function change(text: string, ...pairs: [from: string | RegExp, to: string][]): string {
  return pairs.reduce((changed, [from, to]) => {
    const next = changed.replace(from, to);
    expect(next, `${from}`).not.toBe(changed);
    return next;
  }, text);
}

const M = mediaText();
const AUDIO = change(M, ['../a0/', '../v720/']);
const V = MULTIVARIANT_TEXT;
const media = (...pairs: [string | RegExp, string][]) => change(M, ...pairs);
const multivariant = (...pairs: [string | RegExp, string][]) => change(V, ...pairs);
/** The version before, and the one after with a change. */
const update = (before: string, after: string) => ({ before, after });
const next = mediaText({ first: 10, whole: 8, open: 4 });
const rolled = mediaText({ first: 11, whole: 8, open: 1 });
const set = (video: string, audio: string) => ({ video, audio });
const broken = '#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-11-25T21:47:10';
const withBreak: [string, string] = ['#EXT-X-PROGRAM-DATE-TIME:2026-11-25T21:47:10', broken];

/** Each of the texts breaks the rule. */
const BREAKS: Record<keyof typeof PLAYLIST_RULES, Texts[]> = {
  'text-encoding': [
    `\ufeff${M}`,
    media(['17.m4s', '17\u0007.m4s']),
    Buffer.concat([Buffer.from(M), Buffer.from([0xff])]),
  ],
  'first-line': [`#EXT-X-VERSION:9\n${M}`, `\n${M}`],
  'tag-known': [
    media(['#EXT-X-PART-INF', '#EXT-X-SOMETHING:1\n#EXT-X-PART-INF']),
    media([',INDEPENDENT=YES', ',NEW=YES']),
  ],
  'tag-value': [media(['TARGETDURATION:2', 'TARGETDURATION:2.0']), media(['#EXTINF:2.000,', '#EXTINF:2.000'])],
  'tag-once': [media(['#EXT-X-VERSION:9', '#EXT-X-VERSION:9\n#EXT-X-VERSION:9'])],
  'tag-place': [multivariant(['#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-TARGETDURATION:2'])],
  'attribute-syntax': [media(['CAN-SKIP-UNTIL', ' CAN-SKIP-UNTIL']), media(['HOLD-BACK=6.0\n', 'HOLD-BACK=6.0,\n'])],
  'attribute-once': [media(['HOLD-BACK=6.0\n', 'HOLD-BACK=6.0,HOLD-BACK=6.0\n'])],
  'attribute-type': [
    media(['PART-TARGET=0.34134', 'PART-TARGET="0.34134"']),
    media(['SERVER-CONTROL:CAN-BLOCK-RELOAD=YES', 'SERVER-CONTROL:CAN-BLOCK-RELOAD="YES"']),
    media([/LAST-MSN=\d+/, 'LAST-MSN=18446744073709551616']),
    multivariant(['RESOLUTION=640x360', 'RESOLUTION=640X360']),
  ],
  'attribute-choice': [media(['TYPE=PART', 'TYPE=SEGMENT']), media(['CAN-BLOCK-RELOAD=YES', 'CAN-BLOCK-RELOAD=NO'])],
  'attribute-required': [media(['TYPE=PART,', '']), multivariant(['BANDWIDTH=3200000,', ''])],
  'version-minimum': [media(['VERSION:9', 'VERSION:5']), mediaText({ skipped: 2 }).replace('VERSION:9', 'VERSION:8')],
  'version-excess': [
    media(['VERSION:9', 'VERSION:10']),
    media(['CAN-SKIP-UNTIL=12.0,', '']),
    { multivariant: multivariant(['#EXTM3U', '#EXTM3U\n#EXT-X-VERSION:11']), video: M, audio: AUDIO },
  ],
  'target-duration': [media(['#EXT-X-TARGETDURATION:2\n', '']), media(['TARGETDURATION:2', 'TARGETDURATION:0'])],
  'extinf-required': [media(['#EXTINF:2.000,\n17.m4s', '17.m4s'])],
  'segment-uri': [media([/17\.m4s\n[\s\S]*/, ''])],
  'extinf-target': [media(['#EXTINF:2.000,', '#EXTINF:2.500,'])],
  'extinf-over': [media(['#EXTINF:2.000,', '#EXTINF:2.501,'])],
  'sequence-first': [media(['#EXT-X-MEDIA-SEQUENCE:10\n', ''], ['10.m4s\n', '10.m4s\n#EXT-X-MEDIA-SEQUENCE:10\n'])],
  'discontinuity-sequence': [media(withBreak)],
  'part-inf': [media([/#EXT-X-PART-INF.*\n/, ''])],
  'part-hold-back': [media(['PART-HOLD-BACK=1.19467,', '']), media(['PART-HOLD-BACK=1.19467', 'PART-HOLD-BACK=0.68'])],
  'part-hold-back-three': [media(['PART-HOLD-BACK=1.19467', 'PART-HOLD-BACK=1.0'])],
  'hold-back': [media(['HOLD-BACK=6.0', 'HOLD-BACK=5.9'])],
  'skip-boundary': [media(['CAN-SKIP-UNTIL=12.0', 'CAN-SKIP-UNTIL=11.9'])],
  'skip-dateranges': [media(['CAN-SKIP-UNTIL=12.0', 'CAN-SKIP-DATERANGES=YES'])],
  'skip-allowed': [
    change(mediaText({ whole: 10, skipped: 2 }), ['CAN-SKIP-UNTIL=12.0,', '']),
    mediaText({ whole: 8, skipped: 3 }),
  ],
  'low-latency-profile': [media(['CAN-BLOCK-RELOAD=YES,', ''])],
  'part-longest': [media(['DURATION=0.333333,URI="18.2', 'DURATION=0.341400,URI="18.2'])],
  'part-shortest': [media(['DURATION=0.333333,URI="18.1', 'DURATION=0.290000,URI="18.1'])],
  'part-ranks': [media(['"18.0.m4s",INDEPENDENT=YES\n', '"18.0.m4s",INDEPENDENT=YES\n#EXT-X-MAP:URI="other.mp4"\n'])],
  'part-independent': [
    media(['"17.0.m4s",INDEPENDENT=YES', '"17.0.m4s"'], ['#EXTM3U', '#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS']),
  ],
  'part-sum': [media(['DURATION=0.333333,URI="17.5', 'DURATION=0.330000,URI="17.5'])],
  'part-window': [
    media(
      ['14.m4s', '14.m4s'.padEnd(7, '?')],
      ['#EXTINF:2.000,\n14.m4s?', '#EXT-X-PART:DURATION=2,URI="14.0.m4s"\n#EXTINF:2.000,\n14.m4s'],
    ),
  ],
  'part-gap': [media(['URI="17.5.m4s"', 'URI="17.5.m4s",GAP=YES'])],
  'map-required': [media([/#EXT-X-MAP.*\n/, ''])],
  'date-time': [media([/#EXT-X-PROGRAM-DATE-TIME.*\n/g, ''])],
  'date-time-form': [media(['21:47:04.171Z', '21:47:04Z']), media(['21:47:04.171Z', '21:47:04.171'])],
  'date-time-clear': [media(['21:47:10.171Z', '21:47:10.271Z']), media(['21:47:10.171Z', '21:47:10.071Z'])],
  'date-time-break': [media([/#EXT-X-PROGRAM-DATE-TIME:2026-11-25T21:47:10.*\n/, '#EXT-X-DISCONTINUITY\n'])],
  'date-range-dates': [
    media(
      [/#EXT-X-PROGRAM-DATE-TIME.*\n/g, ''],
      ['#EXT-X-MAP', '#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-25T21:47:10Z"\n#EXT-X-MAP'],
    ),
  ],
  'ended-hint': [`${M}#EXT-X-ENDLIST\n`],
  'hint-once': [media([/(#EXT-X-PRELOAD-HINT.*\n)/, '$1$1'])],
  'hint-next': [media(['TYPE=PART,URI="18.3.m4s"', 'TYPE=PART,URI="18.2.m4s"'])],
  'hint-there': [media([/#EXT-X-PRELOAD-HINT.*\n/, ''])],
  'report-relative': [media(['../a0/', 'http://server/live/room/b1/a0/'])],
  'report-whole': [set(change(M, [',LAST-PART=2', '']), AUDIO), media(['LAST-MSN=18,', ''])],
  'window-least': [update(mediaText({ whole: 6 }), mediaText({ first: 11, whole: 5, open: 4 }))],
  'type-live': [media(['#EXT-X-MEDIA-SEQ', '#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQ'])],
  'type-vod': [change(VOD_TEXT, ['#EXT-X-PLAYLIST-TYPE:VOD\n', ''])],
  'variant-uri': [multivariant(['b1/v720/index.m3u8\n', '']), multivariant(['b1/v360', 'b1/v180\nb1/v360'])],
  'variant-there': [multivariant([/#EXT-X-STREAM-INF[\s\S]*/, ''])],
  'variant-codecs': [multivariant([/CODECS="[^"]*",/, ''])],
  'variant-resolution': [multivariant(['RESOLUTION=1280x720,', ''])],
  'variant-frame-rate': [multivariant(['FRAME-RATE=30.000,', ''])],
  'variant-average': [multivariant(['AVERAGE-BANDWIDTH=2628000,', ''])],
  'frame-rate-form': [multivariant(['FRAME-RATE=30.000', 'FRAME-RATE=30'])],
  'frame-rate-most': [multivariant(['FRAME-RATE=30.000', 'FRAME-RATE=120.000'])],
  'bandwidth-order': [multivariant(['AVERAGE-BANDWIDTH=2628000', 'AVERAGE-BANDWIDTH=3200001'])],
  'codecs-h264': [multivariant(['avc1.4d401f', 'avc1.7a401f']), multivariant(['avc1.4d401f', 'avc1.4d403c'])],
  'group-there': [multivariant(['AUDIO="audio"', 'AUDIO="sound"'])],
  'captions-all': [multivariant([',CLOSED-CAPTIONS=NONE', ''])],
  'group-names': [multivariant([/(#EXT-X-MEDIA.*\n)/, '$1$1'])],
  'group-default': [multivariant([/(#EXT-X-MEDIA.*\n)/, '$1$1'])],
  'group-autoselect': [multivariant(['AUTOSELECT=YES', 'AUTOSELECT=NO'])],
  'media-uri': [multivariant(['TYPE=AUDIO', 'TYPE=CLOSED-CAPTIONS'])],
  'media-language': [multivariant(['LANGUAGE="und",', ''])],
  'media-channels': [multivariant(['CHANNELS="2",', ''])],
  'media-audio-only': [multivariant(['TYPE=AUDIO', 'TYPE=SUBTITLES'])],
  'variants-independent': [multivariant(['#EXT-X-INDEPENDENT-SEGMENTS\n', ''])],
  'score-all': [multivariant(['BANDWIDTH=3200000', 'SCORE=2.0,BANDWIDTH=3200000'])],
  'aspect-same': [multivariant(['640x360', '640x480'])],
  'update-sequence': [
    update(rolled, next),
    update(M, change(next, ['MEDIA-SEQUENCE:10', 'MEDIA-SEQUENCE:11'])),
    update(M, change(rolled, [/#EXT-X-MEDIA-SEQUENCE.*\n/, ''])),
  ],
  'update-discontinuities': [
    update(
      change(M, withBreak, ['#EXT-X-MAP', '#EXT-X-DISCONTINUITY-SEQUENCE:4\n#EXT-X-MAP']),
      change(next, withBreak, ['#EXT-X-MAP', '#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-MAP']),
    ),
  ],
  'update-constants': [
    update(M, change(next, ['TARGETDURATION:2', 'TARGETDURATION:3'])),
    update(M, change(next, ['HOLD-BACK=6.0', 'HOLD-BACK=8.0'])),
    update(M, change(next, ['PART-TARGET=0.34134', 'PART-TARGET=0.35'])),
  ],
  'update-segments': [
    update(M, change(next, ['#EXTINF:2.000,\n12.m4s', '#EXTINF:1.999,\n12.m4s'])),
    update(M, change(next, ['\n12.m4s', '\n12b.m4s'])),
    update(M, change(next, ['#EXTINF:2.000,\n12.m4s', '#EXT-X-GAP\n#EXTINF:2.000,\n12.m4s'])),
    update(M, change(next, ['init-aed119a336f71415', 'init-0000000000000000'])),
    update(M, mediaText({ whole: 7, open: 0 })),
  ],
  'update-parts': [
    update(M, change(next, ['DURATION=0.333333,URI="18.1', 'DURATION=0.333334,URI="18.1'])),
    update(M, mediaText({ open: 2 })),
  ],
  'update-parts-removed': [update(M, change(next, [/#EXT-X-PART:[^\n]*"17\.\d[^\n]*\n/g, '']))],
  'update-end': [update(mediaText({ ended: true }), mediaText({ whole: 9, ended: true }))],
  'update-hint': [update(M, change(next, ['18.3.m4s', '18-3.m4s']))],
  'update-short': [update(mediaText({ whole: 3 }), mediaText({ first: 11, whole: 2, open: 4 }))],
  'same-target': [set(M, change(AUDIO, ['TARGETDURATION:2', 'TARGETDURATION:3']))],
  'same-control': [set(M, change(AUDIO, ['HOLD-BACK=6.0', 'HOLD-BACK=8.0']))],
  'same-dates': [set(M, change(AUDIO, [/#EXT-X-PROGRAM-DATE-TIME.*\n/g, '']))],
  'same-discontinuities': [
    set(M, change(AUDIO, withBreak, ['#EXT-X-MAP', '#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-MAP'])),
  ],
  'same-boundaries': [set(M, change(AUDIO, [/\.171Z/g, '.271Z']))],
  'independent-twice': [set(change(M, ['#EXTM3U', '#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS']), AUDIO)],
  'reports-all': [set(change(M, [/#EXT-X-RENDITION-REPORT.*\n/, '']), AUDIO)],
};

describe('a text that breaks it', () => {
  test.each(Object.entries(BREAKS))('%s', (rule, texts) => {
    for (const each of texts) expect(brokenBy(each)).toContain(rule);
  });
});

describe('no finding', () => {
  test.each<[string, Texts]>([
    ['a live playlist', M],
    ['a segment that has just become whole', mediaText({ open: 0 })],
    ['the first segment', mediaText({ first: 0, whole: 0, open: 1 })],
    ['a delta update', mediaText({ whole: 9, skipped: 3 })],
    ['one that has ended', mediaText({ ended: true })],
    ['a recording', VOD_TEXT],
    ['a multivariant playlist', V],
    ['one part more', update(M, next)],
    ['a segment more', update(mediaText({ open: 5 }), mediaText({ whole: 9, open: 0 }))],
    ['a segment dropped', update(mediaText({ open: 5 }), mediaText({ first: 11, whole: 8, open: 0 }))],
    ['a window rolled on', update(M, rolled)],
    ['the end', update(mediaText({ open: 5 }), mediaText({ whole: 9, ended: true }))],
    ['a presentation', set(M, AUDIO)],
    ['a comment and an empty line', media(['#EXT-X-MAP', '# made by hand\n\n#EXT-X-MAP'])],
    ['line ends with CR', M.replaceAll('\n', '\r\n')],
  ])('in %s', (_what, texts) => {
    expect(brokenBy(texts)).toEqual([]);
  });

  test('in what a crash leaves: parts that were there, parts that are lost, and a gap', () => {
    const lost = [0, 1, 2, 3, 4, 5].map(
      (part) =>
        `#EXT-X-PART:DURATION=0.333333,URI="18.${part}.m4s"${part === 0 ? ',INDEPENDENT=YES' : ''}${part > 2 ? ',GAP=YES' : ''}\n`,
    );
    const after = change(mediaText({ whole: 9, open: 1 }), [
      /(#EXT-X-PART:[^\n]*"18\.\d[^\n]*\n)+#EXTINF/,
      `${lost.join('')}#EXT-X-GAP\n#EXTINF`,
    ]);
    expect(brokenBy(update(M, after))).toEqual([]);
  });
});
