/** Whether what is no longer listed is still there is asked shortly before it need not be any more. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Context } from '../../../../scripts/hlsCheck/live/Context.ts';
import { HttpClient } from '../../../../scripts/hlsCheck/live/HttpClient.ts';
import { KeptMedia } from '../../../../scripts/hlsCheck/live/KeptMedia.ts';
import { PositionBoard } from '../../../../scripts/hlsCheck/live/PositionBoard.ts';
import { parsePlaylist } from '../../../../scripts/hlsCheck/parse/parsePlaylist.ts';
import type { MediaPlaylist } from '../../../../scripts/hlsCheck/parse/playlist.ts';
import { Findings } from '../../../../scripts/hlsCheck/rules/Findings.ts';

/** Segments of 0.2 s, whose parts are listed for the newest; nobody could serve it, but no clock has to wait for it. */
function version(first: number, count: number): MediaPlaylist {
  const segments = Array.from({ length: count }, (_, i) => {
    const part = i === count - 1 ? `#EXT-X-PART:DURATION=0.2,URI="${first + i}.0.m4s"\n` : '';
    return `${part}#EXTINF:0.2,\n${first + i}.m4s\n`;
  });
  const text = `#EXTM3U\n#EXT-X-TARGETDURATION:0.2\n#EXT-X-MEDIA-SEQUENCE:${first}\n${segments.join('')}`;
  const playlist = parsePlaylist(Buffer.from(text), () => undefined);
  if (playlist.kind !== 'media') throw new Error('no media playlist');
  return playlist;
}

async function look(status: number) {
  const asked: string[] = [];
  let heard = () => {};
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status, { 'access-control-allow-origin': '*', 'cache-control': 'no-store' }).end();
    heard();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new HttpClient(new AbortController().signal);
  onTestFinished(() => {
    client.close();
    server.close();
  });
  const findings = new Findings();
  const over = new AbortController().signal;
  const context: Context = { client, findings, board: new PositionBoard(), offset: { ms: null }, over };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v/index.m3u8`;
  const kept = new KeptMedia(context, url, findings.at(url));
  kept.update(version(0, 3), version(0, 4));
  kept.update(version(0, 4), version(4, 3));
  await new Promise<void>((resolve) => {
    heard = () => (asked.length >= 3 ? resolve() : undefined);
    heard();
  });
  await kept.close();
  return { asked: asked.toSorted(), rules: findings.all.map(({ rule }) => rule).toSorted() };
}

test('a segment and a part that are gone too early are found', async () => {
  const { asked, rules } = await look(404);
  // Segment 3 was seen to come and to go; the others were there from the start.
  expect(asked).toEqual(['HEAD /v/2.0.m4s', 'HEAD /v/3.0.m4s', 'HEAD /v/3.m4s']);
  expect(rules).toEqual(['part-kept', 'segment-kept']);
});

test('no finding where they are there', async () => {
  expect((await look(200)).rules).toEqual([]);
});
