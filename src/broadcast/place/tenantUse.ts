/** What each tenant has now, in all of the fleet. In: this node's broadcasts, the others' entries. Out: for the placement policy. Pure. */
import type { Entry } from '../../directory/entries.ts';
import type { TenantRules } from '../../directory/placement.ts';

export interface WantedBroadcast {
  broadcast: string;
  tenant: string;
  slots: number;
  /** It has had a compositor: it counts until it ends, whatever becomes of that. */
  seen: boolean;
}

/** `others`: what other nodes' broadcasts have or want. One with two compositors, for a handoff, counts once. */
export function tenantUse(
  own: Iterable<WantedBroadcast>,
  others: readonly Pick<Entry<'wish'>, 'data'>[],
): TenantRules['use'] {
  const runs = new Map<string, { tenant: string; slots: number }>();
  for (const { broadcast, tenant, slots, seen } of own) if (seen) runs.set(broadcast, { tenant, slots });
  for (const { data } of others) {
    const { broadcast, tenant, slots, kind, placed } = data;
    if (placed || kind === 'handover') runs.set(broadcast, { tenant, slots });
  }
  const use = new Map<string, { broadcasts: number; slots: number }>();
  for (const { tenant, slots } of runs.values()) {
    const before = use.get(tenant) ?? { broadcasts: 0, slots: 0 };
    use.set(tenant, { broadcasts: before.broadcasts + 1, slots: before.slots + slots });
  }
  return use;
}
