/** What the delivery nodes of a fleet have to do with each other, and the SFU nodes with all of them. */
import { BY_REDIS, type Config } from '../config.ts';
import { DeliveryNodes } from '../directory/DeliveryNodes.ts';
import type { Fleet } from '../directory/joinFleet.ts';
import type { ServerUsage } from '../usage/ServerUsage.ts';
import type { Delivery } from './Delivery.ts';
import { PlaybackPlaces } from './edge/PlaybackPlaces.ts';

type FleetConfig = Pick<Config, 'role' | 'redisUrl' | 'deliveryUrl' | 'deliveryOrigin'>;
type Offer = { readonly load: number; readonly draining: boolean };

/** What the others are told of a delivery node. One that only serves viewers is given no broadcasts: of it they are told nothing. */
export const deliveryOffer = (
  { deliveryOrigin }: Pick<Config, 'deliveryOrigin'>,
  delivery: Offer | undefined,
): Offer | undefined => (deliveryOrigin === '' ? delivery : undefined);

/** A delivery node of a fleet that is asked to end ends no broadcast: they move to another one, or wait on the disk for the next process. */
export const keepsBroadcasts = ({ role, redisUrl }: Pick<Config, 'role' | 'redisUrl'>): boolean =>
  role === 'delivery' && redisUrl !== null;

/** Has the broadcasts moved, where there is another delivery node that takes some, as far as it is known. Bounded by LIANMAI_DRAIN_SECONDS. */
export async function drainDelivery(
  { drainSeconds }: Pick<Config, 'drainSeconds'>,
  fleet: Pick<Fleet, 'directory' | 'url'> | undefined,
  delivery: Delivery | undefined,
): Promise<void> {
  const nodes = (await fleet?.directory.watch('node'))?.entries ?? [];
  const isOther = ({ id, data }: (typeof nodes)[number]): boolean =>
    data.role === 'delivery' && !data.draining && id !== fleet?.url;
  if (nodes.some(isOther)) await delivery?.drain(drainSeconds * 1000);
}

export interface FollowDeliveriesParts {
  /** Base URL of our own internal port. */
  internalUrl: string;
  fleet: Pick<Fleet, 'directory' | 'url'>;
  delivery: Delivery | undefined;
  usage: ServerUsage | undefined;
}

/**
 * A delivery node gets to know where the others' playlists are, and who counts something hands it over. Answers the delivery nodes that an SFU
 * node asks; undefined for a role that asks none.
 */
export async function followDeliveries(
  config: FleetConfig,
  { internalUrl, fleet, delivery, usage }: FollowDeliveriesParts,
): Promise<DeliveryNodes | undefined> {
  const { role, redisUrl, deliveryUrl, deliveryOrigin } = config;
  delivery?.knowSchedules(await fleet.directory.watch('schedule'));
  const joins = role === 'delivery' && redisUrl !== null && (deliveryOrigin === '' || deliveryOrigin === BY_REDIS);
  const configured = role === 'all' ? internalUrl : deliveryUrl;
  if (role === 'all' || (role === 'sfu' && configured !== '')) return DeliveryNodes.fixed(configured);
  if (redisUrl === null || (role !== 'sfu' && !joins)) return undefined;
  const nodes = await DeliveryNodes.announced(fleet.directory);
  if (joins) delivery?.join(await PlaybackPlaces.create(fleet.directory, fleet.url), () => nodes.urls);
  // A delivery node tells the others: what it has counted is known, too, when it is gone for good.
  usage?.follow(nodes, role === 'sfu');
  return nodes;
}
