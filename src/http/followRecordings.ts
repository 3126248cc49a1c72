import type { Logger } from '../common/logger.ts';
import type { Recording, RecordingEvent } from '../contracts/recording.ts';
import type { DeliveryNodes } from '../directory/DeliveryNodes.ts';
import type { Database } from '../durable/Database.ts';
import { RecordingFeeds } from './RecordingFeeds.ts';
import { RecordingsClient } from './RecordingsClient.ts';

export interface FollowOptions {
  /** Known before. */
  nodes: DeliveryNodes | undefined;
  newServiceToken: () => Promise<string>;
  /** Opened before. */
  database: Database | undefined;
  logger: Logger;
  /** These two are told. */
  broadcasts: { recording(recording: Recording): void };
  /** Of several nodes that hear of a recording one tells the world: the home of its room. */
  speaksFor: (room: string) => boolean;
  webhooks: {
    broadcasts: { recording(event: RecordingEvent): void };
    /** Resolves when what they were told is not forgotten any more. */
    written(): Promise<void>;
  };
}

/** The delivery nodes' recordings, seen from an SFU node: a client for the API, and a feed of what happens to them. */
export function followRecordings(options: FollowOptions): { client: RecordingsClient; feed: RecordingFeeds } {
  const { nodes, newServiceToken, database, logger, broadcasts, webhooks, speaksFor } = options;
  if (!database || !nodes) throw new Error('the database is opened, and the fleet joined, before the recordings are');
  const client = new RecordingsClient({ deliveryUrls: () => nodes.urls, newServiceToken });
  const feed = new RecordingFeeds({ client, nodes, database, logger, written: () => webhooks.written() });
  feed.on('event', (event) => {
    broadcasts.recording(event.recording);
    if (speaksFor(event.recording.room)) webhooks.broadcasts.recording(event);
  });
  feed.start();
  return { client, feed };
}
