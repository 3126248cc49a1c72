/** The chat of one room on two SFU nodes with a real Redis: every node serves everybody, and they agree. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../src/common/Secret.ts';
import type { ChatAuth } from '../../src/contracts/chat.ts';
import type { Claims, Role } from '../../src/contracts/tokens.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { ChatPerson } from '../support/chat/ChatPerson.ts';
import { RedisServer } from '../support/directory/RedisServer.ts';
import { ServerProcess } from '../support/ServerProcess.ts';

const SECRET = 'a-secret-that-all-nodes-share-it';
const tokens = Tokens.create([new Secret(SECRET)]);
const poll = { timeout: 30_000 };

let redis: RedisServer;
let nodes: ServerProcess[];
const people: ChatPerson[] = [];
let rooms = 0;

beforeAll(async () => {
  redis = await RedisServer.start();
  const env = {
    ...{ LIANMAI_ROLE: 'sfu', LIANMAI_SECRET: SECRET, LIANMAI_REDIS_URL: redis.url.reveal() },
    ...{ LIANMAI_SFU_WORKERS: '1', LIANMAI_TRUSTED_PROXIES: '127.0.0.1' },
  };
  nodes = await Promise.all([ServerProcess.start(env), ServerProcess.start(env)]);
});

afterEach(() => {
  for (const person of people.splice(0)) person.leave();
});

afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.stop()));
  await redis?.close();
});

const newRoom = (): string => `room-${++rooms}`;
const sign = (claims: Claims) => tokens.sign(claims, 3600);

async function enter(node: 0 | 1, auth: ChatAuth): Promise<ChatPerson> {
  const person = await ChatPerson.enter(nodes[node]?.url ?? '', auth);
  people.push(person);
  return person;
}

async function member(node: 0 | 1, room: string, name: string, role: Role = 'audience'): Promise<ChatPerson> {
  return enter(node, { room, token: await sign({ aud: 'join', sub: `id-${name}`, room, role, name }) });
}

describe('two nodes, one chat', () => {
  test('what is said on one is heard on the other, in order; who comes later is shown it', async () => {
    const room = newRoom();
    const [ann, bob] = await Promise.all([member(0, room, 'Ann', 'host'), member(1, room, 'Bob')]);
    await ann.say('one');
    await ann.say('two');
    await expect.poll(() => bob.texts, poll).toEqual(['one', 'two']);
    await bob.say('<b>three</b>');
    await expect.poll(() => ann.texts, poll).toEqual(['one', 'two', '<b>three</b>']);
    expect(ann.heard.at(-1)).toMatchObject({ name: 'Bob', role: 'audience', person: bob.hello.self?.person });
    for (const node of [0, 1] as const) {
      const late = await enter(node, { room });
      expect(late.hello.messages.map(({ text }) => text)).toEqual(['one', 'two', '<b>three</b>']);
      expect(late.hello.self).toBeNull();
    }
    const elsewhere = await member(1, newRoom(), 'Cleo');
    expect(elsewhere.hello.messages).toEqual([]);
  });

  test('a host deletes on one node what was said on the other: gone for everybody', async () => {
    const room = newRoom();
    const [host, bob] = await Promise.all([member(0, room, 'Ann', 'host'), member(1, room, 'Bob')]);
    const id = await bob.say('not nice');
    await expect.poll(() => host.texts, poll).toEqual(['not nice']);
    const cleo = await member(0, room, 'Cleo');
    expect(await cleo.outcome('message:delete', { id })).toBe('forbidden');
    expect(await host.outcome('message:delete', { id })).toBe('ok');
    await expect.poll(() => bob.told.deleted, poll).toEqual([{ ids: [id] }]);
    expect((await enter(1, { room })).hello.messages).toEqual([]);
  });

  test('a time-out holds on both nodes, is seen by everybody, and can be taken back', async () => {
    const room = newRoom();
    const [host, bob] = await Promise.all([member(0, room, 'Ann', 'host'), member(1, room, 'Bob')]);
    const id = await bob.say('spam');
    const person = bob.hello.self?.person ?? '';
    await expect.poll(() => host.texts, poll).toEqual(['spam']);
    expect(await bob.outcome('person:timeout', { person, seconds: 60 })).toBe('forbidden');
    expect(await host.outcome('person:timeout', { person, seconds: 600 })).toBe('ok');
    await expect.poll(() => bob.told.timeout.length, poll).toBe(1);
    expect(bob.told.timeout[0]).toMatchObject({ person, name: 'Bob', seconds: 600 });
    expect(bob.told.deleted).toEqual([{ ids: [id] }]);
    expect(await bob.outcome('message:send', { text: 'again' })).toBe('forbidden');
    const again = await member(0, room, 'Bob');
    expect(again.hello.outUntil).toBeGreaterThan(again.hello.serverTime);
    expect(await again.outcome('message:send', { text: 'again' })).toBe('forbidden');
    expect(await host.outcome('person:timeout', { person, seconds: 0 })).toBe('ok');
    expect(await again.outcome('message:send', { text: 'sorry' })).toBe('ok');
    const hostPerson = host.hello.self?.person ?? '';
    await host.say('thank you');
    const second = await member(1, room, 'Dora', 'host');
    expect(await second.outcome('person:timeout', { person: hostPerson, seconds: 60 })).toBe('forbidden');
  });

  test('slow mode holds on both nodes, hosts excepted', async () => {
    const room = newRoom();
    const [host, bob, same] = await Promise.all([
      member(0, room, 'Ann', 'host'),
      member(1, room, 'Bob'),
      member(0, room, 'Bob'),
    ]);
    expect(await host.outcome('slow:set', { seconds: 300 })).toBe('ok');
    await expect.poll(() => bob.told.slow, poll).toEqual([{ seconds: 300 }]);
    expect(await bob.outcome('message:send', { text: 'first' })).toBe('ok');
    expect(await same.outcome('message:send', { text: 'second' })).toBe('too-many');
    expect(await host.outcome('message:send', { text: 'a' })).toBe('ok');
    expect(await host.outcome('message:send', { text: 'b' })).toBe('ok');
  });

  test('reactions come as sums, people are counted on both', async () => {
    const room = newRoom();
    const [ann, bob] = await Promise.all([member(0, room, 'Ann', 'host'), enter(1, { room })]);
    for (const reaction of ['heart', 'heart', 'clap'] as const)
      expect(await bob.outcome('reaction:send', { reaction })).toBe('ok');
    const sum = (key: 'heart' | 'clap') => ann.told.reactions.reduce((all, { counts }) => all + (counts[key] ?? 0), 0);
    await expect.poll(() => [sum('heart'), sum('clap')], poll).toEqual([2, 1]);
    await expect.poll(() => ann.told.people.at(-1)?.count, poll).toBe(2);
    await expect.poll(() => bob.told.people.at(-1)?.count, poll).toBe(2);
    expect(await bob.outcome('reaction:send', { reaction: 'poop' as never })).toBe('bad-request');
  });

  test('a guest: reads, takes a name, is the same person on the other node; a time-out is not undone by another name', async () => {
    const room = newRoom();
    const host = await member(0, room, 'Ann', 'host');
    const guest = await enter(1, { room });
    expect(await guest.outcome('message:send', { text: 'hello' })).toBe('forbidden');
    const named = await guest.ask('guest:name', { name: 'Gus' });
    if (!named.ok) throw new Error(named.error.code);
    await guest.say('hello');
    await expect.poll(() => host.heard[0], poll).toMatchObject({ name: 'Gus', role: 'guest', text: 'hello' });
    expect(JSON.stringify(host.heard)).not.toContain('"from"');
    const { self, guest: token } = named.data;
    const later = await enter(0, { room, guest: token });
    expect(later.hello.self).toEqual(self);
    expect(JSON.stringify(later.hello)).not.toContain('"from"');
    expect(await host.outcome('person:timeout', { person: self.person, seconds: 600 })).toBe('ok');
    const other = await enter(1, { room });
    expect(await other.outcome('guest:name', { name: 'Gustav' })).toBe('ok');
    expect(await other.outcome('message:send', { text: 'me again' })).toBe('forbidden');
    // Only guests are held by their address.
    expect(await (await member(1, room, 'Bob')).outcome('message:send', { text: 'fine' })).toBe('ok');
    expect(await host.outcome('person:timeout', { person: self.person, seconds: 0 })).toBe('ok');
    expect(await other.outcome('message:send', { text: 'back' })).toBe('ok');
    expect(await other.outcome('message:delete', { id: '1-1' })).toBe('forbidden');
  });

  test('who says too much is held back: one person, whatever they open', async () => {
    const room = newRoom();
    const [bob, same] = await Promise.all([member(0, room, 'Bob'), member(0, room, 'Bob')]);
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, n) => (n % 2 ? bob : same).outcome('message:send', { text: `spam ${n}` })),
    );
    expect(outcomes).toContain('ok');
    expect(outcomes).toContain('too-many');
  });

  test.each([
    ['no room', {}, 'bad-request'],
    ['a token of another server', { room: 'any', token: 'x.y.z' }, 'unauthorized'],
  ])('%s: refused', async (_what, auth, code) => {
    await expect(enter(0, auth as ChatAuth)).rejects.toThrow(code);
  });

  test('a token for another room is refused; a guest’s token of another room is nobody here', async () => {
    const token = await sign({ aud: 'join', sub: 'x', room: 'elsewhere', role: 'host' });
    await expect(enter(0, { room: newRoom(), token })).rejects.toThrow('forbidden');
    const guest = await sign({ aud: 'watch', sub: 'guest-x', room: 'elsewhere', name: 'Gus' });
    expect((await enter(0, { room: newRoom(), guest })).hello.self).toBeNull();
  });

  test('without Redis a node goes on alone: those who are on it hear each other', async () => {
    const room = newRoom();
    const [ann, bob] = await Promise.all([member(0, room, 'Ann', 'host'), member(0, room, 'Bob')]);
    await ann.say('before');
    await expect.poll(() => bob.texts, poll).toEqual(['before']);
    await redis.kill();
    await ann.say('alone');
    await expect.poll(() => bob.texts, poll).toEqual(['before', 'alone']);
    const person = bob.hello.self?.person ?? '';
    expect(await ann.outcome('person:timeout', { person, seconds: 600 })).toBe('ok');
    expect(await bob.outcome('message:send', { text: 'held?' })).toBe('forbidden');
    await redis.run();
    const [cleo, dora] = await Promise.all([member(0, room, 'Cleo'), member(1, room, 'Dora')]);
    // The connections come back in their own time.
    await expect
      .poll(
        async () => {
          await cleo.outcome('message:send', { text: 'together' });
          return dora.texts;
        },
        { ...poll, interval: 1_000 },
      )
      .toContain('together');
  });
});
