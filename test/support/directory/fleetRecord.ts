import { randomBytes } from 'node:crypto';
import { encoderFor, gridFor, renditionsFor } from '../../../src/broadcast/jobs.ts';
import { newId } from '../../../src/common/ids.ts';
import { Secret } from '../../../src/common/Secret.ts';
import { SecretBox } from '../../../src/common/SecretBox.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import { Scene } from '../../../src/contracts/scene.ts';
import { FleetRecord, type PendingStart } from '../../../src/directory/entries.ts';

const box = await SecretBox.create({
  secrets: [new Secret(randomBytes(32).toString('hex'))],
  dataDir: '',
  purpose: 'broadcasts',
});
export const STREAM_KEY = 'stream-key-that-nobody-may-read';

/** A broadcast with one destination, whose stream key is sealed. */
export function fleetRecord(more: Partial<FleetRecord> = {}): FleetRecord {
  const input = BroadcastInput.parse({});
  return FleetRecord.parse({
    version: 1,
    id: newId('b'),
    room: 'r',
    input,
    epoch: 1_700_000_000_000,
    grid: gridFor(30),
    encoder: encoderFor('libx264', 1),
    renditions: renditionsFor(input),
    scene: { version: 3, scene: Scene.parse({ captions: '连麦' }) },
    deliveryUrl: 'http://d',
    destinations: [
      {
        ...{ id: newId('d'), name: 'CDN', target: 'rtmp://cdn.example/live', reconnectSeconds: null },
        sealed: box.seal(JSON.stringify({ url: `rtmp://cdn.example/live/${STREAM_KEY}` })),
      },
    ],
    fence: 1_700_000_000_001,
    ...more,
  });
}

/** One that waits to start, with the same destination. */
export function pendingStart(more: Partial<PendingStart> = {}): PendingStart {
  const { version, id, room, input, destinations } = fleetRecord();
  return { version, id, room, input, destinations, queuedAt: 1_700_000_000_000, ...more };
}
