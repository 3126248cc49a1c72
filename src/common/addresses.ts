/** Which IP addresses the server may be sent to by others (server-side request forgery, OWASP). */
import ipaddr from 'ipaddr.js';

/** Ranges of ipaddr.js that `allowPrivate` opens. Unspecified, multicast, broadcast and embedded addresses stay closed. */
const PRIVATE_RANGES = new Set(['private', 'loopback', 'linkLocal', 'uniqueLocal', 'carrierGradeNat']);

export interface LookedAt {
  address: string;
  family: 4 | 6;
  allowed: boolean;
  /** Of ipaddr.js: `unicast` is public. */
  range: string;
  /** `allowPrivate` would open it. */
  private: boolean;
}

/** An IPv4-mapped IPv6 address is the IPv4 address that it holds. undefined: it is no address. */
export function lookAtAddress(address: string, allowPrivate: boolean): LookedAt | undefined {
  const bare = address.replace(/%.*$/, '');
  if (!ipaddr.isValid(bare)) return undefined;
  const parsed = ipaddr.process(bare);
  const range = parsed.range();
  const isPrivate = PRIVATE_RANGES.has(range);
  return {
    address: parsed.toString(),
    family: parsed.kind() === 'ipv4' ? 4 : 6,
    allowed: range === 'unicast' || (allowPrivate && isPrivate),
    range,
    private: isPrivate,
  };
}
