import { type Logger, pino } from 'pino';
import type { DirectoryMetrics } from '../../../src/directory/metrics.ts';
import { RedisDirectory } from '../../../src/directory/redis/RedisDirectory.ts';
import { CutProxy } from '../CutProxy.ts';
import type { FleetRig, RigNode } from './FleetRig.ts';
import type { RedisServer } from './RedisServer.ts';

/** Short, so that tests are; long enough for a busy machine to renew in time, ms. */
export const TTL_MS = 1_000;
const COMMAND_LIMIT_MS = 400;

export interface RedisNode extends RigNode {
  directory: RedisDirectory;
}

export interface RedisRig extends FleetRig {
  node(name: string): Promise<RedisNode>;
}

export interface RedisRigOptions {
  redis: RedisServer;
  prefix?: string;
  logger?: Logger;
  metrics?: DirectoryMetrics;
}

/** Nodes in one Redis, each with a line of its own to it. */
export function redisRig({
  redis,
  prefix = 'test:',
  logger = pino({ level: 'silent' }),
  metrics,
}: RedisRigOptions): RedisRig {
  const open: { directory: RedisDirectory; line: CutProxy }[] = [];
  return {
    ttlMs: TTL_MS,
    node: async (node) => {
      const line = await CutProxy.start(redis.port);
      const url = redis.urlAt(Number(new URL(line.url).port));
      const times = { ttlMs: TTL_MS, commandLimitMs: COMMAND_LIMIT_MS };
      const directory = new RedisDirectory({ url, prefix, node, ...times, logger, metrics });
      open.push({ directory, line });
      await untilUp(directory);
      return { directory, cut: () => line.cut(), mend: () => line.mend() };
    },
    close: async () => {
      await Promise.all(open.map(({ directory }) => directory.close()));
      await Promise.all(open.map(({ line }) => line.close()));
    },
  };
}

export async function untilUp(directory: RedisDirectory): Promise<void> {
  if (!directory.readiness().ready) await new Promise<void>((resolve) => directory.once('up', resolve));
}

export async function untilDown(directory: RedisDirectory): Promise<void> {
  if (directory.readiness().ready) await new Promise<void>((resolve) => directory.once('down', resolve));
}
