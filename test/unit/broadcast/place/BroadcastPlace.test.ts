import type { types as mediasoup } from 'mediasoup';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { BroadcastPlace } from '../../../../src/broadcast/place/BroadcastPlace.ts';
import { Places } from '../../../../src/broadcast/place/Places.ts';
import { BroadcastInput } from '../../../../src/contracts/broadcast.ts';
import { MemoryDirectory } from '../../../../src/directory/MemoryDirectory.ts';
import { broadcastMetrics } from '../../../support/broadcast/metrics.ts';
import { TestRoom } from '../../../support/broadcast/TestRoom.ts';

test('a hot standby is in the demand: a broadcast that has one counts twice; nothing is left of one that is over', async () => {
  const metrics = broadcastMetrics();
  const places = new Places({
    directory: new MemoryDirectory({ agents: () => [], delivery: () => 'http://127.0.0.1:1' }),
    ...{ strategy: 'binpack', tenants: null, wallClock: Date.now, metrics, logger: pino({ level: 'silent' }) },
  });
  const demand = async () => (await metrics.demand.get()).values[0]?.value ?? Number.NaN;
  const placeOf = (broadcast: string, standby: boolean) =>
    new BroadcastPlace({
      ...{ broadcast, room: new TestRoom({} as mediasoup.Router), input: BroadcastInput.parse({ standby }) },
      node: {
        ...{ places, recoveryMs: 1000, videoEncoder: 'libx264', encoderThreads: 1, clock: { now: () => 0 } },
      },
      ...{ program: () => undefined, resumed: false },
    });
  const single = placeOf('baaaaaaaaa', false);
  const one = await demand();
  expect(one).toBeGreaterThan(0);
  expect(one).toBeCloseTo(single.slots, 6);
  const twin = placeOf('bbbbbbbbbb', true);
  expect(await demand()).toBeCloseTo(3 * one, 6);
  twin.close();
  single.close();
  expect(await demand()).toBe(0);
  places.close();
});
