/** An agent in a process of its own, for tests that kill it. Says its URL over IPC; `FAKE_ENTRY` is its child program, the real one when absent. */
import { pino } from 'pino';
import { Agent } from '../../../compositor/agent/Agent.ts';
import { InternalServer } from './InternalServer.ts';
import { agentMetrics } from './metrics.ts';

const agent = await Agent.create({
  mediaIp: '127.0.0.1',
  mediaPorts: [42_000, 42_999],
  maxChildren: 2,
  verifyService: async () => true,
  logger: pino({ level: 'silent' }),
  metrics: agentMetrics(),
  ...(process.env.FAKE_ENTRY ? { entry: process.env.FAKE_ENTRY } : {}),
});
const server = await InternalServer.listen({ '/control': agent });
process.send?.({ url: server.url });
