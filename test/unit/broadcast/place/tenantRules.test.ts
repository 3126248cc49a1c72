import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTenantRules } from '../../../../src/broadcast/place/readTenantRules.ts';
import { tenantUse } from '../../../../src/broadcast/place/tenantUse.ts';
import type { WishData } from '../../../../src/directory/entries.ts';

test('limits are read from JSON or from a file; `*` is for all others', async () => {
  const text = '{"*": {"broadcasts": 2}, "acme": {"slots": 12.5, "broadcasts": 20}}';
  const rules = { usual: { broadcasts: 2 }, limits: new Map([['acme', { broadcasts: 20, slots: 12.5 }]]) };
  expect(readTenantRules(text)).toEqual(rules);
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-limits-'));
  await writeFile(join(folder, 'limits.json'), text);
  expect(readTenantRules(join(folder, 'limits.json'))).toEqual(rules);
  await rm(folder, { recursive: true });
  expect(readTenantRules('')).toBeNull();
  expect(readTenantRules('{}')).toEqual({ usual: {}, limits: new Map() });
});

test.each(['{', '/no/such/file', '{"acme": 3}', '{"Acme": {}}', '{"acme": {"rooms": 3}}', '{"acme": {"slots": -1}}'])(
  '%s is refused with a sentence',
  (text) => expect(() => readTenantRules(text)).toThrow(/limits of tenants/),
);

test('what a tenant has: its own that were seen, and those of other nodes that run or did; each once', () => {
  const other = (broadcast: string, more: Partial<WishData>): { data: WishData } => ({
    data: {
      ...{ broadcast, tenant: 't', slots: 1, kind: 'start', queuedAt: 0, avoid: [], protocol: 1, placed: true },
      ...more,
    },
  });
  const own = [
    { broadcast: 'b1', tenant: 't', slots: 2, seen: true },
    { broadcast: 'b2', tenant: 't', slots: 2, seen: false },
    { broadcast: 'b3', tenant: 'u', slots: 0.5, seen: true },
  ];
  const others = [
    ...[other('b4', {}), other('b4', { kind: 'handover' }), other('b5', { placed: false })],
    other('b6', { placed: false, kind: 'handover', tenant: 'u' }),
  ];
  expect(tenantUse(own, others)).toEqual(
    new Map([
      ['t', { broadcasts: 2, slots: 3 }],
      ['u', { broadcasts: 2, slots: 1.5 }],
    ]),
  );
});
