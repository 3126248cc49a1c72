import { monotonicClock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { type Config, ConfigError } from '../config.ts';
import type { Directory } from '../directory/Directory.ts';
import type { PodCostMetrics } from './metrics.ts';
import { hasCluster, openPodApi } from './PodApi.ts';
import { PodCosts } from './PodCosts.ts';

/** undefined: it is not wanted (LIANMAI_POD_DELETION_COST). Throws ConfigError where there is no Kubernetes API. */
export async function startPodCosts(
  { podDeletionCost }: Pick<Config, 'podDeletionCost'>,
  directory: Directory,
  logger: Logger,
  metrics: PodCostMetrics,
): Promise<PodCosts | undefined> {
  if (!podDeletionCost) return undefined;
  const { env } = process;
  if (!hasCluster(env))
    throw new ConfigError(
      'LIANMAI_POD_DELETION_COST: this process is told of no Kubernetes API (KUBERNETES_SERVICE_HOST)',
    );
  const openApi = () => openPodApi({ env });
  return PodCosts.create({ directory, openApi, clock: monotonicClock, logger, metrics });
}
