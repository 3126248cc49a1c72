import type { AddressInfo } from 'node:net';
import type { Logger } from '../common/logger.ts';
import type { Config } from '../config.ts';
import { PROTOCOL } from '../contracts/ids.ts';
import { advertisedUrl } from './advertisedUrl.ts';
import type { Directory } from './Directory.ts';
import { MemoryDirectory } from './MemoryDirectory.ts';
import type { DirectoryMetrics } from './metrics.ts';
import { RedisDirectory } from './redis/RedisDirectory.ts';

export interface JoinFleetOptions {
  config: Config;
  /** Base URL of our internal port, as we reach it ourselves. */
  internalUrl: string;
  /** What that port listens on. */
  address: AddressInfo;
  /** What a compositor agent offers. */
  agent: { readonly capacity: number; readonly load: number; readonly draining: boolean } | undefined;
  /** What a delivery node has. */
  delivery: { readonly load: number; readonly draining: boolean } | undefined;
  version: string;
  logger: Logger;
  metrics: DirectoryMetrics;
}

export interface Fleet {
  directory: Directory;
  /** Our name: base URL of the internal port as the other nodes reach it. */
  url: string;
  /** Tells the others what the compositor agent, or the delivery node, has now. */
  agentChanged: () => void;
}

/**
 * In Redis where there is one; what is configured wins over what is announced there. Compositor agents and delivery nodes announce themselves.
 * Redis may be away: that is made up for when it is there.
 */
export async function joinFleet(options: JoinFleetOptions): Promise<Fleet> {
  const { config, agent, delivery, version } = options;
  const url = ownUrl(options);
  const directory = openDirectory(options, url);
  const { role } = config;
  const member = role === 'compositor' ? agent : delivery;
  if (role === 'all' || role === 'sfu' || !config.redisUrl || !member)
    return { directory, url, agentChanged: () => {} };
  const loadOf = ({ load, draining }: typeof member) => ({ load, draining });
  const announcement = await directory.announce({
    ...{ role, url, capacity: agent?.capacity ?? null, version, protocol: PROTOCOL },
    ...loadOf(member),
  });
  return { directory, url, agentChanged: () => announcement.update(loadOf(member)) };
}

/** The parts of role all are on this machine. */
function ownUrl({ config, internalUrl, address }: JoinFleetOptions): string {
  const { role, mediaHost, internalUrl: configured } = config;
  return role === 'all' ? internalUrl : advertisedUrl(address, { configured, mediaHost });
}

function openDirectory({ config, internalUrl, logger, metrics }: JoinFleetOptions, node: string): Directory {
  const { role, redisUrl, redisPrefix, compositorUrls, deliveryUrl } = config;
  const delivery = () => (role === 'all' ? internalUrl : deliveryUrl);
  if (redisUrl === null) {
    const agents = () => (role === 'all' ? [internalUrl] : compositorUrls);
    return new MemoryDirectory({ agents, delivery, node, logger, metrics });
  }
  const agents = compositorUrls.length > 0 ? () => compositorUrls : undefined;
  return new RedisDirectory({ url: redisUrl, prefix: redisPrefix, node, agents, delivery, logger, metrics });
}
