import { newId } from '../../common/ids.ts';
import { BY_REDIS, type Config } from '../../config.ts';
import type { Tokens } from '../../tokens/Tokens.ts';
import type { DeliveryOptions } from '../DeliveryOptions.ts';
import { oneOwner } from './OwnerOf.ts';

type EdgeConfig = Pick<Config, 'role' | 'redisUrl' | 'deliveryOrigin' | 'edgeCacheBytes'>;

/** One for each request to another delivery node; their clocks may be off by a little. */
const HOP_TOKEN_SECONDS = 300;

/** How a node serves what another one owns, by its settings; undefined: it owns all. Without an `ownerOf` the directory says who does. */
export function edgeSettings(
  { role, redisUrl, deliveryOrigin, edgeCacheBytes }: EdgeConfig,
  tokens: Tokens,
): DeliveryOptions['edge'] {
  const fleet = role === 'delivery' && redisUrl !== null;
  if (deliveryOrigin === '' && !fleet) return undefined;
  return {
    node: newId('e'),
    ownerOf: deliveryOrigin === '' || deliveryOrigin === BY_REDIS ? undefined : oneOwner(deliveryOrigin),
    newServiceToken: () => tokens.sign({ aud: 'service', sub: 'delivery' }, HOP_TOKEN_SECONDS),
    maxBytes: edgeCacheBytes,
  };
}
