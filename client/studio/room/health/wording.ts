/** A finding in words: what is wrong, and what to do. */
import { formatBitrate } from '../../../shared/format.ts';
import type { OwnFinding } from '../../session/HealthSession.ts';
import { type HealthTextKey, healthText } from './healthTexts.ts';

export interface Wording {
  sentence: string;
  remedy: string;
}

/** The key of a finding's sentence; its remedy's has `.do` behind it. `self`: one reads of oneself. */
export function keyOf({ code, values }: OwnFinding, self: boolean): HealthTextKey {
  const about = self ? 'own' : 'found';
  // Loss of less than a percent is nothing to be named.
  if (code === 'upload') return `${about}.upload.${Number(values.lost) >= 1 ? 'loss' : 'weak'}`;
  if (code === 'starved') return `found.starved.${values.step}` as HealthTextKey;
  return `${code === 'muted' || self ? 'own' : 'found'}.${code}` as HealthTextKey;
}

/** `nameOf`: of people in the room. */
export function wordingOf(finding: OwnFinding, selfId: string, nameOf: (peer: string) => string): Wording {
  const { peer, values } = finding;
  const key = keyOf(finding, peer === selfId);
  const named = {
    ...values,
    ...(peer === undefined ? {} : { name: nameOf(peer) }),
    ...(values.kbits === undefined ? {} : { rate: formatBitrate(Number(values.kbits) * 1000) }),
  };
  return { sentence: healthText(key, named), remedy: healthText(`${key}.do` as HealthTextKey, named) };
}
