/** A broadcast goes from one delivery node to another: two real nodes, HTTP between them, and a test in the controller's and the compositor's place. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { PROTOCOL } from '../../src/contracts/ids.ts';
import type { OpenOrder } from '../../src/delivery/DeliveryBroadcast.ts';
import { KeptBroadcast } from '../../src/delivery/journal/KeptBroadcast.ts';
import { StateFile } from '../../src/durable/StateFile.ts';
import { answerOf } from '../support/deliveryRooms.ts';
import { SERVICE_TOKEN, TestController } from '../support/deliveryStack.ts';
import { httpGet } from '../support/httpGet.ts';
import { ProgramRun, TestClip, VIDEO } from '../support/programParts.ts';
import { putParts, type RecordedRoom, RecordingRig } from '../support/RecordingRig.ts';

let clip: TestClip;
let from: RecordingRig;
let to: RecordingRig;

const edge = { node: 'e', newServiceToken: async () => SERVICE_TOKEN, maxBytes: 10_000_000 };

beforeAll(async () => {
  clip = await TestClip.make();
  [from, to] = (await Promise.all([0, 1].map(() => RecordingRig.start({ delivery: { edge } })))) as [
    RecordingRig,
    RecordingRig,
  ];
});
afterAll(async () => {
  await Promise.all([from?.remove(), to?.remove()]);
  clip?.close();
});

/** Segments 0 and 1, and half of 2. */
async function begin(order: Partial<OpenOrder>): Promise<RecordedRoom> {
  const room = await from.open(clip, { ...order, protocol: PROTOCOL });
  onTestFinished(() => room.controller.drop());
  await putParts(room.compositor, clip, 0, 15);
  return room;
}

/** The other node is asked to take it over. */
async function open(
  { room, controller }: RecordedRoom,
  order: Partial<OpenOrder>,
  { url = from.stack.internalUrl, copyMs = 30_000, arrived = false } = {},
): Promise<TestController> {
  const { startMs, broadcast } = controller;
  const movedFrom = { url, copyMs, fence: 5, arrived };
  const next = await TestController.open(to.stack, {
    ...{ room, startMs, broadcast, answersClock: false },
    order: { protocol: PROTOCOL, epoch: controller.epoch, ...order, movedFrom },
  });
  onTestFinished(() => next.drop());
  return next;
}

/** From segment 3 on it is the other node's. The first part of 3 comes before all of 2 is there. */
async function takeOver({ controller, compositor }: RecordedRoom, next: TestController): Promise<void> {
  await next.waitFor('copied');
  controller.send({ type: 'yield', from: 3 });
  next.send({ type: 'take', from: 3, compositor: compositor.id, fence: 1 });
  await Promise.all([controller.sync(), next.sync()]);
  compositor.moveTo(to.stack);
  await putParts(compositor, clip, 3, 1);
  compositor.moveTo(from.stack);
  await putParts(compositor, clip, 2, 6);
  await next.waitFor('arrived');
}

async function leave({ controller }: RecordedRoom): Promise<void> {
  controller.send({ type: 'moved', url: to.stack.internalUrl });
  await controller.waitFor('left');
}

const at = (rig: RecordingRig, { room, controller }: RecordedRoom, path: string): string =>
  `${rig.stack.url}/live/${room}/${controller.broadcast}/${path}`;

describe.each([
  { what: 'in memory', order: { record: false } },
  { what: 'with a time shift', order: { record: false, dvrSeconds: 600 } },
  { what: 'recorded', order: { record: true } },
])('a broadcast $what', ({ order }) => {
  test('goes on at the other node with the same numbers and bytes; who waits here is answered from there', async () => {
    const room = await begin(order);
    const playlist = `${VIDEO}/index.m3u8`;
    const waits = [
      httpGet(at(from, room, `${playlist}?_HLS_msn=3&_HLS_part=0`)),
      // Not as plain as that: the router's.
      httpGet(at(from, room, `${playlist}?_HLS_msn=3&_HLS_part=0`), { 'x-forwarded-for': '10.0.0.1' }),
    ];
    await expect.poll(() => from.stack.waiting()).toBe(2);
    const before = (await httpGet(at(from, room, playlist))).body.toString();
    const segments = await Promise.all([0, 1].map((k) => httpGet(at(from, room, `${VIDEO}/${k}.m4s`))));
    const next = await open(room, order);
    await next.waitFor('copied');
    // Viewers are still the other node's.
    expect((await httpGet(at(to, room, playlist))).status).toBe(404);
    await takeOver(room, next);
    const run = new ProgramRun(clip, 3);
    expect(await answerOf(room.compositor.put(`${VIDEO}/3/0`, run.next().video))).toBe('409 not-taken');
    run.close();
    await leave(room);
    const after = (await httpGet(at(to, room, playlist))).body.toString();
    expect(after.startsWith(before.slice(0, before.indexOf('2.0.m4s')).split('#EXT-X-PART:')[0] ?? '')).toBe(true);
    expect(after).not.toMatch(/EXT-X-GAP|ENDLIST|DISCONTINUITY/);
    for (const { status, body } of await Promise.all(waits)) {
      expect(status).toBe(200);
      expect(body.toString()).toContain('3.0.m4s');
    }
    // Here it is served by way of there.
    for (const path of [playlist, `${VIDEO}/0.m4s`, `${VIDEO}/2.m4s`, `${VIDEO}/3.0.m4s`]) {
      const [old, now] = await Promise.all([from, to].map((rig) => httpGet(at(rig, room, path))));
      expect([old?.status, now?.status, old?.body.equals(now?.body ?? Buffer.alloc(0))], path).toEqual([
        200,
        200,
        true,
      ]);
    }
    for (const [k, { body }] of segments.entries())
      expect((await httpGet(at(to, room, `${VIDEO}/${k}.m4s`))).body.equals(body)).toBe(true);
    // What a process would go on with lies there, and nothing here.
    const { broadcast } = room.controller;
    const [old, now] = await Promise.all([from, to].map(({ dataDir }) => readdir(join(dataDir, 'delivery'))));
    expect([old?.includes(broadcast), now?.includes(broadcast)]).toEqual([false, true]);
    const kept = KeptBroadcast.parse(
      JSON.parse(StateFile.read(join(to.dataDir, 'delivery', broadcast, 'broadcast')) ?? ''),
    );
    expect(kept.takes).toEqual([{ from: 3, compositor: room.compositor.id, fence: 1 }]);
    next.send({ type: 'end' });
    await next.waitFor('ended');
  });
});

test('a recording moves whole, and is one', async () => {
  const room = await begin({ record: true });
  const next = await open(room, { record: true });
  await takeOver(room, next);
  await leave(room);
  expect((await from.ask(`/${room.id}`)).status).toBe(404);
  room.compositor.moveTo(to.stack);
  await putParts(room.compositor, clip, 3, 6);
  next.send({ type: 'end' });
  expect(await to.event('finished', room.id)).toMatchObject({ complete: true, durationSeconds: 8, slateSegments: 0 });
});

test('a recording that was begun while it was live moves whole, from its first segment on', async () => {
  const room = await begin({ record: false });
  room.controller.send({ type: 'record', on: true });
  expect((await room.controller.waitFor('recording')).status.state).toBe('recording');
  const next = await open(room, { record: true });
  await takeOver(room, next);
  await leave(room);
  room.compositor.moveTo(to.stack);
  await putParts(room.compositor, clip, 3, 6);
  next.send({ type: 'end' });
  // Segments 2 and 3 of it.
  expect(await to.event('finished', room.id)).toMatchObject({ complete: true, durationSeconds: 4, slateSegments: 0 });
});

test('what can not be copied in time of a recording stays, and is a recording of its own', async () => {
  const room = await begin({ record: true });
  const next = await open(room, { record: true }, { copyMs: 0 });
  await takeOver(room, next);
  await leave(room);
  next.send({ type: 'end' });
  const rest = await to.event('incomplete', room.id);
  expect(rest).toMatchObject({ complete: false, broadcast: room.controller.broadcast });
  const { recordings } = (await (await from.ask(`?room=${room.room}`)).json()) as { recordings: { id: string }[] };
  expect(recordings).toHaveLength(1);
  expect(recordings[0]?.id).not.toBe(room.id);
  const beginning = await from.event('incomplete', recordings[0]?.id ?? '');
  expect(beginning).toMatchObject({ durationSeconds: 6, broadcast: room.controller.broadcast });
  expect(beginning.reason).toContain(room.id);
});

test('a node that gives up before it has arrived leaves nothing, and the old one goes on with what it had yielded', async () => {
  const room = await begin({ record: true });
  const next = await open(room, { record: true });
  await next.waitFor('copied');
  room.controller.send({ type: 'yield', from: 3 });
  await room.controller.sync();
  next.drop();
  room.controller.send({ type: 'yield', from: null });
  await room.controller.sync();
  await putParts(room.compositor, clip, 2, 12);
  const { body } = await httpGet(at(from, room, `${VIDEO}/index.m3u8`));
  expect(body.toString()).toContain('3.m4s');
  expect(await readdir(join(to.dataDir, 'delivery'))).not.toContain(room.controller.broadcast);
  expect((await to.ask(`/${room.id}`)).status).toBe(404);
});

test('one that had arrived, and was forgotten with the disk, begins anew, and the node of before is not asked for it', async () => {
  const room = await begin({ record: false });
  const next = await open(room, { record: false }, { url: 'http://127.0.0.1:1', arrived: true });
  next.send({ type: 'take', from: 2, compositor: room.compositor.id, fence: 1 });
  await next.sync();
  expect(next.closed).toBe(false);
  room.compositor.moveTo(to.stack);
  await room.compositor.preface();
});

test('where the old node can not be had it is refused', async () => {
  const room = await begin({ record: false });
  const next = await open(room, { record: false }, { url: 'http://127.0.0.1:1' });
  await expect.poll(() => next.closed).toBe(true);
  expect((await httpGet(at(from, room, `${VIDEO}/index.m3u8`))).status).toBe(200);
});
