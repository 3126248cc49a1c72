import type { Logger } from '../../common/logger.ts';
import type { Secret } from '../../common/Secret.ts';
import type { DirectoryMetrics } from '../metrics.ts';
import { SharedDirectory, withoutSlash } from '../SharedDirectory.ts';
import { RedisStore } from './RedisStore.ts';

export interface RedisDirectoryOptions {
  url: Secret;
  prefix: string;
  /** This node's name: base URL of its internal port as the others reach it. A process that follows under the same name takes over at once. */
  node: string;
  /** Base URLs of agents that are configured; left out: those that are announced. */
  agents?: (() => readonly string[]) | undefined;
  delivery?: (() => string) | undefined;
  ttlMs?: number;
  commandLimitMs?: number;
  logger: Logger;
  metrics?: DirectoryMetrics | undefined;
}

/** A fleet's. Made without Redis, too: it is ready as soon as Redis is there. */
export class RedisDirectory extends SharedDirectory {
  constructor({ url, prefix, node, agents, delivery, ttlMs, commandLimitMs, logger, metrics }: RedisDirectoryOptions) {
    const store = new RedisStore({
      ...{ url, prefix, logger: logger.child({ part: 'redis' }) },
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(commandLimitMs === undefined ? {} : { commandLimitMs }),
    });
    super({ store, node: withoutSlash(node), agents, delivery, logger, metrics });
    // Known before they are asked for: Redis may be away then. It never rejects.
    void this.watch('node');
  }
}
