import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SpeakerLevel } from '../../src/broadcast/RoomTap.ts';
import { RtcPeer, RtcTransport } from '../support/RtcPeer.ts';
import { SignalingStack } from '../support/SignalingStack.ts';

let stack: SignalingStack;
beforeAll(async () => {
  stack = await SignalingStack.create({ workers: 1 });
});
afterAll(() => stack.close());

describe('two hosts', () => {
  test('see and hear each other, and not themselves', async () => {
    const ann = await stack.join({ sub: 'ann', room: 'two', name: 'Ann' });
    const bob = await stack.join({ sub: 'bob', room: 'two', role: 'cohost' }, { name: 'Bob' });
    expect(bob.joined.peers.map((p) => p.name)).toEqual(['Ann']);
    expect((await ann.next('peer:joined')).name).toBe('Bob');

    const sending = await RtcTransport.open(ann, 'send');
    const peer = new RtcPeer(sending);
    await ann.call('producer:create', {
      transportId: sending.id,
      source: 'camera',
      rtpParameters: peer.cameraParameters,
    });
    await ann.call('producer:create', {
      transportId: sending.id,
      source: 'microphone',
      rtpParameters: peer.microphoneParameters,
    });
    peer.start();
    const receiving = await RtcTransport.open(bob, 'recv');
    await bob.call('consumer:start', {
      transportId: receiving.id,
      rtpCapabilities: bob.joined.routerRtpCapabilities,
    });
    const camera = await bob.next('consumer:new');
    expect(camera).toMatchObject({ peerId: ann.id, source: 'camera', kind: 'video', producerPaused: false });
    const microphone = await bob.next('consumer:new');
    expect(microphone).toMatchObject({ peerId: ann.id, source: 'microphone', kind: 'audio' });
    await bob.call('consumer:resume', { consumerId: camera.id });
    await bob.call('consumer:resume', { consumerId: microphone.id });
    await bob.next('speakers', (s) => s.peerIds[0] === ann.id);
    const heard = await new Promise<SpeakerLevel[]>((resolve) => {
      stack.registry.get('two')?.on('levels', (levels) => {
        if (levels.length > 0) resolve(levels);
      });
    });
    expect(heard).toEqual([{ peer: ann.id, dbov: expect.any(Number) }]);
    await expect.poll(() => receiving.received.length, { timeout: 20_000 }).toBeGreaterThan(50);
    peer.stop();
    await sending.stop();
    await receiving.stop();
    expect(ann.events.some((e) => e.name === 'consumer:new')).toBe(false);
    ann.close();
    bob.close();
  });
});
