import type { Config } from '../config.ts';
import type { BroadcastsOptions } from './Broadcasts.ts';

/** Pure: what broadcasts take from the settings as it is. */
export const broadcastSettings = (config: Config) =>
  ({
    mediaIp: config.mediaHost,
    encoderThreads: config.encoderThreads,
    videoEncoder: config.videoEncoder,
    maxHandoffs: config.maxHandoffs,
    placement: config.placement,
    tenants: config.tenantLimits,
    // In one process there is nothing to balance.
    rebalanceMs: config.role === 'sfu' ? config.rebalanceSeconds * 1000 : undefined,
    recoveryMs: config.recoverySeconds * 1000,
    resumeLimitMs: config.resumeSeconds * 1000,
  }) satisfies Partial<BroadcastsOptions>;
