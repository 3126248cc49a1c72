/** compositor/output/PutClient.ts against a real HTTP server. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { PutClient } from '../../../../compositor/output/PutClient.ts';

const servers: Server[] = [];
const clients: PutClient[] = [];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/part`;
}

function client(timeoutMs = 10_000): PutClient {
  const made = new PutClient(timeoutMs);
  clients.push(made);
  return made;
}

afterEach(() => {
  for (const made of clients.splice(0)) made.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('PutClient', () => {
  test('puts headers and body, answers status and text, and keeps the connection', async () => {
    const sockets = new Set<Socket>();
    const url = await serve(async (incoming, response) => {
      sockets.add(incoming.socket);
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const { method, headers } = incoming;
      response.statusCode = 409;
      response.end(`${method} ${headers.fence} ${headers['content-length']} ${Buffer.concat(chunks)}`);
    });
    const puts = client();
    for (let i = 0; i < 3; i++) {
      const answer = await puts.put(url, { fence: String(i) }, Buffer.from('moof'));
      expect(answer).toEqual({ status: 409, text: `PUT ${i} 4 moof` });
    }
    expect(sockets.size).toBe(1);
  });

  test('rejects where nobody listens, and where no answer comes in time', async () => {
    const url = await serve(() => undefined);
    await expect(client(50).put(url, {}, Buffer.alloc(1))).rejects.toThrow('no answer in time');
    servers[0]?.closeAllConnections();
    const closed = servers.splice(0)[0];
    closed?.close();
    await expect(client().put(url, {}, Buffer.alloc(1))).rejects.toThrow('ECONNREFUSED');
  });

  test('rejects an answer that breaks off, and one that has no end', async () => {
    const broken = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(client().put(broken, {}, Buffer.alloc(1))).rejects.toThrow();
    const endless = await serve((_, response) => {
      response.on('error', () => undefined);
      const more = () => response.write(Buffer.alloc(16_384), (error) => void (error ?? more()));
      more();
    });
    await expect(client().put(endless, {}, Buffer.alloc(1))).rejects.toThrow('too long');
  });

  test('refuses when closed, and what is under way ends with it', async () => {
    const url = await serve(() => undefined);
    const puts = client();
    const running = puts.put(url, {}, Buffer.alloc(1));
    puts.close();
    puts.close();
    await expect(running).rejects.toThrow();
    await expect(puts.put(url, {}, Buffer.alloc(1))).rejects.toThrow('closed');
  });
});
