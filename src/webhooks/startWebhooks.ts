/** Puts the webhooks together for a server, and joins them to the rooms. */
import type { Logger } from '../common/logger.ts';
import { SecretBox } from '../common/SecretBox.ts';
import type { Config } from '../config.ts';
import type { Database } from '../durable/Database.ts';
import type { RoomRegistry } from '../rooms/RoomRegistry.ts';
import { BroadcastEvents } from './BroadcastEvents.ts';
import { RETRY_LIMITS } from './backoff.ts';
import { EndpointSecrets } from './EndpointSecrets.ts';
import { Endpoints } from './Endpoints.ts';
import type { WebhookMetrics } from './metrics.ts';
import { SqliteWebhookStore } from './SqliteWebhookStore.ts';
import { signingSecretsOf } from './signature.ts';
import { Webhooks } from './Webhooks.ts';
import { webhookAddresses } from './webhookPolicy.ts';

export interface StartOptions {
  config: Pick<Config, 'dataDir' | 'secrets' | 'webhookUrls' | 'webhookSecrets' | 'allowPrivateWebhooks'>;
  /** Opened before. */
  database: Database | undefined;
  rooms: RoomRegistry;
  version: string;
  logger: Logger;
  metrics: WebhookMetrics;
}

export interface ServerWebhooks {
  /** For the API. */
  endpoints: Endpoints;
  /** Tell it what broadcasts, destinations and recordings tell. */
  broadcasts: BroadcastEvents;
  /** Something else happened in a room. Never throws. */
  tell: Webhooks['emit'];
  /** Resolves when what was told before is on the disk. */
  written(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

export async function startWebhooks(options: StartOptions): Promise<ServerWebhooks> {
  const { config, database, rooms, version, logger, metrics } = options;
  const { dataDir, secrets, webhookUrls, allowPrivateWebhooks } = config;
  if (!database) throw new Error('the database is opened before the webhooks are');
  const store = new SqliteWebhookStore(database);
  const box = await SecretBox.create({ secrets, dataDir, purpose: 'webhooks' });
  const endpoints = await Endpoints.create({
    store,
    secrets: new EndpointSecrets(box, signingSecretsOf(config)),
    settingsUrls: webhookUrls,
    addresses: (url, source) => webhookAddresses(url, allowPrivateWebhooks || source === 'settings'),
    retry: RETRY_LIMITS,
    version,
    logger,
    metrics,
  });
  const webhooks = await Webhooks.create({ store, endpoints, logger, metrics });
  tellOfRooms(rooms, webhooks);
  return {
    endpoints,
    broadcasts: new BroadcastEvents(webhooks),
    tell: (...event) => webhooks.emit(...event),
    written: () => webhooks.written(),
    close: () => webhooks.close(),
  };
}

function tellOfRooms(rooms: RoomRegistry, webhooks: Webhooks): void {
  rooms.on('opened', (room) => {
    webhooks.emit('room.opened', room.id, { openedAt: room.createdAt });
    room.on('happened', (type, data) => webhooks.emit(type, room.id, data));
  });
}
