import { newId } from '../../common/ids.ts';
import type { Config } from '../../config.ts';
import type { Tokens } from '../../tokens/Tokens.ts';
import type { DeliveryOptions } from '../Delivery.ts';
import { oneOwner } from './OwnerOf.ts';

/** One for each request to another delivery node; their clocks may be off by a little. */
const HOP_TOKEN_SECONDS = 300;

/** How a node serves what another one owns, by its settings; undefined: it owns all. */
export function edgeSettings(
  { deliveryOrigin, edgeCacheBytes }: Pick<Config, 'deliveryOrigin' | 'edgeCacheBytes'>,
  tokens: Tokens,
): DeliveryOptions['edge'] {
  if (deliveryOrigin === '') return undefined;
  return {
    node: newId('e'),
    ownerOf: oneOwner(deliveryOrigin),
    newServiceToken: () => tokens.sign({ aud: 'service', sub: 'delivery' }, HOP_TOKEN_SECONDS),
    maxBytes: edgeCacheBytes,
  };
}
