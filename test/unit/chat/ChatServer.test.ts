/** A chat without Redis, on a real socket.io server of its own. */
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Server } from 'socket.io';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChatGate } from '../../../src/chat/ChatGate.ts';
import { ChatServer } from '../../../src/chat/ChatServer.ts';
import { MemoryChatStore } from '../../../src/chat/MemoryChatStore.ts';
import { Secret } from '../../../src/common/Secret.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { Tokens } from '../../../src/tokens/Tokens.ts';
import { ChatPerson } from '../../support/chat/ChatPerson.ts';

const tokens = Tokens.create([new Secret('a-secret-of-at-least-32-characters')]);
let http: HttpServer;
let io: Server;
let chat: ChatServer;
let url: string;
let guests: boolean;
let metrics: ReturnType<typeof createMetrics>;

async function start(): Promise<void> {
  metrics = createMetrics();
  http = createServer();
  io = new Server(http, { transports: ['websocket'] });
  chat = new ChatServer({
    ...{
      namespace: io.of('/chat'),
      store: new MemoryChatStore(),
      gate: new ChatGate({ tokens: () => tokens, guests }),
    },
    ...{ addressOf: () => '192.0.2.1', logger: pino({ level: 'silent' }), metrics: metrics.chat },
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

beforeEach(() => {
  guests = true;
});
afterEach(async () => {
  await chat.close();
  await io.close();
});

test('a broadcast for invited viewers has a chat for invited readers', async () => {
  await start();
  const reader = await ChatPerson.enter(url, { room: 'show' });
  const gone = new Promise((resolve) => reader.socket.once('disconnect', resolve));
  chat.broadcastStatus('show', { playback: 'token' });
  await gone;
  await expect(ChatPerson.enter(url, { room: 'show' })).rejects.toThrow('unauthorized');
  const play = await tokens.sign({ aud: 'play', sub: 'viewer', room: 'show' }, 60);
  const invited = await ChatPerson.enter(url, { room: 'show', play });
  expect(invited.hello.messages).toEqual([]);
  chat.broadcastStatus('show', { playback: 'open' });
  const anybody = await ChatPerson.enter(url, { room: 'show' });
  for (const person of [invited, anybody]) person.leave();
});

test('without guests those without an invitation only read', async () => {
  guests = false;
  await start();
  const reader = await ChatPerson.enter(url, { room: 'show' });
  expect(reader.hello.guests).toBe(false);
  expect(await reader.outcome('guest:name', { name: 'Gus' })).toBe('forbidden');
  const guest = await tokens.sign({ aud: 'watch', sub: 'guest-1', room: 'show', name: 'Gus' }, 60);
  const before = await ChatPerson.enter(url, { room: 'show', guest });
  expect(before.hello.self).toBeNull();
  for (const person of [reader, before]) person.leave();
});

test('names for guests of one address run out', async () => {
  await start();
  const reader = await ChatPerson.enter(url, { room: 'show' });
  const outcomes = await Promise.all(
    Array.from({ length: 39 }, (_, n) => reader.outcome('guest:name', { name: `Gus ${n}` })),
  );
  expect(outcomes).toContain('too-many');
  reader.leave();
});

test('messages keep their order, and an author may delete their own', async () => {
  await start();
  const token = await tokens.sign({ aud: 'join', sub: 'a', room: 'show', role: 'audience', name: 'Ann' }, 60);
  const [ann, reader] = await Promise.all([
    ChatPerson.enter(url, { room: 'show', token }),
    ChatPerson.enter(url, { room: 'show' }),
  ]);
  const ids = await Promise.all(['one', 'two', 'three'].map((text) => ann.say(text)));
  await expect.poll(() => reader.texts).toEqual(['one', 'two', 'three']);
  expect(await ann.outcome('message:delete', { id: ids[1] ?? '' })).toBe('ok');
  await expect.poll(() => reader.told.deleted).toEqual([{ ids: [ids[1]] }]);
  expect(await metrics.registry.getSingleMetricAsString('lianmai_chat_sockets')).toContain('{kind="member"} 1');
  for (const person of [ann, reader]) person.leave();
});

test('closing sends everybody away, and lets nobody in', async () => {
  await start();
  const reader = await ChatPerson.enter(url, { room: 'show' });
  const gone = new Promise((resolve) => reader.socket.once('disconnect', resolve));
  await chat.close();
  await gone;
  await expect(ChatPerson.enter(url, { room: 'show' })).rejects.toThrow('shutting-down');
});
