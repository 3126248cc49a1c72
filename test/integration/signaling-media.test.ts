import type { types } from 'mediasoup';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { soundProducer, videoProducer } from '../../src/broadcast/returnProducers.ts';
import type { NewConsumer } from '../../src/contracts/signaling.ts';
import { KEY_FRAME_INTERVAL_MS } from '../../src/sfu/Endpoint.ts';
import { RtcPeer, RtcTransport } from '../support/RtcPeer.ts';
import type { SignalingClient } from '../support/SignalingClient.ts';
import { SignalingStack } from '../support/SignalingStack.ts';
import { readMetric } from '../support/sfuMetrics.ts';

const LIMIT = { timeout: 20_000 };

let stack: SignalingStack;
beforeAll(async () => {
  stack = await SignalingStack.create({ workers: 2, limits: { awayMs: 60_000 } });
});
afterAll(() => stack.close());

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Sends a camera and a microphone. */
async function publish(client: SignalingClient): Promise<{ peer: RtcPeer; transport: RtcTransport; camera: string }> {
  const transport = await RtcTransport.open(client, 'send');
  const peer = new RtcPeer(transport);
  const make = async (source: string, rtpParameters: object): Promise<string> =>
    (await client.call('producer:create', { transportId: transport.id, source, rtpParameters })).producerId;
  const camera = await make('camera', peer.cameraParameters);
  await make('microphone', peer.microphoneParameters);
  peer.start();
  cleanups.push(async () => {
    peer.stop();
    await transport.stop();
  });
  return { peer, transport, camera };
}

/** Receives all there is. */
async function watch(client: SignalingClient): Promise<RtcTransport> {
  const transport = await RtcTransport.open(client, 'recv');
  cleanups.push(() => transport.stop());
  await client.call('consumer:start', {
    transportId: transport.id,
    rtpCapabilities: client.joined.routerRtpCapabilities,
  });
  return transport;
}

const ssrcOf = (consumer: NewConsumer): number =>
  (consumer.rtpParameters as { encodings: { ssrc: number }[] }).encodings[0]?.ssrc ?? 0;

/** Width of the newest VP8 key frame that came on this SSRC. */
function lastWidth(transport: RtcTransport, ssrc: number): number | undefined {
  const key = transport.received.findLast(
    (p) => p.header.ssrc === ssrc && p.payload[0] === 0x90 && ((p.payload[4] ?? 1) & 1) === 0,
  );
  return key ? key.payload.readUInt16LE(10) : undefined;
}

async function pair(room: string): Promise<{ ann: SignalingClient; bob: SignalingClient }> {
  const ann = await stack.join({ sub: 'ann', room, name: 'Ann' });
  const bob = await stack.join({ sub: 'bob', room, role: 'cohost', name: 'Bob' });
  cleanups.push(async () => {
    ann.close();
    bob.close();
    await stack.registry.close(room);
  });
  return { ann, bob };
}

describe('forwarding', () => {
  test('the layer that fits the size, nothing at 0x0, and the mute of the owner', async () => {
    const { ann, bob } = await pair('layers');
    const { camera } = await publish(ann);
    const receiving = await watch(bob);
    const video = await bob.next('consumer:new', (c) => c.kind === 'video');
    const consumerId = video.id;
    await bob.call('consumer:size', { consumerId, width: 320, height: 180 });
    await bob.call('consumer:resume', { consumerId });
    await expect.poll(() => lastWidth(receiving, ssrcOf(video)), LIMIT).toBe(320);
    await bob.call('consumer:size', { consumerId, width: 1280, height: 720 });
    await expect.poll(() => lastWidth(receiving, ssrcOf(video)), LIMIT).toBe(1280);
    await bob.call('consumer:size', { consumerId, width: 640, height: 360 });
    await expect.poll(() => lastWidth(receiving, ssrcOf(video)), LIMIT).toBe(640);

    await bob.call('consumer:size', { consumerId, width: 0, height: 0 });
    const count = (): number => receiving.received.filter((p) => p.header.ssrc === ssrcOf(video)).length;
    const paused = count();
    // Sound goes on meanwhile: once that has come, a picture would have come too.
    const audio = await bob.next('consumer:new', (c) => c.kind === 'audio').catch(() => undefined);
    if (audio) await bob.call('consumer:resume', { consumerId: audio.id });
    const sound = receiving.received.length;
    await expect.poll(() => receiving.received.length, LIMIT).toBeGreaterThan(sound + 60);
    expect(count() - paused).toBeLessThanOrEqual(2);
    await bob.call('consumer:size', { consumerId, width: 640, height: 360 });
    await expect.poll(() => count(), LIMIT).toBeGreaterThan(paused + 5);

    await ann.call('producer:pause', { producerId: camera });
    expect(await bob.next('consumer:paused')).toEqual({ consumerId });
    expect(await bob.next('peer:updated')).toMatchObject({
      id: ann.id,
      sources: [
        { kind: 'camera', paused: true },
        { kind: 'microphone', paused: false },
      ],
    });
    await ann.call('producer:resume', { producerId: camera });
    expect(await bob.next('consumer:resumed')).toEqual({ consumerId });
    await ann.call('producer:close', { producerId: camera });
    expect(await bob.next('consumer:closed')).toEqual({ consumerId });
  });

  test('who does not build a consumer does not get it', async () => {
    const { ann, bob } = await pair('unbuilt');
    bob.onConsumer = () => false;
    await watch(bob);
    await publish(ann);
    const { id } = await bob.next('consumer:new');
    await bob.next('consumer:closed', (c) => c.consumerId === id);
    expect(await bob.refusal('consumer:resume', { consumerId: id })).toBe('not-found');
  });

  test('key frames are asked for once a second, however often viewers ask', async () => {
    const { ann, bob } = await pair('keyframes');
    const { peer } = await publish(ann);
    const receiving = await watch(bob);
    const { id: consumerId } = await bob.next('consumer:new', (c) => c.kind === 'video');
    const top = peer.layers[2];
    await bob.call('consumer:resume', { consumerId });
    await expect.poll(() => lastWidth(receiving, 0) ?? top?.requests.length, LIMIT).toBeGreaterThan(0);
    while ((top?.requests.length ?? 0) < 4) {
      await bob.call('consumer:pause', { consumerId }).catch(() => {});
      await bob.call('consumer:resume', { consumerId }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const gaps = (top?.requests ?? []).slice(1).map((t, i) => t - (top?.requests[i] ?? 0));
    // Timers and the network of a busy machine may bring two a little closer together.
    for (const gap of gaps) expect(gap).toBeGreaterThan(KEY_FRAME_INTERVAL_MS * 0.8);
  });

  test('somebody who has left is not received any more', async () => {
    const { ann, bob } = await pair('left');
    await watch(bob);
    await publish(ann);
    const { id } = await bob.next('consumer:new');
    await ann.call('leave', {});
    await bob.next('peer:left', (p) => p.peerId === ann.id);
    await bob.next('consumer:closed', (c) => c.consumerId === id);
  });
});

describe('limits', () => {
  test('a second transport of a direction replaces the first', async () => {
    const { ann } = await pair('transports');
    const first = await ann.call('transport:create', { direction: 'send' });
    const second = await ann.call('transport:create', { direction: 'send' });
    expect(second.id).not.toBe(first.id);
    expect(await ann.refusal('transport:restart-ice', { transportId: first.id })).toBe('not-found');
    expect(await readMetric(stack.metrics.sfu.transports, { direction: 'send' })).toBe(1);
  });

  test('one producer a source', async () => {
    const { ann } = await pair('sources');
    const { transport } = await publish(ann);
    const { cameraParameters: rtpParameters } = new RtcPeer(transport);
    const transportId = transport.id;
    expect(await ann.refusal('producer:create', { transportId, source: 'camera', rtpParameters })).toBe('conflict');
    await ann.call('producer:create', { transportId, source: 'screen', rtpParameters });
    expect(ann.events.filter((e) => e.name === 'peer:updated').at(-1)?.arg).toMatchObject({
      sources: [{ kind: 'camera' }, { kind: 'screen' }, { kind: 'microphone' }],
    });
    // Which of several screens is the newest follows from this.
    const started = stack.registry.get('sources')?.sources() ?? [];
    const since = (kind: string) => started.find((s) => s.kind === kind)?.since ?? Number.NaN;
    expect(since('screen')).toBeGreaterThan(since('camera'));
  });
});

describe('seats', () => {
  test('audience has no media until a host grants a seat, and none after it was taken', async () => {
    const { ann } = await pair('seats');
    const guest = await stack.join({ sub: 'guest', room: 'seats', role: 'audience' });
    cleanups.push(() => guest.close());
    expect(await guest.refusal('transport:create', { direction: 'recv' })).toBe('no-seat');
    await guest.call('seat:request');
    await ann.next('peer:updated', (p) => p.id === guest.id && p.asking);
    await ann.call('seat:grant', { peerId: guest.id });
    expect(await guest.next('seat:changed')).toEqual({ seated: true });
    await publish(guest);
    expect(
      stack.registry
        .get('seats')
        ?.sources()
        .map((s) => s.id),
    ).toEqual([`${guest.id}.camera`, `${guest.id}.microphone`]);
    await ann.call('seat:take', { peerId: guest.id });
    expect(await guest.next('seat:changed')).toEqual({ seated: false });
    expect(stack.registry.get('seats')?.sources()).toEqual([]);
    expect(await guest.refusal('transport:create', { direction: 'send' })).toBe('no-seat');
    expect(guest.socket.connected).toBe(true);
  });
});

describe('the program for who looks at it', () => {
  /** The program's pictures, as a compositor's connection brings them; or the sound for a listener. */
  async function addProgram(room: string, listener: string | null): Promise<types.Producer> {
    const open = stack.registry.get(room);
    if (!open) throw new Error('no such room');
    const transport = await open.router.createPlainTransport({ listenInfo: { protocol: 'udp', ip: '127.0.0.1' } });
    const producer = await transport.produce(listener === null ? videoProducer() : soundProducer());
    open.monitors.add(producer, listener);
    return producer;
  }
  const wishOf = (room: string) => stack.registry.get(room)?.monitors.wish;

  test('comes to those who ask, sound to each its own, and goes when they have enough', async () => {
    const { ann, bob } = await pair('program');
    await watch(ann);
    await watch(bob);
    await addProgram('program', null);
    expect(wishOf('program')).toEqual({ video: false, listeners: [] });
    await ann.call('program:watch', { video: true, sound: true });
    expect(wishOf('program')).toEqual({ video: true, listeners: [ann.id] });
    await addProgram('program', ann.id);
    const picture = await ann.next('consumer:new', (c) => c.source === 'program');
    expect(picture).toMatchObject({ kind: 'video', peerId: ann.id, producerPaused: false });
    const sound = await ann.next('consumer:new', (c) => c.source === 'program-sound');
    await bob.call('program:watch', { video: true, sound: false });
    await bob.next('consumer:new', (c) => c.source === 'program');
    expect(wishOf('program')).toEqual({ video: true, listeners: [ann.id] });

    await ann.call('program:watch', { video: true, sound: false });
    expect(await ann.next('consumer:closed')).toEqual({ consumerId: sound.id });
    // A compositor's successor: its pictures are there before the last one's end.
    const next = await addProgram('program', null);
    const successor = await ann.next('consumer:new', (c) => c.producerId === next.id);
    expect(successor.id).not.toBe(picture.id);
    await ann.call('program:watch', { video: false, sound: false });
    await ann.next('consumer:closed', (c) => c.consumerId === successor.id);
    expect(wishOf('program')).toEqual({ video: true, listeners: [] });
    expect(
      bob.events.filter(({ name, arg }) => name === 'consumer:new' && (arg as NewConsumer).kind === 'audio'),
    ).toEqual([]);
  });

  test('wishes end with seat, connection and room; without a seat there are none', async () => {
    const { ann, bob } = await pair('program-ends');
    const guest = await stack.join({ sub: 'guest', room: 'program-ends', role: 'audience' });
    cleanups.push(() => guest.close());
    expect(await guest.refusal('program:watch', { video: true, sound: false })).toBe('no-seat');
    expect(await ann.refusal('program:watch', { video: true, sound: true })).toBe('not-found');
    expect(await ann.refusal('program:watch', { video: 1 })).toBe('bad-request');
    await guest.call('seat:request');
    await ann.next('peer:updated', (p) => p.id === guest.id && p.asking);
    await ann.call('seat:grant', { peerId: guest.id });
    await guest.next('seat:changed');
    for (const client of [guest, bob]) {
      await watch(client);
      await client.call('program:watch', { video: true, sound: true });
    }
    expect(wishOf('program-ends')?.listeners).toHaveLength(2);
    await ann.call('seat:take', { peerId: guest.id });
    expect(wishOf('program-ends')).toEqual({ video: true, listeners: [bob.id] });
    await bob.call('leave');
    expect(wishOf('program-ends')).toEqual({ video: false, listeners: [] });
  });
});

describe('a connection that drops', () => {
  test('its media goes on, and until the same source is sent anew', async () => {
    const { ann, bob } = await pair('drops');
    const { camera } = await publish(ann);
    const room = stack.registry.get('drops');
    ann.socket.io.engine.close();
    expect(await bob.next('peer:updated', (p) => p.presence === 'away')).toMatchObject({ id: ann.id, seated: true });
    expect(room?.sources()[0]?.producer.id).toBe(camera);
    const again = await stack.join({ sub: 'ann', room: 'drops', name: 'Ann' }, { resume: ann.id });
    cleanups.push(() => again.close());
    expect(again.id).toBe(ann.id);
    expect(room?.people().map((p) => p.name)).toEqual(['Ann', 'Bob']);
    expect(room?.sources()[0]?.producer.id).toBe(camera);
    const second = await publish(again);
    expect(room?.sources()[0]?.producer.id).toBe(second.camera);
    expect(room?.sources()).toHaveLength(2);
  });

  test('when ICE consent ends too, its media does', async () => {
    const { ann, bob } = await pair('gone');
    const { transport, peer } = await publish(ann);
    const room = stack.registry.get('gone');
    ann.socket.io.engine.close();
    await bob.next('peer:updated', (p) => p.presence === 'away');
    peer.stop();
    await transport.stop();
    await bob.next('peer:updated', (p) => p.id === ann.id && p.sources.length === 0);
    expect(room?.sources()).toEqual([]);
    expect(room?.people()).toHaveLength(2);
  });

  test('joining in another tab ends the first one’s media, and tells it why', async () => {
    const { ann } = await pair('tabs');
    await publish(ann);
    const newer = await stack.join({ sub: 'ann', room: 'tabs' });
    cleanups.push(() => newer.close());
    expect(await ann.next('left')).toMatchObject({ reason: 'joined-elsewhere' });
    await ann.next('disconnect');
    expect(newer.id).toBe(ann.id);
    expect(newer.joined.self.sources).toEqual([]);
    const watching = await stack.join({ sub: 'ann', room: 'tabs', role: 'audience' });
    await watching.call('leave');
    watching.close();
    expect(newer.socket.connected).toBe(true);
  });
});

describe('a worker that is killed', () => {
  test('its rooms are rebuilt on another, the tap hears it first, others notice nothing', async () => {
    const { ann, bob } = await pair('killed');
    await stack.registry.getOrCreate('neighbour');
    await publish(ann);
    await watch(bob);
    await bob.next('consumer:new');
    const room = stack.registry.get('killed');
    const neighbour = stack.registry.get('neighbour');
    const [before, neighbours] = [room?.router, neighbour?.router];
    const order: string[] = [];
    room?.on('router-replaced', () => order.push('router-replaced'));
    for (const client of [ann, bob]) client.socket.once('media:reset', () => order.push('media:reset'));
    process.kill(room?.workerPid as number, 'SIGKILL');
    for (const client of [ann, bob]) {
      expect((await client.next('media:reset')).reason).toBe('worker-died');
      expect(client.socket.connected).toBe(true);
    }
    expect(order).toEqual(['router-replaced', 'media:reset', 'media:reset']);
    expect(room?.router).not.toBe(before);
    expect(room?.people()).toHaveLength(2);
    expect(room?.sources()).toEqual([]);
    expect(neighbour?.router).toBe(neighbours);
    expect(neighbour?.router.closed).toBe(false);
    // They build again, and see each other again.
    const receiving = await watch(bob);
    await publish(ann);
    const { id, kind } = await bob.next('consumer:new', (c) => c.peerId === ann.id && c.kind === 'video');
    expect(kind).toBe('video');
    await bob.call('consumer:resume', { consumerId: id });
    await expect.poll(() => receiving.received.length, LIMIT).toBeGreaterThan(10);
  });
});

describe('closing', () => {
  test('a room that is closed tells everybody', async () => {
    const { ann, bob } = await pair('closed');
    await publish(ann);
    await stack.registry.close('closed', 'room-closed');
    for (const client of [ann, bob]) {
      expect(await client.next('left')).toMatchObject({ reason: 'room-closed' });
      await client.next('disconnect');
    }
    expect(stack.registry.get('closed')).toBeUndefined();
  });

  test('signalling refuses when closed, and its connections close with it', async () => {
    const own = await SignalingStack.create();
    const client = await own.join({ sub: 'ann' });
    await own.signaling.close();
    await own.signaling.close();
    expect(await client.next('left')).toMatchObject({ reason: 'shutting-down' });
    await client.next('disconnect');
    await expect(own.join({ sub: 'bob' })).rejects.toThrow();
    await own.close();
  });
});
