import { describe, expect, test } from 'vitest';
import { parsePlaybackPath } from '../../../../src/delivery/http/playbackPath.ts';

const IN = { room: 'demo', broadcast: 'b12345678', rendition: 'v720' };
const canonical = (template: string, params: Record<string, string>, query = {}): string =>
  parsePlaybackPath(template, params, query).canonical;

describe('one path for all that mean the same', () => {
  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['/:room/index.m3u8', IN, { session: '7' }, 'demo/index.m3u8'],
    ['/:room/state.json', IN, { _HLS_msn: '1' }, 'demo/state.json'],
    ['/:room/:broadcast/:rendition/index.m3u8', IN, { x: '1' }, 'demo/b12345678/v720/index.m3u8'],
    [
      '/:room/:broadcast/:rendition/index.m3u8',
      IN,
      { _HLS_skip: 'YES', _HLS_part: '2', session: '7', _HLS_msn: '07' },
      'demo/b12345678/v720/index.m3u8?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES',
    ],
    ['/:room/:broadcast/:rendition/:file', { ...IN, file: '3.1.m4s' }, { y: '' }, 'demo/b12345678/v720/3.1.m4s'],
    ['/:room/:broadcast/thumbnails/:sheet', { ...IN, sheet: '0-25.jpg' }, {}, 'demo/b12345678/thumbnails/0-25.jpg'],
  ])('%s', (template, params, query, path) => {
    expect(canonical(template, params, query)).toBe(path);
  });
});

test('what it is', () => {
  const of = (template: string) => parsePlaybackPath(template, { ...IN, file: '3.m4s' }, {});
  expect(of('/:room/:broadcast/:rendition/index.m3u8')).toMatchObject({ text: true, mediaPlaylist: true });
  expect(of('/:room/index.m3u8')).toMatchObject({ text: true, mediaPlaylist: false, broadcast: undefined });
  expect(of('/:room/:broadcast/:rendition/:file')).toMatchObject({ text: false, broadcast: 'b12345678' });
  expect(of('/:room/:broadcast/poster.jpg')).toMatchObject({ text: false, room: 'demo' });
});

test.each([
  [{ room: '..' }],
  [{ room: 'Demo' }],
  [{ broadcast: '../b12345678' }],
  [{ rendition: 'v0' }],
  [{ file: '01.m4s' }],
  [{ file: '../../etc/passwd' }],
])('a name that cannot be is not there: %j', (wrong) => {
  const params = { ...IN, file: '1.m4s', ...wrong };
  expect(() => canonical('/:room/:broadcast/:rendition/:file', params)).toThrow(
    expect.objectContaining({ code: 'not-found' }),
  );
});

test('directives that cannot be meant are refused before the owner is asked', () => {
  expect(() => canonical('/:room/:broadcast/:rendition/index.m3u8', IN, { _HLS_part: '1' })).toThrow(
    expect.objectContaining({ code: 'bad-request' }),
  );
});
