import type { Logger } from '../common/logger.ts';
import type { RecordingEvent } from '../contracts/recording.ts';
import type { DeliveryNodes } from '../directory/DeliveryNodes.ts';
import type { Database } from '../durable/Database.ts';
import { RecordingFeeds } from './RecordingFeeds.ts';
import { RecordingsClient } from './RecordingsClient.ts';

export interface FollowOptions {
  nodes: DeliveryNodes;
  /** The nodes are what is configured, and not what announces itself. */
  configured: boolean;
  newServiceToken: () => Promise<string>;
  /** Opened before. */
  database: Database | undefined;
  logger: Logger;
  onEvent: (event: RecordingEvent) => void;
  /** Resolves when what `onEvent` was told is not forgotten any more. */
  written: () => Promise<void>;
}

/** The delivery nodes' recordings, seen from an SFU node: a client for the API, and a feed of what happens to them. */
export function followRecordings(options: FollowOptions): { client: RecordingsClient; feed: RecordingFeeds } {
  const { nodes, configured, newServiceToken, database, logger, onEvent, written } = options;
  if (!database) throw new Error('the database is opened before the recordings are');
  const client = new RecordingsClient({ deliveryUrls: () => nodes.urls, newServiceToken });
  const feed = new RecordingFeeds({ client, nodes, configured, database, logger, written });
  feed.on('event', onEvent);
  feed.start();
  return { client, feed };
}
