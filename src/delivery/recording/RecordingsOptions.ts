import type { Logger } from '../../common/logger.ts';
import type { BroadcastId } from '../../contracts/ids.ts';
import type { Recording, RecordingEvent, RecordingStatus } from '../../contracts/recording.ts';
import type { Database } from '../../durable/Database.ts';
import type { Storage } from '../../storage/Storage.ts';
import type { RecordingMetrics } from './metrics.ts';

export interface RecordingsOptions {
  dataDir: string;
  database: Database;
  /** Where new recordings go. */
  storage: Storage;
  ffmpegPath: string;
  logger: Logger;
  metrics: RecordingMetrics;
}

export interface RecordingsEvents {
  /** Something about a recording has changed that users wait for. */
  event: [type: RecordingEvent['type'], recording: Recording];
  /** For the status of its broadcast. */
  status: [broadcast: BroadcastId, status: RecordingStatus];
}
