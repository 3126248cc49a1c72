import { monotonicClock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { type Config, ConfigError } from '../config.ts';
import type { Directory } from '../directory/Directory.ts';
import type { PodCostMetrics } from './metrics.ts';
import { hasCluster, openPodApi } from './PodApi.ts';
import { PodCosts } from './PodCosts.ts';

/** undefined: it is not wanted (LIANMAI_POD_DELETION_COST). Throws ConfigError where it cannot be done. */
export async function startPodCosts(
  { podDeletionCost, role, redisUrl }: Pick<Config, 'podDeletionCost' | 'role' | 'redisUrl'>,
  directory: Directory,
  logger: Logger,
  metrics: PodCostMetrics,
): Promise<PodCosts | undefined> {
  if (!podDeletionCost) return undefined;
  if (role !== 'sfu' || redisUrl === null)
    throw new ConfigError(
      'LIANMAI_POD_DELETION_COST is for role sfu, and needs LIANMAI_REDIS_URL to know the compositors',
    );
  const { env } = process;
  if (!hasCluster(env))
    throw new ConfigError(
      'LIANMAI_POD_DELETION_COST: this process is told of no Kubernetes API (KUBERNETES_SERVICE_HOST)',
    );
  const openApi = () => openPodApi({ env });
  return PodCosts.create({ directory, openApi, clock: monotonicClock, logger, metrics });
}
