/** The seat flow of a room: the queue, the green room, a host's word, and who may end the show. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AppError } from '../../../src/contracts/errors.ts';
import type { Role } from '../../../src/contracts/tokens.ts';
import { DEFAULT_LIMITS } from '../../../src/rooms/limits.ts';
import type { Peer } from '../../../src/rooms/Peer.ts';
import { Room } from '../../../src/rooms/Room.ts';
import { RoomDoor } from '../../../src/rooms/RoomDoor.ts';
import { SceneStore } from '../../../src/rooms/SceneStore.ts';
import { MAX_ASKING } from '../../../src/rooms/SeatQueue.ts';
import { FakeLink } from '../../support/FakeLink.ts';
import { FakeRouters } from '../../support/FakeRouters.ts';
import { roomMetrics } from '../../support/sfuMetrics.ts';

const AWAY_MS = DEFAULT_LIMITS.awayMs;
let room: Room;
let door: RoomDoor;
let changes = 0;

interface Person {
  peer: Peer;
  link: FakeLink;
}

function join(sub: string, role: Role, more: { resume?: string; exp?: number; invitation?: string } = {}): Person {
  const link = new FakeLink();
  const { resume, ...claims } = more;
  const peer = room.join(
    { aud: 'join', sub, role, room: 'demo', name: sub, ...claims },
    resume ? { resume } : {},
    link,
  );
  return { peer, link };
}

const code = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as AppError).code;
  }
  return 'done';
};
const places = ({ link }: Person) => link.of('seat:place');

beforeEach(async () => {
  vi.useFakeTimers();
  door = new RoomDoor();
  room = await Room.create({
    ...{ id: 'demo', routers: new FakeRouters(), scenes: new SceneStore(), door },
    limits: { ...DEFAULT_LIMITS, peers: 400 },
    logger: pino({ level: 'silent' }),
    metrics: roomMetrics(),
  });
  changes = 0;
  room.on('changed', () => changes++);
});
afterEach(() => {
  room.close('room-closed');
  vi.useRealTimers();
});

describe('the queue', () => {
  test('each asker is told its place, and again when those before it go', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((sub) => join(sub, 'audience')) as [Person, Person, Person];
    for (const { peer } of [a, b, c]) room.requestSeat(peer);
    expect(places(c)).toEqual([{ place: 3, waiting: 3 }]);
    expect(places(a).at(-1)).toEqual({ place: 1, waiting: 3 });
    room.desk.withdraw(a.peer);
    expect(places(c).at(-1)).toEqual({ place: 2, waiting: 2 });
    room.grantSeat(b.peer.id);
    expect(places(c).at(-1)).toEqual({ place: 1, waiting: 1 });
    expect(places(a)).toHaveLength(3);
  });

  test('hosts see since when somebody asks; who asks twice keeps the place', () => {
    const host = join('h', 'host');
    const [a, b] = ['a', 'b'].map((sub) => join(sub, 'audience')) as [Person, Person];
    const began = Date.now();
    room.requestSeat(a.peer);
    vi.advanceTimersByTime(1_000);
    room.requestSeat(b.peer);
    room.requestSeat(a.peer);
    expect(host.link.of('peer:updated').at(-1)).toMatchObject({ id: a.peer.id, asking: true, askedAt: began });
    expect(places(a).at(-1)).toEqual({ place: 1, waiting: 2 });
  });

  test('a lost connection costs no place, unless it stays lost', () => {
    const [a, b] = ['a', 'b'].map((sub) => join(sub, 'audience')) as [Person, Person];
    for (const { peer } of [a, b]) room.requestSeat(peer);
    room.drop(a.peer, a.link);
    expect(places(b).at(-1)).toEqual({ place: 2, waiting: 2 });
    const again = join('a', 'audience', { resume: a.peer.id });
    expect(again.peer).toBe(a.peer);
    expect(places(again)).toEqual([{ place: 1, waiting: 2 }]);
    room.drop(a.peer, again.link);
    vi.advanceTimersByTime(AWAY_MS);
    expect(places(b).at(-1)).toEqual({ place: 1, waiting: 1 });
  });

  test('is of a bounded length', () => {
    for (let i = 0; i < MAX_ASKING; i++) room.requestSeat(join(`a${i}`, 'audience').peer);
    const late = join('late', 'audience');
    expect(code(() => room.requestSeat(late.peer))).toBe('too-many');
    expect(late.peer.asking).toBe(false);
  });

  test('a host declines with a reason', () => {
    const a = join('a', 'audience');
    room.requestSeat(a.peer);
    room.desk.decline(a.peer.id, 'We are full today');
    expect(a.link.of('seat:declined')).toEqual([{ reason: 'We are full today' }]);
    expect(a.peer.asking).toBe(false);
  });

  test('pictures go to hosts alone, and only of who asks', () => {
    const [host, cohost] = [join('h', 'host'), join('c', 'cohost')];
    const a = join('a', 'audience');
    const picture = new Uint8Array([1]);
    expect(code(() => room.desk.preview(a.peer, picture))).toBe('conflict');
    room.requestSeat(a.peer);
    room.desk.preview(a.peer, picture);
    expect(host.link.of('seat:preview')).toEqual([{ peerId: a.peer.id, picture }]);
    expect(cohost.link.names()).not.toContain('seat:preview');
  });
});

describe('the green room', () => {
  test('off the program the seat is kept and nothing is in the program; back it has its place', () => {
    const host = join('h', 'host');
    const c = join('c', 'cohost');
    join('d', 'cohost');
    const before = changes;
    room.desk.setOnProgram(c.peer.id, false);
    expect(room.people().map(({ name }) => name)).toEqual(['h', 'd']);
    expect(room.isSeated(c.peer)).toBe(true);
    expect(host.link.of('peer:updated').at(-1)).toMatchObject({ id: c.peer.id, seated: true, offProgram: true });
    expect(room.summaryPeers().find(({ name }) => name === 'c')).toMatchObject({ offProgram: true });
    expect(changes).toBe(before + 1);
    room.desk.setOnProgram(c.peer.id, false);
    expect(changes).toBe(before + 1);
    room.desk.setOnProgram(c.peer.id, true);
    expect(room.people().map(({ name }) => name)).toEqual(['h', 'c', 'd']);
  });

  test('who is off the program stays so over a lost connection, and begins anew with another seat', () => {
    const host = join('h', 'host');
    const c = join('c', 'cohost');
    room.desk.setOnProgram(c.peer.id, false);
    room.drop(c.peer, c.link);
    join('c', 'cohost');
    expect(room.people().map(({ name }) => name)).toEqual(['h']);
    room.takeSeat(host.peer, c.peer.id);
    room.requestSeat(c.peer);
    room.grantSeat(c.peer.id);
    expect(room.people().map(({ name }) => name)).toEqual(['h', 'c']);
  });

  test('needs a seat', () => {
    const a = join('a', 'audience');
    expect(code(() => room.desk.setOnProgram(a.peer.id, false))).toBe('no-seat');
    expect(code(() => room.desk.setOnProgram('nobody', false))).toBe('not-found');
  });
});

describe('removing', () => {
  test('every tab of that identity is sent away with the host’s words, and not let in until its token expires', () => {
    join('h', 'host');
    const exp = Math.floor(Date.now() / 1_000) + 600;
    const [seat, tab] = [join('eve', 'cohost', { exp }), join('eve', 'audience', { exp: exp + 60 })];
    room.remove(seat.peer.id, 'Be kind');
    for (const { link } of [seat, tab]) expect([link.dismissed, link.words]).toEqual(['removed', 'Be kind']);
    expect(room.summaryPeers().map(({ name }) => name)).toEqual(['h']);
    expect(code(() => join('eve', 'audience'))).toBe('removed');
    expect(code(() => join('ann', 'audience'))).toBe('done');
    // The longest of the tokens counts.
    vi.advanceTimersByTime(630_000);
    expect(code(() => join('eve', 'audience'))).toBe('removed');
    vi.advanceTimersByTime(60_000);
    expect(code(() => join('eve', 'audience'))).toBe('done');
  });

  test('a host is nobody’s to remove', () => {
    join('h', 'host');
    const other = join('g', 'host');
    expect(code(() => room.remove(other.peer.id))).toBe('forbidden');
  });
});

describe('a second host', () => {
  test('is told, with a token, and knows what hosts know', async () => {
    const host = join('h', 'host');
    const a = join('a', 'audience');
    join('b', 'audience');
    await expect(room.nameHost(a.peer.id, async () => 'TOKEN')).rejects.toMatchObject({ code: 'no-seat' });
    room.requestSeat(a.peer);
    room.grantSeat(a.peer.id);
    await room.nameHost(a.peer.id, async ({ identity }) => `TOKEN of ${identity}`);
    expect(a.link.of('role:changed')).toEqual([{ role: 'host', token: 'TOKEN of a' }]);
    expect(a.link.of('scene:changed')).toHaveLength(1);
    expect(a.link.of('peer:joined')).toContainEqual(expect.objectContaining({ name: 'b' }));
    expect(host.link.of('peer:updated').at(-1)).toMatchObject({ id: a.peer.id, role: 'host' });
    // And comes back as one with it.
    room.drop(a.peer, a.link);
    expect(join('a', 'host', { resume: a.peer.id }).peer).toMatchObject({ id: a.peer.id, role: 'host' });
  });
});

describe('without a host', () => {
  test('after 30 s the co-host who has sat longest may stop the show; nobody becomes a host', () => {
    const host = join('h', 'host');
    const [first, second] = [join('c1', 'cohost'), join('c2', 'cohost')];
    room.leave(host.peer);
    vi.advanceTimersByTime(AWAY_MS - 1);
    expect(first.peer.mayStop).toBe(false);
    vi.advanceTimersByTime(1);
    expect([first.peer.mayStop, second.peer.mayStop]).toEqual([true, false]);
    expect(first.link.of('peer:updated').at(-1)).toMatchObject({ id: first.peer.id, mayStop: true, role: 'cohost' });
    room.leave(first.peer);
    expect(second.peer).toMatchObject({ mayStop: true, role: 'cohost' });
    join('h', 'host');
    expect(second.peer.mayStop).toBe(false);
  });

  test('a host who lost the connection counts as gone from then on, and ends the wait by coming back', () => {
    const host = join('h', 'host');
    const c = join('c', 'cohost');
    room.drop(host.peer, host.link);
    vi.advanceTimersByTime(AWAY_MS / 2);
    const again = join('h', 'host');
    vi.advanceTimersByTime(AWAY_MS);
    expect(c.peer.mayStop).toBe(false);
    room.drop(host.peer, again.link);
    vi.advanceTimersByTime(AWAY_MS);
    expect(c.peer.mayStop).toBe(true);
  });

  test('with another host here nobody else may', () => {
    const host = join('h', 'host');
    join('g', 'host');
    const c = join('c', 'cohost');
    room.leave(host.peer);
    vi.advanceTimersByTime(2 * AWAY_MS);
    expect(c.peer.mayStop).toBe(false);
  });
});
