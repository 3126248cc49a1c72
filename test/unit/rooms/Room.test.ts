import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../src/contracts/errors.ts';
import { Scene } from '../../../src/contracts/scene.ts';
import type { Role } from '../../../src/contracts/tokens.ts';
import { DEFAULT_LIMITS } from '../../../src/rooms/limits.ts';
import type { Peer } from '../../../src/rooms/Peer.ts';
import { Room } from '../../../src/rooms/Room.ts';
import { SceneStore } from '../../../src/rooms/SceneStore.ts';
import { FakeLink } from '../../support/FakeLink.ts';
import { FakeRouters } from '../../support/FakeRouters.ts';
import { readMetric, roomMetrics } from '../../support/sfuMetrics.ts';

const AWAY_MS = DEFAULT_LIMITS.awayMs;
let room: Room;
let routers: FakeRouters;
let metrics: ReturnType<typeof roomMetrics>;
let changes = 0;

async function makeRoom(seats = 16): Promise<void> {
  routers = new FakeRouters();
  metrics = roomMetrics();
  const logger = pino({ level: 'silent' });
  const limits = { ...DEFAULT_LIMITS, seats, peers: 40 };
  room = await Room.create({ id: 'demo', routers, scenes: new SceneStore(), limits, logger, metrics });
  changes = 0;
  room.on('changed', () => changes++);
}

function join(
  sub: string,
  role: Role,
  wishes: { name?: string; resume?: string } = {},
): { peer: Peer; link: FakeLink } {
  const link = new FakeLink();
  return { peer: room.join({ aud: 'join', sub, role, room: 'demo' }, wishes, link), link };
}

const order = (): string[] => room.people().map((p) => p.name);
const code = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as AppError).code;
  }
  return 'done';
};

beforeEach(async () => {
  vi.useFakeTimers();
  await makeRoom();
});
afterEach(() => {
  room.close('room-closed');
  vi.useRealTimers();
});

describe('seats', () => {
  test('hosts and co-hosts sit at once, in the order in which they came; audience does not', () => {
    join('h', 'host', { name: 'H' });
    join('v', 'audience', { name: 'V' });
    join('c', 'cohost', { name: 'C' });
    expect(order()).toEqual(['H', 'C']);
  });

  test('audience asks, a host grants, and takes back', () => {
    const host = join('h', 'host', { name: 'H' });
    const viewer = join('v', 'audience', { name: 'V' });
    expect(code(() => room.grantSeat(viewer.peer.id))).toBe('conflict');
    room.requestSeat(viewer.peer);
    expect(host.link.told.at(-1)).toMatchObject(['peer:updated', { asking: true, seated: false }]);
    room.grantSeat(viewer.peer.id);
    expect(order()).toEqual(['H', 'V']);
    expect(viewer.link.told.at(-1)).toEqual(['seat:changed', { seated: true }]);
    expect(host.link.told.at(-1)).toMatchObject(['peer:updated', { asking: false, seated: true }]);
    room.takeSeat(host.peer, viewer.peer.id);
    expect(order()).toEqual(['H']);
    expect(viewer.link.told.at(-1)).toEqual(['seat:changed', { seated: false }]);
    expect(room.summaryPeers()).toHaveLength(2);
  });

  test('a host says not now: the asker is told, and may ask again', () => {
    const host = join('h', 'host');
    const viewer = join('v', 'audience');
    expect(code(() => room.desk.decline('nobody'))).toBe('not-found');
    room.desk.decline(viewer.peer.id);
    expect(viewer.link.names()).not.toContain('seat:declined');
    room.requestSeat(viewer.peer);
    room.desk.decline(viewer.peer.id);
    expect(viewer.link.told.at(-1)).toEqual(['seat:declined', {}]);
    expect(host.link.told.at(-1)).toMatchObject(['peer:updated', { asking: false, seated: false }]);
    room.requestSeat(viewer.peer);
    expect(host.link.told.at(-1)).toMatchObject(['peer:updated', { asking: true }]);
  });

  test('a request is withdrawn, a seat given back', () => {
    const host = join('h', 'host');
    const viewer = join('v', 'audience');
    room.requestSeat(viewer.peer);
    room.desk.withdraw(viewer.peer);
    expect(code(() => room.grantSeat(viewer.peer.id))).toBe('conflict');
    room.desk.withdraw(host.peer);
    expect(order()).toEqual([]);
    room.requestSeat(host.peer);
    expect(room.isSeated(host.peer)).toBe(true);
    expect(code(() => room.requestSeat(host.peer))).toBe('conflict');
  });

  test('the seventeenth is refused, and finds the seat that becomes free', () => {
    for (let i = 0; i < 16; i++) join(`c${i}`, 'cohost');
    expect(code(() => join('late', 'host'))).toBe('room-full');
    const viewer = join('v', 'audience');
    room.requestSeat(viewer.peer);
    expect(code(() => room.grantSeat(viewer.peer.id))).toBe('room-full');
    expect(code(() => join('c3', 'cohost'))).toBe('done');
    room.leave(room.join({ aud: 'join', sub: 'c4', role: 'cohost', room: 'demo' }, {}, new FakeLink()));
    room.grantSeat(viewer.peer.id);
    expect(room.people()).toHaveLength(16);
  });

  test('the seat of another host is not for taking', () => {
    const a = join('a', 'host');
    const b = join('b', 'host');
    expect(code(() => room.takeSeat(a.peer, b.peer.id))).toBe('forbidden');
    expect(code(() => room.takeSeat(a.peer, 'pnobody000'))).toBe('not-found');
    room.takeSeat(a.peer, a.peer.id);
    expect(room.isSeated(a.peer)).toBe(false);
  });

  test('media needs a seat', async () => {
    const viewer = join('v', 'audience');
    await expect(room.endpointOf(viewer.peer)).rejects.toMatchObject({ code: 'no-seat' });
  });
});

describe('a connection that drops', () => {
  test('keeps seat, id and place for 30 s', () => {
    const a = join('a', 'host', { name: 'A' });
    const b = join('b', 'cohost', { name: 'B' });
    room.drop(a.peer, a.link);
    expect(b.link.told.at(-1)).toMatchObject(['peer:updated', { presence: 'away', seated: true }]);
    vi.advanceTimersByTime(AWAY_MS - 1);
    expect(order()).toEqual(['A', 'B']);
    const again = join('a', 'host', { name: 'A' });
    expect(again.peer.id).toBe(a.peer.id);
    expect(order()).toEqual(['A', 'B']);
    expect(a.link.dismissed).toBeUndefined();
    vi.advanceTimersByTime(10 * AWAY_MS);
    expect(order()).toEqual(['A', 'B']);
  });

  test('is gone after 30 s', () => {
    const a = join('a', 'host', { name: 'A' });
    const b = join('b', 'cohost', { name: 'B' });
    room.drop(a.peer, a.link);
    vi.advanceTimersByTime(AWAY_MS);
    expect(order()).toEqual(['B']);
    expect(b.link.of('peer:left')).toEqual([{ peerId: a.peer.id }]);
    expect(join('a', 'host').peer.id).not.toBe(a.peer.id);
  });

  test('of audience is gone at once, with a granted seat it is kept too', () => {
    const viewer = join('v', 'audience', { name: 'V' });
    room.drop(viewer.peer, viewer.link);
    expect(room.summaryPeers()).toEqual([]);
    const guest = join('g', 'audience', { name: 'G' });
    room.requestSeat(guest.peer);
    room.grantSeat(guest.peer.id);
    room.drop(guest.peer, guest.link);
    expect(join('g', 'audience').peer.id).toBe(guest.peer.id);
    expect(room.isSeated(guest.peer)).toBe(true);
  });

  test('loses its seat when a host takes it meanwhile', () => {
    const host = join('h', 'host');
    const c = join('c', 'cohost');
    room.drop(c.peer, c.link);
    room.takeSeat(host.peer, c.peer.id);
    expect(room.summaryPeers()).toHaveLength(1);
  });
});

describe('the same identity twice', () => {
  test('with a seat: the newer one wins and has the place, the older is told why', () => {
    const a = join('a', 'host', { name: 'A' });
    join('b', 'cohost', { name: 'B' });
    const newer = join('a', 'host', { name: 'A2' });
    expect(a.link.dismissed).toBe('joined-elsewhere');
    expect(newer.peer.id).toBe(a.peer.id);
    expect(order()).toEqual(['A2', 'B']);
    room.drop(a.peer, a.link);
    expect(newer.peer.presence).toBe('here');
  });

  test('watching in another tab evicts nobody, in either order', () => {
    const a = join('a', 'host');
    const watching = join('a', 'audience');
    expect(watching.peer.id).not.toBe(a.peer.id);
    const second = join('a', 'audience');
    expect([a, watching, second].map(({ link }) => link.dismissed)).toEqual([undefined, undefined, undefined]);
    join('a', 'host');
    expect(a.link.dismissed).toBe('joined-elsewhere');
    expect(watching.link.dismissed).toBeUndefined();
    room.requestSeat(watching.peer);
    expect(code(() => room.grantSeat(watching.peer.id))).toBe('conflict');
  });

  test('watching does not take over a host that is away', () => {
    const a = join('a', 'host');
    room.drop(a.peer, a.link);
    expect(join('a', 'audience').peer.id).not.toBe(a.peer.id);
    expect(a.peer.presence).toBe('away');
  });

  test('who knows its peer id comes back before the server has noticed that it was gone', () => {
    const guest = join('g', 'audience');
    room.requestSeat(guest.peer);
    room.grantSeat(guest.peer.id);
    expect(join('g', 'audience', { resume: guest.peer.id }).peer.id).toBe(guest.peer.id);
    expect(guest.link.dismissed).toBe('joined-elsewhere');
    expect(join('x', 'audience', { resume: guest.peer.id }).peer.id).not.toBe(guest.peer.id);
  });
});

describe('who is told of whom', () => {
  test('those who only watch are known to hosts and co-hosts alone', () => {
    const host = join('h', 'host');
    const first = join('v1', 'audience');
    const second = join('v2', 'audience');
    expect(host.link.names()).toEqual(['peer:joined', 'peer:joined']);
    expect(first.link.names()).toEqual([]);
    expect(room.othersOf(second.peer).map((p) => p.id)).toEqual([host.peer.id]);
    room.requestSeat(first.peer);
    expect(second.link.told.at(-1)).toMatchObject(['peer:joined', { id: first.peer.id, asking: true }]);
    expect(first.link.told.at(-1)).toMatchObject(['peer:updated', { id: first.peer.id }]);
    room.desk.withdraw(first.peer);
    expect(second.link.told.at(-1)).toEqual(['peer:left', { peerId: first.peer.id }]);
    room.leave(first.peer);
    expect(second.link.names().filter((n) => n === 'peer:left')).toHaveLength(1);
  });
});

describe('the scene', () => {
  test('is written by whoever read the present version', () => {
    const scene = Scene.parse({ background: '#ffffff' });
    expect(room.scene.version).toBe(1);
    expect(room.setScene(scene, 1)).toEqual({ version: 2, scene });
    expect(changes).toBe(1);
    expect(code(() => room.setScene(scene, 1))).toBe('stale-version');
    expect(room.scene).toEqual({ version: 2, scene });
  });

  test('hosts and co-hosts are told, the audience is not', () => {
    const links = (['host', 'cohost', 'audience'] as const).map((role) => join(role, role).link);
    const set = room.setScene(Scene.parse({ captions: 'hello' }), 1);
    expect(links.map((link) => link.told.filter(([name]) => name === 'scene:changed'))).toEqual([
      [['scene:changed', set]],
      [['scene:changed', set]],
      [],
    ]);
  });

  test('who comes back is the same peer: what the scene says of them still holds', () => {
    const { peer, link } = join('bob', 'cohost', { name: 'Bob' });
    room.setScene(Scene.parse({ sources: { [`${peer.id}.microphone`]: { muted: true } } }), 1);
    room.drop(peer, link);
    vi.advanceTimersByTime(AWAY_MS - 1);
    const back = join('bob', 'cohost', { name: 'Bob', resume: peer.id }).peer;
    expect(room.scene.scene.sources[`${back.id}.microphone`]?.muted).toBe(true);
  });
});

describe('the router', () => {
  test('is replaced when its worker dies: the tap hears it before the people do', async () => {
    const { link } = join('a', 'host');
    const viewer = join('v', 'audience');
    const heard: string[] = [];
    room.on('router-replaced', () => heard.push(`replaced, ${link.names().length} told`));
    const told = link.names().length;
    routers.failures.push(new AppError('no-capacity'));
    routers.made[0]?.die();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(routers.made).toHaveLength(2);
    expect(room.router).toBe(routers.made[1]?.router);
    expect(heard).toEqual([`replaced, ${told} told`]);
    expect(link.of('media:reset')).toMatchObject([{ reason: 'worker-died' }]);
    expect(viewer.link.names()).not.toContain('media:reset');
    expect(await readMetric(metrics.rebuilds)).toBe(1);
  });

  test('the room closes when there will be none any more', async () => {
    const { link } = join('a', 'host');
    routers.failures.push(new AppError('shutting-down'));
    routers.made[0]?.die();
    await vi.advanceTimersByTimeAsync(1);
    expect(room.closed).toBe(true);
    expect(link.dismissed).toBe('shutting-down');
  });
});

describe('closing', () => {
  test('tells everybody why, closes its router, and is idempotent', async () => {
    const a = join('a', 'host');
    const v = join('v', 'audience');
    room.drop(a.peer, a.link);
    let closed = 0;
    room.on('closed', () => closed++);
    room.close('room-closed');
    room.close('shutting-down');
    expect(closed).toBe(1);
    expect(v.link.dismissed).toBe('room-closed');
    expect(routers.made[0]?.closed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    for (const gauge of [metrics.rooms, metrics.seats]) expect(await readMetric(gauge)).toBe(0);
    expect(await readMetric(metrics.peers, { role: 'host' })).toBe(0);
  });

  test('refuses when closed', async () => {
    const { peer } = join('a', 'host');
    room.close('room-closed');
    expect(code(() => join('b', 'host'))).toBe('room-closed');
    expect(code(() => room.setScene(Scene.parse({}), 1))).toBe('room-closed');
    await expect(room.endpointOf(peer)).rejects.toMatchObject({ code: 'room-closed' });
  });
});

describe('what happened', () => {
  let told: string[];
  const watch = () => {
    told = [];
    room.on('happened', (type, data) => {
      const who = 'peer' in data ? data.peer.identity : data.reason;
      told.push('how' in data ? `${type} ${who} ${data.how}` : `${type} ${who}`);
    });
  };
  const heard = () => told.splice(0);

  test('people come and go, with their seats', async () => {
    await makeRoom();
    watch();
    const ann = join('ann', 'host');
    const bob = join('bob', 'audience');
    expect(heard()).toEqual(['peer.joined ann', 'seat.granted ann role', 'peer.joined bob']);
    room.leave(bob.peer);
    room.leave(bob.peer);
    room.leave(ann.peer);
    expect(heard()).toEqual(['peer.left bob', 'seat.left ann', 'peer.left ann']);
  });

  test('a seat is asked for, withdrawn, declined, granted, taken, given back', async () => {
    await makeRoom();
    const host = join('ann', 'host').peer;
    const { peer } = join('bob', 'audience');
    watch();
    room.requestSeat(peer);
    room.requestSeat(peer);
    room.desk.withdraw(peer);
    room.desk.withdraw(peer);
    room.requestSeat(peer);
    room.desk.decline(peer.id);
    expect(heard()).toEqual(['seat.requested bob', 'seat.withdrawn bob', 'seat.requested bob', 'seat.declined bob']);
    room.requestSeat(peer);
    room.grantSeat(peer.id);
    room.takeSeat(host, peer.id);
    expect(heard()).toEqual(['seat.requested bob', 'seat.granted bob request', 'seat.taken bob']);
    room.desk.withdraw(host);
    room.requestSeat(host);
    expect(heard()).toEqual(['seat.left ann', 'seat.granted ann own']);
  });

  test('coming back is not coming; the end of the room is everybody’s end, and comes last', async () => {
    await makeRoom();
    watch();
    const { peer, link } = join('ann', 'host');
    heard();
    room.drop(peer, link);
    join('ann', 'host');
    expect(heard()).toEqual([]);
    join('bob', 'audience');
    heard();
    room.close('shutting-down');
    room.close('room-closed');
    expect(heard()).toEqual(['seat.left ann', 'peer.left ann', 'peer.left bob', 'room.closed shutting-down']);
  });
});
