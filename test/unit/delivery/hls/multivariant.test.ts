import { describe, expect, test } from 'vitest';
import { type Rates, renderMultivariant } from '../../../../src/delivery/hls/multivariant.ts';
import { RateMeter } from '../../../../src/delivery/hls/RateMeter.ts';

const unmeasured = (asked: number): Rates => ({ asked, mean: 0, peak: 0 });
const variant = (lines: number, codec: string, rates: Rates) => ({
  ...{ id: `v${lines}`, width: (lines * 16) / 9, height: lines, fps: 30, codec, rates },
});
const audio = (rates: Rates) => ({ id: 'a0', codec: 'mp4a.40.2', channels: 2, rates });
const bandwidths = (text: string): string[] => [...text.matchAll(/BANDWIDTH=\d+/g)].map((m) => m[0]);

describe('multivariant playlist', () => {
  test('whole text: codecs, audio group, relative URIs; no version, since nothing in it needs one', () => {
    const text = renderMultivariant({
      base: 'babcdefgh',
      variants: [variant(720, 'avc1.4d401f', unmeasured(2_500_000))],
      audio: audio(unmeasured(128_000)),
    });
    expect(text).toBe(`#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Program",LANGUAGE="und",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="babcdefgh/a0/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=3153600,AVERAGE-BANDWIDTH=2628000,CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,VIDEO-RANGE=SDR,AUDIO="audio",CLOSED-CAPTIONS=NONE
babcdefgh/v720/index.m3u8
`);
  });

  test('a ladder: one variant a video, each with the sound', () => {
    const text = renderMultivariant({
      base: 'b',
      variants: [variant(720, 'avc1.4d401f', unmeasured(720_000)), variant(360, 'avc1.4d401e', unmeasured(360_000))],
      audio: audio(unmeasured(100_000)),
    });
    const lines = text.split('\n').slice(3);
    expect(lines.map((l) => l.replace(/.*(CODECS="[^"]*",RESOLUTION=\d+x\d+).*/, '$1'))).toEqual([
      'CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=1280x720',
      'b/v720/index.m3u8',
      'CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360',
      'b/v360/index.m3u8',
      '',
    ]);
    expect(bandwidths(text)).toEqual([
      ...['BANDWIDTH=984000', 'BANDWIDTH=820000'],
      ...['BANDWIDTH=552000', 'BANDWIDTH=460000'],
    ]);
  });

  test('captions: a rendition a language, which nobody gets unasked, of every variant', () => {
    const text = renderMultivariant({
      base: 'b',
      variants: [variant(720, 'c', unmeasured(720_000)), variant(360, 'c', unmeasured(360_000))],
      audio: audio(unmeasured(100_000)),
      captions: [{ language: 'und' }, { language: 'zh-Hans', name: '中文' }],
    });
    const lines = text.split('\n').filter((l) => l.includes('SUBTITLES'));
    const said = 'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound';
    expect(lines.slice(0, 2)).toEqual([
      `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="Captions",LANGUAGE="und",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS="${said}",URI="b/captions/und/index.m3u8"`,
      `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="中文",LANGUAGE="zh-Hans",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS="${said}",URI="b/captions/zh-Hans/index.m3u8"`,
    ]);
    expect(lines.slice(2).map((l) => /SUBTITLES="captions"/.test(l))).toEqual([true, true]);
  });

  test('measured: the mean is what the segments have, the peak their largest, of picture and sound together', () => {
    const text = renderMultivariant({
      base: 'b',
      variants: [variant(720, 'c', { asked: 1000, mean: 900.5, peak: 5000.2 })],
      audio: audio({ asked: 100, mean: 110, peak: 200 }),
    });
    expect(bandwidths(text)).toEqual(['BANDWIDTH=5201', 'BANDWIDTH=1011']);
  });

  test('a show that begins with a still picture does not look as if it stayed so', () => {
    const text = renderMultivariant({
      base: 'b',
      variants: [variant(720, 'c', { asked: 1000, mean: 20, peak: 30 })],
      audio: audio({ asked: 100, mean: 100, peak: 105 }),
    });
    expect(bandwidths(text)).toEqual(['BANDWIDTH=1105', 'BANDWIDTH=120']);
  });
});

test('RateMeter: mean over all seconds, peak of one segment, each rendition by itself', () => {
  const meter = new RateMeter();
  expect(meter.of('v720')).toEqual({ mean: 0, peak: 0 });
  meter.add('v720', 1000, 2);
  meter.add('v720', 2500, 2);
  meter.add('a0', 500, 2.005);
  expect(meter.of('v720')).toEqual({ mean: 7000, peak: 10_000 });
  expect(meter.of('a0').mean).toBeCloseTo(4000 / 2.005, 6);
});
