import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HlsRecorder, mediaPlaylistsOf, parseMediaPlaylist } from '../../support/program/HlsRecorder.ts';

let folder: string;
let server: Server;
let base: string;
/** Path with query → answer; the next of a list at each request, the last one for ever. */
let answers: Record<string, string[]>;
const asked: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-recorder-'));
  asked.length = 0;
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const list = answers[request.url ?? ''] ?? answers[(request.url ?? '').split('?')[0] ?? ''];
    const body = list && list.length > 1 ? list.shift() : list?.[0];
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const MULTIVARIANT = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="b1/a0/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"
b1/v720/index.m3u8
`;
const media = (sequence: number, lines: string[]) =>
  [
    '#EXTM3U',
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES',
    `#EXT-X-MEDIA-SEQUENCE:${sequence}`,
    '#EXT-X-MAP:URI="init.mp4"',
    ...lines,
  ].join('\n');

test('parses what matters of a media playlist', () => {
  const parsed = parseMediaPlaylist(
    media(7, ['7.m4s', '#EXT-X-GAP', '#EXTINF:2,', '8.m4s', '#EXT-X-DISCONTINUITY', '9.m4s', '#EXT-X-ENDLIST']),
  );
  expect(parsed).toEqual({
    ...{ sequence: 7, init: 'init.mp4', discontinuities: 1, ended: true, blocking: true },
    segments: [
      { uri: '7.m4s', gap: false },
      { uri: '8.m4s', gap: true },
      { uri: '9.m4s', gap: false },
    ],
  });
  expect(mediaPlaylistsOf(MULTIVARIANT, 'http://host/live/r/index.m3u8')).toEqual([
    'http://host/live/r/b1/a0/index.m3u8',
    'http://host/live/r/b1/v720/index.m3u8',
  ]);
});

test('follows all renditions to their end, each segment once, init segment first', async () => {
  answers = { '/live/r/index.m3u8': [MULTIVARIANT] };
  for (const name of ['a0', 'v720']) {
    answers[`/live/r/b1/${name}/index.m3u8`] = [
      media(0, ['0.m4s', '1.m4s']),
      media(0, ['0.m4s', '1.m4s', '2.m4s']),
      media(4, ['#EXT-X-GAP', '4.m4s', '5.m4s', '#EXT-X-ENDLIST']),
    ];
    for (const n of [0, 1, 2, 3, 5]) answers[`/live/r/b1/${name}/${n}.m4s`] = [`${name}${n} `];
    answers[`/live/r/b1/${name}/init.mp4`] = ['init '];
  }
  const recorder = await HlsRecorder.start({ url: `${base}/live/r/index.m3u8`, folder });
  await recorder.segments(3);
  await recorder.finished();
  for (const track of recorder.tracks) {
    expect(await readFile(track.file, 'utf8')).toBe(`init ${[0, 1, 2, 5].map((n) => `${track.name}${n} `).join('')}`);
    expect(track).toMatchObject({ missed: 1, ended: true, sequences: [0, 0, 4] });
    expect(track.inits.size).toBe(1);
    expect(track.gaps).toEqual(['4.m4s']);
  }
  expect(asked).toContain('/live/r/b1/a0/index.m3u8?_HLS_msn=2');
  await recorder.stop();
});

test('a segment that can not be fetched is an error for whoever waits', async () => {
  answers = { '/index.m3u8': ['v720/index.m3u8'], '/v720/index.m3u8': [media(0, ['0.m4s'])], '/v720/init.mp4': ['i'] };
  const recorder = await HlsRecorder.start({ url: `${base}/index.m3u8`, folder });
  await expect(recorder.segments(1)).rejects.toThrow('404');
  await expect(recorder.finished()).rejects.toThrow('404');
});
