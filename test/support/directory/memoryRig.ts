import { pino } from 'pino';
import { MemoryStore } from '../../../src/directory/MemoryStore.ts';
import { SharedDirectory } from '../../../src/directory/SharedDirectory.ts';
import { CutStore, type FleetRig } from './FleetRig.ts';

const TTL_MS = 300;
const logger = pino({ level: 'silent' });

/** Nodes that share a store in memory. */
export async function memoryRig(): Promise<FleetRig> {
  const store = new MemoryStore({ ttlMs: TTL_MS });
  const directories: SharedDirectory[] = [];
  return {
    ttlMs: TTL_MS,
    node: async (node) => {
      const line = new CutStore(store);
      const directory = new SharedDirectory({ store: line, node, logger });
      directories.push(directory);
      return { directory, cut: () => line.cut(), mend: () => line.mend() };
    },
    close: async () => {
      await Promise.all(directories.map((directory) => directory.close()));
    },
  };
}
