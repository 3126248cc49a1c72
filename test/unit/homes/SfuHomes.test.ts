/** Two SFU nodes with real rooms on one directory in memory; only mediasoup is stood in for. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RoomId } from '../../../src/contracts/ids.ts';
import { Scene } from '../../../src/contracts/scene.ts';
import type { JoinClaims } from '../../../src/contracts/tokens.ts';
import { MemoryStore } from '../../../src/directory/MemoryStore.ts';
import { SharedDirectory } from '../../../src/directory/SharedDirectory.ts';
import { handOn } from '../../../src/homes/handOn.ts';
import { RelayDoor } from '../../../src/homes/RelayDoor.ts';
import { SfuHomes } from '../../../src/homes/SfuHomes.ts';
import type { CloseReason, PeerLink } from '../../../src/rooms/PeerLink.ts';
import { RoomFiles } from '../../../src/rooms/RoomFiles.ts';
import { RoomRegistry } from '../../../src/rooms/RoomRegistry.ts';
import { untilView } from '../../support/directory/events.ts';
import { CutStore } from '../../support/directory/FleetRig.ts';
import { FakeRouters } from '../../support/FakeRouters.ts';
import { roomMetrics } from '../../support/sfuMetrics.ts';

/** For the test that waits until a lease has run out; in the others none does, however slow the machine. */
const SHORT_TTL_MS = 300;
const ROOM = RoomId.parse('show');
const logger = pino({ level: 'silent' });

interface Node {
  directory: SharedDirectory;
  line: CutStore;
  homes: SfuHomes;
  rooms: RoomRegistry;
  letGo: string[];
}

let store: MemoryStore;
let folder: string;
let nodes: Node[];
let live: boolean;

beforeEach(async () => {
  store = new MemoryStore();
  folder = await mkdtemp(join(tmpdir(), 'lianmai-homes-'));
  [nodes, live] = [[], false];
});
afterEach(async () => {
  for (const { rooms, homes, directory } of nodes) {
    await rooms.closeAll();
    await homes.release();
    await directory.close();
  }
  await rm(folder, { recursive: true, force: true });
});

async function makeNode(name: string, { idleMs = 60_000, emptyMs = 60_000 } = {}): Promise<Node> {
  const line = new CutStore(store);
  const directory = new SharedDirectory({ store: line, node: `http://${name}`, logger });
  const files = RoomFiles.open(join(folder, name), logger);
  const letGo: string[] = [];
  const homes = await SfuHomes.create({
    ...{ directory, files, idleMs, logger, fleet: true },
    door: new RelayDoor(async () => {}),
    newServiceToken: async () => 'token',
    isLive: () => live,
    letGo: async (room) => {
      letGo.push(room);
    },
  });
  const rooms = await RoomRegistry.create({
    ...{ pool: new FakeRouters(), limits: { emptyMs }, iceServers: [], isLive: () => live, files },
    ...{ claim: homes.claim, logger, metrics: roomMetrics() },
  });
  homes.serve(rooms);
  await homes.announce('1.0.0');
  const node = { directory, line, homes, rooms, letGo };
  nodes.push(node);
  return node;
}

/** A person's connection that remembers how it ended. */
function link(): PeerLink & { dismissed: CloseReason | undefined } {
  const made: PeerLink & { dismissed: CloseReason | undefined } = {
    dismissed: undefined,
    tell: () => {},
    show: () => {},
    offerConsumer: async () => true,
    dismiss: (reason) => {
      made.dismissed = reason;
    },
  };
  return made;
}

const claims = (sub: string, role: JoinClaims['role']): JoinClaims => ({ aud: 'join', sub, role, room: ROOM });
const scene = Scene.parse({ captions: 'kept' });

async function untilHome({ directory }: Node, url: string | null): Promise<void> {
  const view = await directory.watch('room');
  await untilView(view, (entries) => (entries.find(({ id }) => id === ROOM)?.data.url ?? null) === url);
}

describe('a room', () => {
  test('opens only at its home', async () => {
    const [a, b] = [await makeNode('a'), await makeNode('b')];
    await a.rooms.getOrCreate(ROOM);
    await expect(b.rooms.getOrCreate(ROOM)).rejects.toMatchObject({ code: 'wrong-node' });
    expect([a.rooms.has(ROOM), b.rooms.has(ROOM)]).toEqual([true, false]);
  });

  test('is released some time after it was closed, and not while it is open or live', async () => {
    live = true;
    const a = await makeNode('a', { idleMs: 20, emptyMs: 20 });
    const b = await makeNode('b');
    const room = await a.rooms.getOrCreate(ROOM);
    await untilHome(b, 'http://a');
    const closed = new Promise<void>((resolve) => room.once('closed', () => resolve()));
    live = false;
    await closed;
    await untilHome(b, null);
    expect((await b.rooms.getOrCreate(ROOM)).id).toBe(ROOM);
  });

  test('that only its scene was set in advance is released, too; the next home has the scene', async () => {
    const a = await makeNode('a', { idleMs: 20 });
    const b = await makeNode('b');
    await a.homes.claim(ROOM);
    a.rooms.setScene(ROOM, scene, 1);
    await untilHome(b, 'http://a');
    await untilHome(b, null);
    const room = await b.rooms.getOrCreate(ROOM);
    expect(room.scene).toEqual({ version: 2, scene });
    // And back again, with what happened meanwhile.
    room.setScene(Scene.parse({ captions: 'changed' }), 2);
    await b.rooms.move(ROOM);
    await b.homes.release();
    await untilHome(a, null);
    expect((await a.rooms.getOrCreate(ROOM)).scene).toMatchObject({ version: 3, scene: { captions: 'changed' } });
  });

  test('that was closed on purpose is forgotten by all', async () => {
    const [a, b] = [await makeNode('a', { idleMs: 20 }), await makeNode('b')];
    await a.rooms.getOrCreate(ROOM);
    a.rooms.setScene(ROOM, scene, 1);
    await a.rooms.close(ROOM);
    await untilHome(b, 'http://a');
    await untilHome(b, null);
    expect(await b.directory.find('kept-room', ROOM)).toBeNull();
    expect((await b.rooms.getOrCreate(ROOM)).scene.version).toBe(1);
  });
});

describe('a home that is lost', () => {
  test('closes the room and tells its people to come again; its broadcast is let go of', async () => {
    store = new MemoryStore({ ttlMs: SHORT_TTL_MS });
    const [a, b] = [await makeNode('a'), await makeNode('b')];
    const room = await a.rooms.getOrCreate(ROOM);
    const [host, guest] = [link(), link()];
    const peer = room.join(claims('h', 'host'), {}, host);
    const other = room.join(claims('g', 'audience'), {}, guest);
    room.requestSeat(other);
    room.grantSeat(other.id);
    const closed = new Promise<void>((resolve) => room.once('closed', () => resolve()));
    await untilHome(b, 'http://a');
    a.line.cut();
    await untilHome(b, null);
    const next = await b.rooms.getOrCreate(ROOM);
    a.line.mend();
    await closed;
    expect([host.dismissed, guest.dismissed, a.letGo]).toEqual(['moved', 'moved', [ROOM]]);
    // Back at the new home they are who they were, and sit where a host had let them sit.
    expect(next.join(claims('h', 'host'), {}, link()).id).toBe(peer.id);
    const back = next.join(claims('g', 'audience'), { resume: other.id }, link());
    expect([back.id, next.isSeated(back)]).toEqual([other.id, true]);
  });

  test('a directory that is away takes no room from anybody', async () => {
    const [a, b] = [await makeNode('a'), await makeNode('b')];
    const room = await a.rooms.getOrCreate(ROOM);
    await untilHome(b, 'http://a');
    for (const node of nodes) node.line.cut();
    expect(await a.rooms.getOrCreate(ROOM)).toBe(room);
    await expect(b.rooms.getOrCreate(ROOM)).rejects.toMatchObject({ code: 'wrong-node' });
    const unknown = b.rooms.getOrCreate('another');
    await expect(unknown).rejects.toMatchObject({ code: 'directory-unavailable' });
    for (const node of nodes) node.line.mend();
  });
});

describe('the end of a node', () => {
  test('broadcasts go first, then rooms may be had elsewhere, then people are told', async () => {
    const [a, b] = [await makeNode('a'), await makeNode('b')];
    const room = await a.rooms.getOrCreate(ROOM);
    const host = link();
    room.join(claims('h', 'host'), {}, host);
    await untilHome(b, 'http://a');
    const order: string[] = [];
    await handOn({
      ...{ homes: a.homes, rooms: a.rooms, signaling: undefined },
      broadcasts: async () => {
        order.push(`broadcasts, home ${a.homes.homes.isOwn(ROOM)}, told ${host.dismissed}`);
      },
    });
    expect(order).toEqual(['broadcasts, home true, told undefined']);
    expect([a.homes.homes.isOwn(ROOM), host.dismissed]).toEqual([false, 'moved']);
    await expect(a.rooms.getOrCreate(ROOM)).rejects.toMatchObject({ code: 'shutting-down' });
    await untilHome(b, null);
    expect((await b.rooms.getOrCreate(ROOM)).id).toBe(ROOM);
  });

  test('others see that it takes nothing new, and how many rooms it has', async () => {
    const [a, b] = [await makeNode('a'), await makeNode('b')];
    await a.rooms.getOrCreate(ROOM);
    const view = await b.directory.watch('node');
    const entryOf = () => view.entries.find(({ id }) => id === 'http://a')?.data;
    await untilView(view, () => entryOf()?.load === 1);
    expect([b.homes.nodes.others, entryOf()?.draining]).toEqual([['http://a'], false]);
    a.homes.drain();
    await untilView(view, () => entryOf()?.draining === true);
    await expect(a.homes.claim('new-room')).rejects.toMatchObject({ code: 'wrong-node' });
  });

  test('of what all hear of a room one speaks: the home, or the first of all', async () => {
    const [a, b] = [await makeNode('a'), await makeNode('b')];
    await untilView(await a.directory.watch('node'), (entries) => entries.length === 2);
    expect([a.homes.speaksFor(ROOM), b.homes.speaksFor(ROOM)]).toEqual([true, false]);
    await b.homes.claim(ROOM);
    await untilHome(a, 'http://b');
    expect([a.homes.speaksFor(ROOM), b.homes.speaksFor(ROOM)]).toEqual([false, true]);
  });
});
