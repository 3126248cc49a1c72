import { describe, expect, test } from 'vitest';
import { readVtt } from '../../../../scripts/hlsCheck/media/vtt.ts';
import { escapeCue, renderVtt } from '../../../../src/delivery/captions/webvtt.ts';

test('a segment without cues is a whole file: nothing is shown', () => {
  expect(renderVtt([])).toBe('WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:45000,LOCAL:00:00:00.500\n');
  expect(readVtt(Buffer.from(renderVtt([])))).toEqual({ offset: 0, cues: [] });
});

test('cues have program time, in hours that may have more than two digits, and an id', () => {
  const cues = [
    { start: 400, end: 3000, text: 'Hello' },
    { start: 360_000_000 + 61_001, end: 360_000_000 + 62_000, text: 'still here' },
  ];
  expect(renderVtt(cues)).toBe(`WEBVTT
X-TIMESTAMP-MAP=MPEGTS:45000,LOCAL:00:00:00.500

400
00:00:00.400 --> 00:00:03.000
Hello

360061001
100:01:01.001 --> 100:01:02.000
still here
`);
});

describe('text', () => {
  test.each([
    ['a & b <i>c</i> --> d', 'a &amp; b &lt;i&gt;c&lt;/i&gt; --&gt; d'],
    ['one\n\n\ntwo', 'one\ntwo'],
    ['one\r\n \r\ntwo', 'one\ntwo'],
    ['&lt;', '&amp;lt;'],
    ['大家好，欢迎来到直播间', '大家好，欢迎来到直播间'],
    ['مرحبا 👋🏽 👩‍👩‍👧', 'مرحبا 👋🏽 👩‍👩‍👧'],
  ])('%j', (text, escaped) => {
    expect(escapeCue(text)).toBe(escaped);
    // Whatever is written, it is one cue and ends nothing.
    const read = readVtt(Buffer.from(renderVtt([{ start: 0, end: 1000, text }])));
    expect(read.cues).toEqual([{ start: 0, end: 1, text: escaped }]);
  });
});
