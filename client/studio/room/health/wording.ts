/** A finding in words: what is wrong, and what to do. */
import { formatBitrate } from '../../../shared/format.ts';
import type { OwnFinding } from '../../session/HealthSession.ts';
import { type HealthTextKey, healthText } from './healthTexts.ts';

export interface Wording {
  sentence: string;
  remedy: string;
}

/** Which sentence, where a code has several. */
function variantOf({ code, values }: OwnFinding): string {
  // Loss of less than a percent is nothing to be named.
  if (code === 'upload') return Number(values.lost) >= 1 ? 'upload.loss' : 'upload.weak';
  return code === 'starved' ? `starved.${values.step}` : code;
}

/** The key of a finding's sentence; its remedy's has `.do` behind it. `self`: one reads of oneself. */
export function keyOf(finding: OwnFinding, self: boolean): HealthTextKey {
  const variant = variantOf(finding);
  return (self ? `own.${variant}` : `found.${variant}`) as HealthTextKey;
}

/** `nameOf`: of people in the room. */
export function wordingOf(finding: OwnFinding, selfId: string, nameOf: (peer: string) => string): Wording {
  const { peer, values } = finding;
  const key = keyOf(finding, peer === selfId);
  // What the line takes is less than what it would be asked for; where nobody knows, what arrives.
  const kbits = key.endsWith('.weak') ? (values.available ?? values.kbits) : values.kbits;
  const named = {
    ...values,
    ...(peer === undefined ? {} : { name: nameOf(peer) }),
    ...(kbits === undefined ? {} : { rate: formatBitrate(Number(kbits) * 1000) }),
  };
  return { sentence: healthText(key, named), remedy: healthText(`${key}.do` as HealthTextKey, named) };
}
