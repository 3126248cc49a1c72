/** Broadcasts outlive the SFU node that controls them: kill -9, SIGSTOP and SIGTERM of the home of a room, with two SFU nodes, agents, delivery, Redis and an RTMP server as processes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Swarm } from '../../scripts/simulator/Swarm.ts';
import type { BroadcastStatus } from '../../src/contracts/broadcast.ts';
import { FleetRecord } from '../../src/directory/entries.ts';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { eventually, type ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'heirs';
const KEY = 'heirs-stream-key';
/** A node says so when it ends nothing of a broadcast that another has. */
const LET_GO = 'broadcast let go';

let rtmp: RtmpServer;
let fleet: FleetProcesses;
let person: Swarm;
let follower: PlaylistFollower;
let started: BroadcastStatus;

beforeAll(async () => {
  [rtmp, fleet] = await Promise.all([
    RtmpServer.start(),
    FleetProcesses.start({
      ...{ sfus: 2, agents: 1, redis: true },
      env: { LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' },
    }),
  ]);
  const [first] = fleet.sfus;
  if (!first) throw new Error('there is no SFU node');
  started = await fleet.apiOf(first).startBroadcast(ROOM, {
    video: SMALL,
    destinations: [{ url: rtmp.url, key: KEY }],
  });
  person = await fleet.person(ROOM);
  follower = await PlaylistFollower.start(`${fleet.delivery.url}${started.playlist}`);
  await rtmp.waitFor((call) => call.call === 'publish');
  await follower.until(({ newest }) => newest >= 2, 'some segments');
});

afterAll(async () => {
  follower?.close();
  await fleet?.stop();
  await rtmp?.close();
});

/** As Redis has it. */
async function owner(): Promise<{ holder: string; fence: number; record: FleetRecord }> {
  return fleet.redis?.ask(async (client) => {
    const { holder = '', fence = '0' } = await client.hgetall(`lianmai:entry:broadcast:${started.id}`);
    const { data = '' } = await client.hgetall(`lianmai:entry:record:${started.id}`);
    return { holder, fence: Number(fence), record: FleetRecord.parse(JSON.parse(data)) };
  }) as Promise<{ holder: string; fence: number; record: FleetRecord }>;
}

const homeOf = (holder: string): ServerProcess => {
  const home = fleet.sfus.find(({ internalUrl }) => internalUrl === holder);
  if (!home) throw new Error(`${holder} is no SFU node`);
  return home;
};

/** Another node than `before` has it, it is live there, and what people see is one program without a hole. */
async function goesOn(before: Awaited<ReturnType<typeof owner>>): Promise<void> {
  const publishedBefore = person.peer(0)?.counters().published ?? 0;
  await eventually(async () => ![before.holder, ''].includes((await owner()).holder), 'another owner');
  const after = await owner();
  expect(after.fence).toBeGreaterThan(before.fence);
  const heir = homeOf(after.holder);
  const api = fleet.apiOf(heir);
  // Asked from the moment on that the node is its owner: it is never "not live".
  await eventually(async () => (await api.broadcast(ROOM)).state === 'live', 'live');
  await heir.waitForLog(({ msg, broadcast }) => msg === 'compositor ready' && broadcast === started.id);
  const status = await api.broadcast(ROOM);
  expect([status.id, status.startedAt, status.playlist]).toEqual([started.id, started.startedAt, started.playlist]);
  const reached = follower.newest;
  await follower.until(({ newest }) => newest >= reached + 3, 'the program of the next compositor');
  expect([follower.gaps, follower.backwards, follower.discontinuities]).toEqual([[], [], 0]);
  expect([follower.inits.size, follower.ended]).toEqual([1, false]);
  expect(rtmp.publishes(KEY)).toBe(1);
  const { record } = await owner();
  expect(record).toMatchObject({
    epoch: before.record.epoch,
    grid: before.record.grid,
    encoder: before.record.encoder,
  });
  expect(record.fence).toBeGreaterThan(before.record.fence);
  await eventually(
    () => (person.peer(0)?.counters().published ?? 0) > publishedBefore,
    'people are back by themselves',
  );
}

/** Compositors that were given up since delivery had taken another. */
const superseded = (): number =>
  fleet.compositor.logs().filter(({ msg }) => msg === 'another compositor has the broadcast').length;

describe('a broadcast in a fleet', () => {
  test('has an owner and a record, in which the stream key is not to be read', async () => {
    const { holder, fence, record } = await owner();
    expect(fleet.sfus.map(({ internalUrl }) => internalUrl)).toContain(holder);
    expect(record).toMatchObject({ id: started.id, room: ROOM, deliveryUrl: fleet.delivery.internalUrl });
    expect(record.fence).toBeGreaterThanOrEqual(fence);
    expect(record.destinations).toHaveLength(1);
    expect(JSON.stringify(record)).not.toContain(KEY);
  });

  test('a second one that pushes to the same stream key is refused, on whatever node it is', async () => {
    const { holder } = await owner();
    const other = fleet.sfus.find(({ internalUrl }) => internalUrl !== holder);
    if (!other) throw new Error('there is no other node');
    const api = fleet.apiOf(other);
    const destination = { url: rtmp.url, key: KEY };
    await expect(api.startBroadcast('second', { video: SMALL, destinations: [destination] })).rejects.toThrow(
      /The stream key is in use.*409 conflict/,
    );
    await expect(api.broadcast('second')).rejects.toThrow('404');
  });

  test('a changed scene is in the record', async () => {
    const { record, holder } = await owner();
    const { version, scene } = record.scene;
    const token = fleet.apiOf(homeOf(holder));
    await token.setScene(ROOM, { ...scene, captions: '连麦' }, version);
    await eventually(async () => (await owner()).record.scene.version > version, 'the new version');
    expect((await owner()).record.scene.scene.captions).toBe('连麦');
  });
});

describe('the SFU node that is home', () => {
  test('kill -9: another goes on with it, with no hole, and the same compositor is at work until the next is taken', async () => {
    const before = await owner();
    const home = homeOf(before.holder);
    await fleet.killAll(home);
    await goesOn(before);
    await eventually(() => superseded() === 1, 'the former compositor ended, since another was taken');
    expect((await owner()).record.scene).toEqual(before.record.scene);
    const node = await fleet.again(home);
    await node.waitForLog(({ msg }) => msg === 'another node has gone on with the broadcast');
    expect((await owner()).holder).not.toBe(node.internalUrl);
  });

  test('frozen for longer than its lease lives, and awake again: it lets go, and nothing is there twice', async () => {
    const before = await owner();
    const home = homeOf(before.holder);
    home.child.kill('SIGSTOP');
    await eventually(async () => ![before.holder, ''].includes((await owner()).holder), 'another owner');
    home.child.kill('SIGCONT');
    await home.waitForLog(({ msg, broadcast }) => msg === LET_GO && broadcast === started.id);
    await goesOn(before);
    expect(rtmp.mostPublishers(KEY)).toBe(1);
    await eventually(() => superseded() === 2, 'the former compositor ended, since another was taken');
  });

  test('SIGTERM: it hands it on, with no hole, and ends nothing', async () => {
    const before = await owner();
    const home = homeOf(before.holder);
    const ended = home.stop();
    await goesOn(before);
    expect(await ended).toBe(0);
    await eventually(() => superseded() === 3, 'the former compositor ended, since another was taken');
  });

  test('stopped afterwards it ends properly, and nothing is left in the directory', async () => {
    await fleet.apiOf(homeOf((await owner()).holder)).stopBroadcast(ROOM);
    await follower.until(({ ended }) => ended, 'EXT-X-ENDLIST');
    const left = await fleet.redis?.ask(async (client) => ({
      records: await client.zrange('lianmai:live:record', '0', '-1'),
      owners: await client.zrange('lianmai:live:broadcast', '0', '-1'),
      keys: await client.zrange('lianmai:live:stream-key', '0', '-1'),
    }));
    expect(left).toEqual({ records: [], owners: [], keys: [] });
  });
});
