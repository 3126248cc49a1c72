import { pino } from 'pino';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import { PROTOCOL } from '../../../src/contracts/ids.ts';
import { joinFleet } from '../../../src/directory/joinFleet.ts';
import { createMetrics } from '../../../src/metrics.ts';

test('role all knows what its own agent has, slot by slot, and is told of each change', async () => {
  const agent = { capacity: 4, load: 1, slots: 2.5, used: 0.9, draining: false };
  const { directory, agentChanged } = await joinFleet({
    config: parseConfig([], {}),
    internalUrl: 'http://127.0.0.1:1',
    address: { address: '127.0.0.1', family: 'IPv4', port: 1 },
    ...{
      agent,
      delivery: undefined,
      version: '1.2.3',
      logger: pino({ level: 'silent' }),
      metrics: createMetrics().directory,
    },
  });
  const known = { url: 'http://127.0.0.1:1', version: '1.2.3', protocol: PROTOCOL };
  expect(await directory.agents()).toEqual([{ ...known, ...agent }]);
  let changes = 0;
  await directory.watchAgents(() => changes++);
  Object.assign(agent, { load: 2, used: 1.8 });
  agentChanged();
  expect(changes).toBe(1);
  expect(await directory.agents()).toMatchObject([{ load: 2, used: 1.8 }]);
  await directory.close();
});

test('slots are as many as broadcasts unless they are set; two compositors are kept warm, one where there is one slot', () => {
  const of = (env: Record<string, string>) => {
    const { maxBroadcasts, compositorSlots, warmCompositors } = parseConfig([], env);
    return [maxBroadcasts, compositorSlots, warmCompositors];
  };
  expect(of({})).toEqual([4, 4, 2]);
  expect(of({ LIANMAI_MAX_BROADCASTS: '24', LIANMAI_COMPOSITOR_SLOTS: '8' })).toEqual([24, 8, 2]);
  expect(of({ LIANMAI_MAX_BROADCASTS: '1' })).toEqual([1, 1, 1]);
  expect(of({ LIANMAI_WARM_COMPOSITORS: '0' })).toEqual([4, 4, 0]);
  expect(() => of({ LIANMAI_COMPOSITOR_SLOTS: '-1' })).toThrow('LIANMAI_COMPOSITOR_SLOTS');
  expect(() => of({ LIANMAI_TENANT_LIMITS: '{"a": 1}' })).toThrow('LIANMAI_TENANT_LIMITS');
});
