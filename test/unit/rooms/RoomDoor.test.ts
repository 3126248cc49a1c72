import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MAX_INVITATIONS, MAX_REMOVED } from '../../../src/contracts/invitations.ts';
import type { JoinClaims } from '../../../src/contracts/tokens.ts';
import { Invitations } from '../../../src/rooms/Invitations.ts';
import { RoomDoor } from '../../../src/rooms/RoomDoor.ts';
import { RoomFiles } from '../../../src/rooms/RoomFiles.ts';

let dataDir: string;
let now: number;
const claims = (sub: string, invitation?: string): JoinClaims => ({
  ...{ aud: 'join', sub, room: 'demo', role: 'cohost' },
  ...(invitation ? { invitation } : {}),
});
const nextProcess = () => new RoomDoor(RoomFiles.open(dataDir, pino({ level: 'silent' })), () => now);
const invitation = (id: string) => ({
  id,
  role: 'cohost' as const,
  name: null,
  createdAt: now,
  expiresAt: now + 5_000,
});
const refused = (code: string) => expect.objectContaining({ code });

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lianmai-door-'));
  now = 1_000_000;
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

test('who was removed is refused by the next process, too, until the token expires', () => {
  nextProcess().keepOut('demo', 'eve', now + 1_000);
  const door = nextProcess();
  expect(() => door.check(claims('eve'))).toThrow(refused('removed'));
  expect(() => door.check({ ...claims('eve'), room: 'other' })).not.toThrow();
  expect(() => door.check(claims('ann'))).not.toThrow();
  now += 1_001;
  expect(() => door.check(claims('eve'))).not.toThrow();
});

test('closing a room ends its invitations and lets nobody in again', () => {
  const door = nextProcess();
  door.keepOut('demo', 'eve', now + 1_000);
  door.invite('demo', invitation('iaaaaaaaa1'));
  door.forget('demo');
  expect(nextProcess().invitations('demo')).toEqual([]);
  expect(() => nextProcess().check(claims('eve'))).toThrow(refused('removed'));
});

test('an invitation is good until it expires or is revoked, in the next process, too', () => {
  const door = nextProcess();
  door.invite('demo', invitation('iaaaaaaaa1'));
  door.invite('demo', invitation('iaaaaaaaa2'));
  expect(() => nextProcess().check(claims('x', 'iaaaaaaaa1'))).not.toThrow();
  door.revoke('demo', 'iaaaaaaaa1');
  expect(() => door.revoke('demo', 'iaaaaaaaa1')).toThrow(refused('not-found'));
  const next = nextProcess();
  expect(next.invitations('demo').map(({ id }) => id)).toEqual(['iaaaaaaaa2']);
  expect(() => next.check(claims('x', 'iaaaaaaaa1'))).toThrow(refused('unauthorized'));
  // Who is here only comes back.
  expect(() => next.check(claims('x', 'iaaaaaaaa1'), true)).not.toThrow();
  now += 5_000;
  expect(next.invitations('demo')).toEqual([]);
});

test('what is kept is bounded', () => {
  const door = new RoomDoor(undefined, () => now);
  for (let i = 0; i < MAX_INVITATIONS; i++) door.invite('demo', invitation(`iaaaaaaaa${i}`));
  expect(() => door.invite('demo', invitation('ibbbbbbbb1'))).toThrow(refused('too-many'));
  for (let i = 0; i <= MAX_REMOVED; i++) door.keepOut('demo', `eve${i}`, now + 1_000 + i);
  expect(() => door.check(claims('eve0'))).not.toThrow();
  expect(() => door.check(claims('eve1'))).toThrow(refused('removed'));
});

test('an invitation’s token is for one person, and names its record; a host’s is good as long as the one before', async () => {
  const signed: [JoinClaims, number][] = [];
  const door = new RoomDoor();
  const invitations = new Invitations(door, async (...args) => {
    signed.push(args);
    return 'TOKEN';
  });
  const made = await invitations.create('demo', { role: 'cohost', name: 'Bea', expiresInSeconds: 60 });
  expect(made).toMatchObject({ role: 'cohost', name: 'Bea', token: 'TOKEN', path: '/studio/demo#token=TOKEN' });
  expect(signed).toEqual([
    [{ aud: 'join', sub: made.id, room: 'demo', role: 'cohost', invitation: made.id, name: 'Bea' }, 60],
  ]);
  expect(invitations.list('demo')[0]).not.toHaveProperty('token');
  await invitations.hostToken('demo', { identity: 'ann', name: 'Ann', tokenUntil: Date.now() + 90_500 });
  expect(signed[1]).toEqual([{ aud: 'join', sub: 'ann', room: 'demo', role: 'host', name: 'Ann' }, 90]);
});
