/** The queue for compositors that SFU nodes share, the balance of agents, and scheduled broadcasts, in a real Redis. */
import { afterAll, beforeAll, describe } from 'vitest';
import { RedisServer } from '../support/directory/RedisServer.ts';
import { redisRig } from '../support/directory/redisRig.ts';
import { balanceSuite } from '../support/place/balanceSuite.ts';
import { placesSuite } from '../support/place/placesSuite.ts';
import { schedulesSuite } from '../support/schedule/schedulesSuite.ts';

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis?.close());

let round = 0;
describe('the queue for compositors, in Redis', () =>
  placesSuite(async () => {
    round += 1;
    return redisRig({ redis, prefix: `places${round}:` });
  }));
describe('moving broadcasts to where there is room, in Redis', () =>
  balanceSuite(async () => {
    round += 1;
    return redisRig({ redis, prefix: `balance${round}:` });
  }));
describe('broadcasts that start by themselves, in Redis', () =>
  // One directory for all: a new one settles for as long as a lease lives.
  schedulesSuite(async () => redisRig({ redis, prefix: 'schedules:' })));
