/** How much a tenant may have at the same time. Pure. */
import { SLOT_EPSILON } from './views.ts';

/** Absent: without a limit. */
export interface TenantLimits {
  broadcasts?: number;
  slots?: number;
}
interface Use {
  broadcasts: number;
  slots: number;
}

export interface TenantRules {
  /** Tenant → limits; who is not in it has `usual`. */
  limits: ReadonlyMap<string, TenantLimits>;
  usual: TenantLimits;
  /** Tenant → what runs now, in all of the fleet. */
  use: ReadonlyMap<string, Readonly<Use>>;
}
export const NO_LIMITS: TenantRules = { limits: new Map(), usual: {}, use: new Map() };

/** What tenants have during one round: what is given counts at once. */
export class TenantUse {
  readonly #rules: TenantRules;
  readonly #added = new Map<string, Use>();
  readonly #refused = new Set<string>();

  constructor(rules: TenantRules) {
    this.#rules = rules;
  }

  /**
   * Whether the limits leave it these slots. Asked in the order of the queue: who was refused once is refused for the rest of the round, so that its small
   * broadcasts do not keep its big one waiting; but for one that is over the limit by itself nobody waits.
   */
  asks(tenant: string, slots: number): boolean {
    const limits = this.#rules.limits.get(tenant) ?? this.#rules.usual;
    const { broadcasts: count = Number.POSITIVE_INFINITY, slots: most = Number.POSITIVE_INFINITY } = limits;
    if (slots > most + SLOT_EPSILON || this.#refused.has(tenant)) return false;
    const use = this.#of(tenant);
    const allowed = use.broadcasts + 1 <= count && use.slots + slots <= most + SLOT_EPSILON;
    if (!allowed) this.#refused.add(tenant);
    return allowed;
  }

  add(tenant: string, slots: number): void {
    const { broadcasts, slots: before } = this.#of(tenant);
    this.#added.set(tenant, { broadcasts: broadcasts + 1, slots: before + slots });
  }

  #of(tenant: string): Readonly<Use> {
    return this.#added.get(tenant) ?? this.#rules.use.get(tenant) ?? { broadcasts: 0, slots: 0 };
  }
}
