import type { Logger } from '../common/logger.ts';
import type { Config } from '../config.ts';
import { CHAT_NAMESPACE } from '../contracts/chat.ts';
import { clientAddress } from '../http/clientAddress.ts';
import type { SignalingServer } from '../signaling/SignalingServer.ts';
import type { Tokens } from '../tokens/Tokens.ts';
import { ChatGate } from './ChatGate.ts';
import { ChatRedis } from './ChatRedis.ts';
import { ChatServer } from './ChatServer.ts';
import { MemoryChatStore } from './MemoryChatStore.ts';
import type { ChatMetrics } from './metrics.ts';
import { RedisChatStore } from './RedisChatStore.ts';

export type { ChatServer };

export interface ChatOptions {
  config: Config;
  signaling: SignalingServer;
  tokens: () => Tokens;
  /** This node's name in the fleet. */
  node: string;
  logger: Logger;
  metrics: ChatMetrics;
}

/** Joined with the other nodes where there is a Redis. */
export function startChat({ config, signaling, tokens, node, logger, metrics }: ChatOptions): ChatServer {
  const { redisUrl, redisPrefix: prefix, chatGuests: guests, trustedProxies } = config;
  const redis = redisUrl === null ? undefined : new ChatRedis(redisUrl);
  const namespace = signaling.namespace(CHAT_NAMESPACE, redis?.adapterOf(prefix));
  const store = redis ? new RedisChatStore({ redis, prefix, node, logger, metrics }) : new MemoryChatStore();
  const gate = new ChatGate({ tokens, guests });
  return new ChatServer({ namespace, store, gate, addressOf: clientAddress(trustedProxies), logger, metrics });
}
