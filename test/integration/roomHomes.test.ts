/** Two SFU nodes as real processes in a real Redis: each room is at home on one of them, and it does not matter which one people come to. */
import { connect as connectTcp } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimulatedPeer } from '../../scripts/simulator/SimulatedPeer.ts';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { NodeInfo } from '../../src/directory/entries.ts';
import { FleetProcesses } from '../support/FleetProcesses.ts';
import { eventually, type ServerProcess } from '../support/ServerProcess.ts';
import { CallError, SignalingClient } from '../support/SignalingClient.ts';

const ROOM = 'home-room';
const PREFIX = 'lianmai:entry:';

let fleet: FleetProcesses;
/** Where ROOM is at home, and the other one. */
let home: ServerProcess;
let other: ServerProcess;
let swarm: Swarm;
const clients: SignalingClient[] = [];

beforeAll(async () => {
  fleet = await FleetProcesses.start({ sfus: 2, agents: 0, redis: true, env: { LIANMAI_LOG_LEVEL: 'debug' } });
  [home, other] = fleet.sfus as [ServerProcess, ServerProcess];
  swarm = await fleet.person(ROOM, home.url);
});

afterAll(async () => {
  for (const client of clients) client.close();
  await fleet?.stop();
});

/** Connected at a node, with the room in the query as the pages have it. */
async function connect(node: ServerProcess, room: string, token: string): Promise<SignalingClient> {
  const client = await SignalingClient.connect(node.url, { token, room });
  clients.push(client);
  return client;
}

/** URL of the internal port of the node that has the room; empty: nobody. */
async function holderOf(room: string): Promise<string> {
  return (await fleet.redis?.ask((redis) => redis.hget(`${PREFIX}room:${room}`, 'holder'))) ?? '';
}

async function nodeOf(room: string): Promise<ServerProcess> {
  const holder = await holderOf(room);
  const node = fleet.sfus.find(({ internalUrl }) => internalUrl === holder);
  if (!node) throw new Error(`the room is at home nowhere: ${holder}`);
  return node;
}

interface Called {
  status: number;
  etag: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects of it
  body: any;
}

async function call(node: ServerProcess, path: string, init: RequestInit = {}): Promise<Called> {
  const response = await fetch(`${node.url}/v1${path}`, {
    ...init,
    headers: {
      authorization: `Bearer ${fleet.token}`,
      ...(init.body ? { 'content-type': 'application/json' } : {}),
      ...init.headers,
    },
  });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get('etag'), body: text ? JSON.parse(text) : null };
}

/** The head of the answer; fetch would tidy the path up. */
function rawGet(node: ServerProcess, path: string, method = 'GET'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(Number(new URL(node.url).port), '127.0.0.1');
    socket.once('error', reject);
    socket.once('data', (chunk: Buffer) => {
      socket.destroy();
      resolve(String(chunk));
    });
    const head = [`${method} ${path} HTTP/1.1`, 'host: localhost', `authorization: Bearer ${fleet.token}`];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
  });
}

describe('who comes to the node that is not the home', () => {
  test('SFU nodes announce themselves with their rooms', async () => {
    const announced = async () => {
      const entry = await fleet.redis?.ask((redis) => redis.hget(`${PREFIX}node:${home.internalUrl}`, 'data'));
      return NodeInfo.parse(JSON.parse(entry ?? 'null'));
    };
    await eventually(async () => (await announced()).load === 1, 'its one room is known');
    expect(await announced()).toMatchObject({ role: 'sfu', url: home.internalUrl, draining: false });
  });

  test('a join by socket comes to the room: the two see each other', async () => {
    const client = await connect(other, ROOM, await fleet.api.joinToken(ROOM, 'cohost'));
    const { peers } = await client.join({ name: 'Second' });
    expect(peers.map(({ id }) => id)).toEqual([swarm.peers[0]?.id]);
    expect(await holderOf(ROOM)).toBe(home.internalUrl);
  });

  test('a client that does not name its room is told, and may come again', async () => {
    const refused = SignalingClient.connect(other.url, { token: await fleet.api.joinToken(ROOM, 'cohost') });
    await expect(refused).rejects.toThrow(CallError);
    await expect(refused).rejects.toMatchObject({ code: 'wrong-node' });
  });

  test('media goes straight to the home', async () => {
    const token = () => fleet.api.joinToken(ROOM, 'cohost');
    const viewer = new Swarm({ url: other.url, peers: 1, consume: true, token });
    await viewer.start();
    await eventually(
      () => (viewer.peers[0]?.counters().received ?? []).some(({ packets }) => packets > 50),
      'the pictures of the one who is at the home',
    );
    await viewer.stop();
  });

  test('an API call is answered by the home, whoever is asked', async () => {
    const path = `/rooms/${ROOM}/scene`;
    const put = (version: number) => ({
      ...{ method: 'PUT', body: JSON.stringify({ captions: 'Set elsewhere' }) },
      headers: { 'if-match': String(version) },
    });
    const { version } = (await call(home, path)).body;
    expect(await call(other, path, put(version))).toMatchObject({ status: 200, etag: `"${version + 1}"` });
    const [here, there] = [await call(home, path), await call(other, path)];
    expect(there).toEqual(here);
    expect(here.body.scene.captions).toBe('Set elsewhere');
    const stale = await call(other, path, put(version));
    expect([stale.status, stale.body.error.code]).toEqual([412, 'stale-version']);
    const room = await call(other, `/rooms/${ROOM}`);
    expect(room.body.peers.map(({ id }: { id: string }) => id)).toContain(swarm.peers[0]?.id);
  });

  test('a path that is another one to a URL parser is not relayed', async () => {
    const answer = await rawGet(other, `/v1/rooms/${ROOM}/destinations/..`, 'DELETE');
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect((await call(home, `/rooms/${ROOM}`)).status).toBe(200);
  });

  test('the caller’s own token counts: none, and one for another purpose, are refused', async () => {
    const none = await fetch(`${other.url}/v1/rooms/${ROOM}`);
    const joined = await fleet.api.joinToken(ROOM, 'host');
    const wrong = await fetch(`${other.url}/v1/rooms/${ROOM}`, { headers: { authorization: `Bearer ${joined}` } });
    expect([none.status, wrong.status]).toEqual([401, 401]);
  });

  test('all rooms of the fleet are told by each node', async () => {
    const client = await connect(other, 'second-room', await fleet.api.joinToken('second-room', 'host'));
    await client.join();
    expect(await holderOf('second-room')).toBe(other.internalUrl);
    for (const node of [home, other]) {
      const { rooms } = (await call(node, '/rooms')).body;
      expect(rooms.map(({ id }: { id: string }) => id)).toEqual([ROOM, 'second-room']);
    }
  });
});

describe('images and sounds', () => {
  const path = `/rooms/${ROOM}/scene`;
  const image = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>';
  let id: string;
  /** At the home, with what another node was sent. */
  async function setImage(backgroundImage: string | null): Promise<number> {
    const { version } = (await call(home, path)).body;
    const body = JSON.stringify({ backgroundImage });
    return (await call(home, path, { method: 'PUT', body, headers: { 'if-match': String(version) } })).status;
  }

  test('what was sent to one node is there on the other, for scenes, people and lists', async () => {
    const sent = await call(other, '/assets', {
      ...{ method: 'POST', body: image },
      headers: { 'content-type': 'application/octet-stream' },
    });
    id = sent.body.id;
    expect(sent.status).toBe(201);
    expect(await setImage(id)).toBe(200);
    expect(await setImage('0'.repeat(64))).toBe(400);
    const got = await fetch(`${home.url}/v1/assets/${id}`, { headers: { authorization: `Bearer ${fleet.token}` } });
    expect(await got.text()).toBe(image);
    for (const node of [home, other]) expect((await call(node, '/assets')).body.assets).toEqual([sent.body]);
  });

  test('it is not deleted while a scene of any node names it, and then everywhere', async () => {
    const refused = await call(other, `/assets/${id}`, { method: 'DELETE' });
    expect([refused.status, refused.body.error.code]).toEqual([409, 'conflict']);
    expect(await setImage(null)).toBe(200);
    expect((await call(other, `/assets/${id}`, { method: 'DELETE' })).status).toBe(204);
    for (const node of [home, other]) expect((await call(node, `/assets/${id}`)).status).toBe(404);
  });
});

describe('the internal port', () => {
  test('takes relayed calls only from nodes of the fleet, and the header is nothing at the public one', async () => {
    const authorization = `Bearer ${fleet.token}`;
    const bare = await fetch(`${home.internalUrl}/v1/rooms/${ROOM}`, { headers: { authorization } });
    const forged = { authorization, 'lianmai-relay': fleet.token };
    const [inside, outside] = await Promise.all([
      fetch(`${home.internalUrl}/v1/rooms/${ROOM}`, { headers: forged }),
      fetch(`${other.url}/v1/rooms/${ROOM}`, { headers: forged }),
    ]);
    expect([bare.status, inside.status, outside.status]).toEqual([401, 401, 200]);
    await expect(SignalingClient.connect(home.internalUrl, { token: 'x', room: ROOM })).rejects.toThrow();
  });
});

describe('a home that goes', () => {
  let peer: SimulatedPeer;
  const published = () => new Promise<void>((resolve) => peer.once('published', () => resolve()));

  test('SIGTERM: people are told to come again and are back on the other node, with their seat, scene and name', async () => {
    const room = 'moving-room';
    const person = await fleet.person(room);
    peer = person.peers[0] as SimulatedPeer;
    const leaving = await nodeOf(room);
    const staying = fleet.sfus.find((node) => node !== leaving) as ServerProcess;
    const [guestToken, hostToken] = await Promise.all([
      fleet.api.joinToken(room, 'audience'),
      fleet.api.joinToken(room, 'host'),
    ]);
    const guest = await connect(staying, room, guestToken);
    const { self } = await guest.join();
    const host = await connect(leaving, room, hostToken);
    await host.join();
    await guest.call('seat:request');
    await host.next('peer:updated', ({ asking }) => asking);
    await host.call('seat:grant', { peerId: self.id });
    const removedToken = await fleet.api.joinToken(room, 'cohost');
    const removed = await connect(staying, room, removedToken);
    await host.call('peer:remove', { peerId: (await removed.join()).self.id });
    expect((await removed.next('left')).reason).toBe('removed');
    const invited = await host.call('invitation:create', { role: 'cohost' });
    const revoked = await host.call('invitation:create', { role: 'cohost' });
    await host.call('invitation:revoke', { id: revoked.id });
    for (const node of fleet.sfus)
      await expect(connect(node, room, removedToken)).rejects.toMatchObject({ code: 'removed' });
    const scene = { captions: 'It moves' };
    await host.call('scene:set', { scene, ifMatch: host.joined.scene?.version });
    const [again, id] = [published(), peer.id];
    const ended = leaving.ended();
    leaving.child.kill('SIGTERM');
    await Promise.all([host.next('moved'), guest.next('disconnect')]);
    expect(await ended).toBe(0);
    // It did not wait for its lease to run out: nobody has it, or the next one.
    expect(await holderOf(room)).not.toBe(leaving.internalUrl);
    await again;
    expect([await holderOf(room), peer.id]).toEqual([staying.internalUrl, id]);
    const back = await (await connect(staying, room, guestToken)).join({ resume: self.id });
    expect([back.self.id, back.self.seated, back.peers.map((one) => one.id)]).toEqual([self.id, true, [id]]);
    expect((await call(staying, `/rooms/${room}/scene`)).body.scene).toMatchObject(scene);
    // The next home knows whom a host has removed, and which invitations are good.
    await expect(connect(staying, room, removedToken)).rejects.toMatchObject({ code: 'removed' });
    await expect(connect(staying, room, revoked.token)).rejects.toMatchObject({ code: 'unauthorized' });
    expect((await (await connect(staying, room, invited.token)).join()).self.role).toBe('cohost');
    const list = await call(staying, `/rooms/${room}/invitations`);
    expect(list.body.invitations.map(({ id }: { id: string }) => id)).toEqual([invited.id]);
    await fleet.again(leaving);
  });

  test('kill -9: the person is back in the same room on the other node by itself', async () => {
    const dying = await nodeOf('moving-room');
    const [again, id] = [published(), peer.id];
    await fleet.killAll(dying);
    await again;
    const now = await nodeOf('moving-room');
    expect(now).not.toBe(dying);
    expect(peer.id).toBe(id);
    const room = await call(now, '/rooms/moving-room');
    expect(room.body.peers.map((one: { id: string }) => one.id)).toContain(id);
  });
});
