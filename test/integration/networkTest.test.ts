/** The door's network test on the server: real workers, real sockets. What a browser finds by it: test/e2e/door.test.ts. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { NetworkWay } from '../../src/contracts/signaling.ts';
import { MAX_NETWORK_TESTS } from '../../src/sfu/NetworkTests.ts';
import type { SignalingClient } from '../support/SignalingClient.ts';
import { SignalingStack, tokenFor } from '../support/SignalingStack.ts';
import { readMetric } from '../support/sfuMetrics.ts';

let stack: SignalingStack;
const clients: SignalingClient[] = [];

beforeAll(async () => {
  stack = await SignalingStack.create();
});
afterAll(() => stack?.close());
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await expect.poll(() => stack.registry.networkTests.running).toBe(0);
});

/** Connected, not joined: who is at the door. */
async function person(sub: string): Promise<SignalingClient> {
  const client = await stack.client(tokenFor({ sub, room: 'door', role: 'audience' }));
  clients.push(client);
  return client;
}

const protocols = async (client: SignalingClient, way: NetworkWay) => {
  const { transport } = await client.call('network:open', { way });
  return [...new Set(transport.iceCandidates.map(({ protocol }) => protocol))].sort();
};

describe('the network test', () => {
  test('needs no join and opens no room: a way offers its own protocol alone, and data is taken', async () => {
    const ann = await person('ann');
    expect(await protocols(ann, 'udp')).toEqual(['udp']);
    expect(await protocols(ann, 'tcp')).toEqual(['tcp']);
    expect(await protocols(ann, 'relay')).toEqual(['tcp', 'udp']);
    expect(stack.registry.list()).toEqual([]);
    expect(await ann.call('network:received', {})).toMatchObject({ bytes: 0 });
    await expect(ann.call('network:open', { way: 'udp' })).rejects.toMatchObject({ code: 'conflict' });
    await ann.call('network:close', {});
    await expect(ann.call('network:received', {})).rejects.toMatchObject({ code: 'conflict' });
  });

  test('ends with its connection, and leaves no router and no transport behind', async () => {
    const routers = await readMetric(stack.metrics.sfu.routers);
    const ann = await person('ann');
    await ann.call('network:open', { way: 'udp' });
    expect(await readMetric(stack.metrics.sfu.routers)).toBe(routers + 1);
    ann.close();
    await expect.poll(() => stack.registry.networkTests.running).toBe(0);
    expect(await readMetric(stack.metrics.sfu.routers)).toBe(routers);
    expect(await readMetric(stack.metrics.sfu.networkTests, { way: 'udp', reached: 'false' })).toBeGreaterThan(0);
  });

  test('a few at a time on a node: whoever comes then is told to wait, and may when one is over', async () => {
    const testers = await Promise.all(Array.from({ length: MAX_NETWORK_TESTS }, (_, i) => person(`p${i}`)));
    for (const tester of testers) await tester.call('network:open', { way: 'udp' });
    const late = await person('late');
    await expect(late.call('network:open', { way: 'udp' })).rejects.toMatchObject({ code: 'too-many' });
    await testers[0]?.call('network:close', {});
    await late.call('network:open', { way: 'udp' });
  });

  test('a few in a row for a connection', async () => {
    const ann = await person('ann');
    const again = async () => {
      await ann.call('network:open', { way: 'tcp' });
      await ann.call('network:close', {});
    };
    for (let i = 0; i < 4; i++) await again();
    await expect(again()).rejects.toMatchObject({ code: 'too-many' });
  });

  test('nothing is done for a transport that is not one’s own, and nothing that makes no sense', async () => {
    const ann = await person('ann');
    const eve = await person('eve');
    await expect(eve.call('network:received', {})).rejects.toMatchObject({ code: 'not-found' });
    const { transport } = await ann.call('network:open', { way: 'udp' });
    await eve.call('network:open', { way: 'udp' });
    const stolen = { transportId: transport.id, sctpStreamParameters: { streamId: 0 } };
    await expect(eve.call('network:send', stolen)).rejects.toMatchObject({ code: 'not-found' });
    const mad = { transportId: transport.id, sctpStreamParameters: { streamId: 70_000 } };
    await expect(ann.call('network:send', mad)).rejects.toMatchObject({ code: 'bad-request' });
    const own = { transportId: transport.id, sctpStreamParameters: { streamId: 0, ordered: true } };
    await ann.call('network:send', own);
    await expect(ann.call('network:send', own)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('ends with the worker that it is on', async () => {
    const ann = await person('ann');
    await ann.call('network:open', { way: 'udp' });
    const [pid] = stack.pool.pids;
    process.kill(pid ?? 0, 'SIGKILL');
    await expect.poll(() => stack.registry.networkTests.running).toBe(0);
    await expect(ann.call('network:received', {})).rejects.toMatchObject({ code: 'conflict' });
  });
});
