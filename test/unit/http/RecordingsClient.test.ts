import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Recording } from '../../../src/contracts/recording.ts';
import { RecordingsClient } from '../../../src/http/RecordingsClient.ts';

const recording = (id: string, startedAt: number): Recording => ({
  ...{ id, room: 'demo', broadcast: `b${id.slice(1)}`, state: 'finished', complete: true, reason: '', startedAt },
  ...{ playback: 'open', endedAt: startedAt + 1_000, durationSeconds: 1, bytes: 1, slateSegments: 0 },
  ...{ playlist: null, mp4: null, poster: null, thumbnails: null, captions: [] },
  ...{ renditions: [], transcodes: [] },
});

/** A delivery node that has these. */
async function node(has: Recording[]): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://node');
    asked.push(`${request.method} ${pathname}`);
    const id = pathname.split('/')[3];
    const found = has.find((one) => one.id === id);
    const answer = id ? found : { recordings: has };
    response
      .writeHead(answer ? (request.method === 'DELETE' ? 204 : 200) : 404)
      .end(request.method === 'DELETE' ? '' : JSON.stringify(answer ?? { error: { code: 'not-found', message: '' } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const clientOf = (...urls: string[]): RecordingsClient =>
  new RecordingsClient({ deliveryUrls: () => urls, newServiceToken: async () => 'token' });
const ids = (recordings: Recording[]): string[] => recordings.map(({ id }) => id);
const [old, middle, young] = ['roldold00', 'rmiddle00', 'ryoung000'] as const;

test('lists those of all nodes, the newest first, each once, and no more than were asked for', async () => {
  const one = await node([recording(young, 3), recording(old, 1)]);
  const two = await node([recording(middle, 2), recording(old, 1)]);
  const client = clientOf(one.url, two.url);
  expect(ids(await client.list({}))).toEqual([young, middle, old]);
  expect(ids(await client.list({ limit: 2 }))).toEqual([young, middle]);
});

test('a recording is asked of and deleted on the node that has it', async () => {
  const one = await node([recording(old, 1)]);
  const two = await node([recording(young, 2)]);
  const client = clientOf(one.url, two.url);
  expect((await client.get(young)).startedAt).toBe(2);
  await client.delete(young);
  expect(one.asked.concat(two.asked).filter((line) => line.startsWith('DELETE'))).toEqual([
    `DELETE /delivery/recordings/${young}`,
  ]);
  await expect(client.get(middle)).rejects.toMatchObject({ code: 'not-found' });
  await expect(client.delete(middle)).rejects.toMatchObject({ code: 'not-found' });
});

test('a node that is away hides nothing of the others; what nobody who is there has is not said to be nowhere', async () => {
  const there = await node([recording(old, 1)]);
  const client = clientOf('http://127.0.0.1:1', there.url);
  expect(ids(await client.list({}))).toEqual([old]);
  expect((await client.get(old)).id).toBe(old);
  await expect(client.get(young)).rejects.toMatchObject({ code: 'internal' });
  await expect(clientOf('http://127.0.0.1:1').list({})).rejects.toMatchObject({ code: 'internal' });
  await expect(clientOf().list({})).rejects.toMatchObject({ code: 'internal' });
});
