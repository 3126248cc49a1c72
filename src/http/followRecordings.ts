import type { Logger } from '../common/logger.ts';
import type { RecordingEvent } from '../contracts/recording.ts';
import type { Database } from '../durable/Database.ts';
import { RecordingFeed } from './RecordingFeed.ts';
import { RecordingsClient } from './RecordingsClient.ts';

export interface FollowOptions {
  /** Base URL of the delivery node's internal port; asked at each request. */
  deliveryUrl: () => string;
  newServiceToken: () => Promise<string>;
  /** Opened before. */
  database: Database | undefined;
  logger: Logger;
  onEvent: (event: RecordingEvent) => void;
  /** Resolves when what `onEvent` was told is not forgotten any more. */
  written: () => Promise<void>;
}

/** The delivery node's recordings, seen from an SFU node: a client for the API, and a feed of what happens to them. */
export function followRecordings(options: FollowOptions): { client: RecordingsClient; feed: RecordingFeed } {
  const { database, logger, onEvent, written } = options;
  if (!database) throw new Error('the database is opened before the recordings are');
  const client = new RecordingsClient(options);
  const feed = new RecordingFeed({ client, database, logger, written });
  feed.on('event', onEvent);
  feed.start();
  return { client, feed };
}
