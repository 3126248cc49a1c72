import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { createHttp } from '../../../src/http/createHttp.ts';

/** The head of the answer to a request that is written as it is. */
async function answerTo(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(text);
  const [head] = (await once(socket, 'data')) as [Buffer];
  return head.toString();
}

test('a request that tells the type of a body, and has none, is answered', async () => {
  const http = createHttp({ logger: pino({ level: 'silent' }) });
  onTestFinished(() => http.close());
  http.post('/thing', async (request) => ({ body: request.body ?? null }));
  await http.listen({ host: '127.0.0.1', port: 0 });
  const { port } = http.server.address() as AddressInfo;
  const head = 'POST /thing HTTP/1.1\r\nhost: 127.0.0.1\r\n';
  const bare = await answerTo(port, `${head}content-type: application/json\r\n\r\n`);
  expect(bare).toMatch(/^HTTP\/1\.1 200 /);
  expect(bare).toContain('{"body":null}');
  const empty = await answerTo(port, `${head}content-type: application/json\r\ncontent-length: 0\r\n\r\n`);
  expect(empty).toMatch(/^HTTP\/1\.1 400 /);
  const full = await answerTo(port, `${head}content-type: application/json\r\ncontent-length: 2\r\n\r\n{}`);
  expect(full).toContain('{"body":{}}');
});
