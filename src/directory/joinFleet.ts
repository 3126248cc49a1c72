import type { AddressInfo } from 'node:net';
import type { Logger } from '../common/logger.ts';
import type { Config } from '../config.ts';
import { PROTOCOL } from '../contracts/ids.ts';
import { advertisedUrl } from './advertisedUrl.ts';
import type { AgentEntry, Directory } from './Directory.ts';
import { MemoryDirectory } from './MemoryDirectory.ts';
import type { DirectoryMetrics } from './metrics.ts';
import { RedisDirectory } from './redis/RedisDirectory.ts';
import type { SharedDirectory } from './SharedDirectory.ts';

interface OwnAgent {
  readonly capacity: number;
  readonly load: number;
  readonly slots: number;
  readonly used: number;
  readonly draining: boolean;
}

export interface JoinFleetOptions {
  config: Config;
  /** Base URL of our internal port, as we reach it ourselves. */
  internalUrl: string;
  /** What that port listens on. */
  address: AddressInfo;
  /** What a compositor agent offers. */
  agent: OwnAgent | undefined;
  /** What a delivery node has. */
  delivery?: { readonly load: number; readonly draining: boolean } | undefined;
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
  const pod = config.podName ? { pod: config.podName } : {};
  if (role === 'delivery' && config.redisUrl && delivery) {
    const loadOf = ({ load, draining }: typeof delivery) => ({ load, draining });
    const announcement = await directory.announce({
      ...{ role, url, capacity: null, version, protocol: PROTOCOL, ...pod },
      ...loadOf(delivery),
    });
    return { directory, url, agentChanged: () => announcement.update(loadOf(delivery)) };
  }
  if (role !== 'compositor' || !config.redisUrl || !agent)
    return { directory, url, agentChanged: () => directory.agentsChanged() };
  const loadOf = ({ load, used, draining }: typeof agent) => ({ load, used, draining });
  const announcement = await directory.announce({
    ...{ role, url, capacity: agent.capacity, slots: agent.slots, version, protocol: PROTOCOL, ...pod },
    ...loadOf(agent),
  });
  return { directory, url, agentChanged: () => announcement.update(loadOf(agent)) };
}

/** The parts of role all are on this machine. */
function ownUrl({ config, internalUrl, address }: JoinFleetOptions): string {
  const { role, mediaHost, internalUrl: configured } = config;
  return role === 'all' ? internalUrl : advertisedUrl(address, { configured, mediaHost });
}

function openDirectory(options: JoinFleetOptions, node: string): SharedDirectory {
  const { config, internalUrl, logger, metrics } = options;
  const { role, redisUrl, redisPrefix, compositorUrls, deliveryUrl } = config;
  const delivery = () => (role === 'all' ? internalUrl : deliveryUrl);
  if (redisUrl === null) {
    const agents = () => (role === 'all' ? [ownAgent(options)] : compositorUrls);
    return new MemoryDirectory({ agents, delivery, node, logger, metrics });
  }
  const agents = compositorUrls.length > 0 ? () => compositorUrls : undefined;
  return new RedisDirectory({ url: redisUrl, prefix: redisPrefix, node, agents, delivery, logger, metrics });
}

/** Of role all: what it offers is known in the same process. */
function ownAgent({ internalUrl: url, agent, version }: JoinFleetOptions): AgentEntry {
  const { capacity = 0, load = 0, slots = 0, used = 0, draining = true } = agent ?? {};
  return { url, capacity, load, slots, used, draining, version, protocol: PROTOCOL };
}
