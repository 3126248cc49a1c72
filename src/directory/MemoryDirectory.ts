import { pino } from 'pino';
import type { Logger } from '../common/logger.ts';
import type { AgentEntry } from './Directory.ts';
import { MemoryStore } from './MemoryStore.ts';
import type { DirectoryMetrics } from './metrics.ts';
import { SharedDirectory } from './SharedDirectory.ts';

export interface MemoryDirectoryOptions {
  /** Base URLs of the agents' internal ports, or all that is known of them; left out: those that are announced. */
  agents?: () => readonly (string | AgentEntry)[];
  /** Base URL of the delivery node's internal port; left out: the emptiest that is announced. */
  delivery?: () => string;
  /** For a test with several nodes in one process. */
  store?: MemoryStore;
  node?: string;
  logger?: Logger;
  metrics?: DirectoryMetrics;
}

/**
 * One SFU node, with agents and a delivery node that are configured: loads are what this node itself has placed. Nothing is asked of
 * anybody else, so it is always ready.
 */
export class MemoryDirectory extends SharedDirectory {
  constructor(options: MemoryDirectoryOptions) {
    super({
      ...options,
      store: options.store ?? new MemoryStore(),
      node: options.node ?? 'local',
      logger: options.logger ?? pino({ level: 'silent' }),
    });
    options.metrics?.up.set(1);
  }

  override readiness(): { ready: boolean; reason: string } {
    return { ready: true, reason: '' };
  }
}
