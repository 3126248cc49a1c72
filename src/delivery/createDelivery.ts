import { monotonicClock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { Config } from '../config.ts';
import type { Database } from '../durable/Database.ts';
import type { Metrics } from '../metrics.ts';
import type { Tokens } from '../tokens/Tokens.ts';
import { Delivery } from './Delivery.ts';
import type { DeliveryOptions } from './DeliveryOptions.ts';
import { destinationPolicy } from './destinationPolicy.ts';
import { edgeSettings } from './edge/edgeSettings.ts';
import { openRecordings } from './recording/openRecordings.ts';

export interface CreateDeliveryOptions extends Pick<DeliveryOptions, 'usage' | 'onLoad'> {
  config: Config;
  tokens: Tokens;
  /** Opened before. */
  database: Database | undefined;
  logger: Logger;
  metrics: Pick<Metrics, 'delivery' | 'recording'>;
}

/** A delivery node, or that part of role all, by its settings. */
export async function createDelivery(options: CreateDeliveryOptions): Promise<Delivery> {
  const { config, tokens, database, logger, metrics, ...rest } = options;
  return Delivery.create({
    ...rest,
    verifyService: async (token) => {
      await tokens.verify(token, 'service');
    },
    verifyPlay: async (token) => {
      const { claims, expiresAt } = await tokens.verifyPlay(token);
      return { room: claims.room, expiresAt };
    },
    edge: edgeSettings(config, tokens),
    ffmpegPath: config.ffmpeg,
    dataDir: config.dataDir,
    recordings: await openRecordings({ config, database, logger, metrics: metrics.recording }),
    secrets: config.secrets,
    resumeLimitMs: config.resumeSeconds * 1000,
    destinationPolicy: destinationPolicy({ allowPrivate: config.allowPrivateDestinations }),
    clock: monotonicClock,
    logger,
    metrics: metrics.delivery,
  });
}
