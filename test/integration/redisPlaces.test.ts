/** The queue for compositors that SFU nodes share, in a real Redis. */
import { afterAll, beforeAll, describe } from 'vitest';
import { RedisServer } from '../support/directory/RedisServer.ts';
import { redisRig } from '../support/directory/redisRig.ts';
import { placesSuite } from '../support/place/placesSuite.ts';

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
