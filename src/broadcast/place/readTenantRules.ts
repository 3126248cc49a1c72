/** LIANMAI_TENANT_LIMITS: how much tenants may have at the same time. In: text of a setting. Out: rules for the placement policy. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { TenantId } from '../../contracts/ids.ts';
import type { TenantRuleSet } from './Places.ts';

/** What is left out has no limit. */
const Limits = z.strictObject({
  broadcasts: z.int().min(0).optional(),
  slots: z.number().min(0).optional(),
});
/** `*` is for those that are not named. */
const Table = z.record(z.union([z.literal('*'), TenantId]), Limits);

/** `text` is JSON, or the name of a file that has it; empty: null, nobody has a limit. Throws an Error whose message is a sentence. */
export function readTenantRules(text: string): TenantRuleSet | null {
  if (text.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text.trimStart().startsWith('{') ? text : readFileSync(text, 'utf8'));
  } catch (error) {
    throw new Error(`the limits of tenants can not be read: ${(error as Error).message}`, { cause: error });
  }
  const parsed = Table.safeParse(value);
  if (!parsed.success) throw new Error(`the limits of tenants are wrong: ${z.prettifyError(parsed.error)}`);
  const { '*': usual = {}, ...named } = parsed.data;
  return {
    limits: new Map(Object.entries(named).map(([tenant, limits]) => [tenant, definite(limits)])),
    usual: definite(usual),
  };
}

const definite = ({ broadcasts, slots }: z.output<typeof Limits>) => ({
  ...(broadcasts === undefined ? {} : { broadcasts }),
  ...(slots === undefined ? {} : { slots }),
});
