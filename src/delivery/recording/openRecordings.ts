import type { Logger } from '../../common/logger.ts';
import type { Config } from '../../config.ts';
import type { Database } from '../../durable/Database.ts';
import { openStorage } from '../../storage/openStorage.ts';
import type { RecordingMetrics } from './metrics.ts';
import { Recordings } from './Recordings.ts';

export interface OpenRecordingsOptions {
  config: Config;
  /** Opened before. */
  database: Database | undefined;
  logger: Logger;
  metrics: RecordingMetrics;
}

/** The recordings of a delivery node, in the storage of its settings. */
export async function openRecordings({
  config,
  database,
  logger,
  metrics,
}: OpenRecordingsOptions): Promise<Recordings> {
  if (!database) throw new Error('the database is opened before the recordings are');
  const { dataDir, ffmpeg: ffmpegPath } = config;
  return Recordings.create({ dataDir, database, storage: await openStorage(config), ffmpegPath, logger, metrics });
}
