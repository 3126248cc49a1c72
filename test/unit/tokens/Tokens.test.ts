import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/common/Secret.ts';
import type { ErrorCode } from '../../../src/contracts/errors.ts';
import { bearerOf, Tokens } from '../../../src/tokens/Tokens.ts';

const OLD = new Secret('a'.repeat(32));
const NEW = new Secret('b'.repeat(32));
const JOIN = { aud: 'join', sub: 'ann', room: 'demo', role: 'host' } as const;
const refused = (code: ErrorCode) => expect.objectContaining({ code });

describe('Tokens', () => {
  test('what was signed comes back', async () => {
    const tokens = Tokens.create([OLD]);
    await expect(tokens.verify(await tokens.sign(JOIN, 60), 'join')).resolves.toMatchObject(JOIN);
  });

  test('an alias is the same at all nodes, another one for anything else, and tells nothing', () => {
    const alias = Tokens.create([OLD]).alias('person', 'demo', 'ann');
    expect(alias).toMatch(/^[\w-]{16}$/);
    expect(Tokens.create([OLD, NEW]).alias('person', 'demo', 'ann')).toBe(alias);
    const others = [
      Tokens.create([NEW]).alias('person', 'demo', 'ann'),
      Tokens.create([OLD]).alias('guest', 'demo', 'ann'),
      Tokens.create([OLD]).alias('person', 'other', 'ann'),
      Tokens.create([OLD]).alias('person', 'demoann'),
    ];
    expect(new Set([alias, ...others]).size).toBe(5);
  });

  test('a guest of the chat is nobody anywhere else', async () => {
    const tokens = Tokens.create([OLD]);
    const guest = await tokens.sign({ aud: 'watch', sub: 'guest-1', room: 'demo', name: 'Gus' }, 60);
    await expect(tokens.verify(guest, 'watch')).resolves.toMatchObject({ room: 'demo', name: 'Gus' });
    await expect(tokens.verify(guest, 'join')).rejects.toEqual(refused('wrong-audience'));
    await expect(tokens.verify(guest, 'play')).rejects.toEqual(refused('wrong-audience'));
  });

  test('absent, malformed, huge and unsigned tokens are refused', async () => {
    const tokens = Tokens.create([OLD]);
    const none = `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ ...JOIN, exp: 9e9 }))}.`;
    for (const bad of [undefined, null, '', 7, {}, 'x', 'a.b.c', 'x'.repeat(10_000), none]) {
      await expect(tokens.verify(bad, 'join')).rejects.toEqual(refused('unauthorized'));
    }
  });

  test('an expired token says that it has expired', async () => {
    const tokens = Tokens.create([OLD]);
    await expect(tokens.verify(await tokens.sign(JOIN, -60), 'join')).rejects.toThrow(/expired/);
  });

  test('a token of another server is refused', async () => {
    const token = await Tokens.create([NEW]).sign(JOIN, 60);
    await expect(Tokens.create([OLD]).verify(token, 'join')).rejects.toEqual(refused('unauthorized'));
    await expect(Tokens.create([]).verify(token, 'join')).rejects.toEqual(refused('unauthorized'));
  });

  test('a token of another audience is refused by name, even signed with the right secret', async () => {
    const tokens = Tokens.create([OLD]);
    const api = await tokens.sign({ aud: 'api', sub: 'ann' }, 60);
    await expect(tokens.verify(api, 'join')).rejects.toEqual(refused('wrong-audience'));
    const raw = await new SignJWT({ ...JOIN })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1m')
      .sign(new TextEncoder().encode(OLD.reveal()));
    await expect(tokens.verify(raw, 'join')).rejects.toEqual(refused('unauthorized'));
  });

  test('two live secrets: the first signs, both are accepted', async () => {
    const before = await Tokens.create([OLD]).sign(JOIN, 60);
    const rotating = Tokens.create([NEW, OLD]);
    await expect(rotating.verify(before, 'join')).resolves.toMatchObject(JOIN);
    await expect(Tokens.create([NEW]).verify(await rotating.sign(JOIN, 60), 'join')).resolves.toMatchObject(JOIN);
  });
});

test.each([
  ['Bearer abc.def.ghi', 'abc.def.ghi'],
  ['bearer abc', 'abc'],
  ['Basic abc', undefined],
  ['Bearer a b', undefined],
  [undefined, undefined],
])('bearerOf(%s)', (header, expected) => {
  expect(bearerOf(header)).toBe(expected);
});
