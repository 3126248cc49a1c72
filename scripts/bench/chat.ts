/**
 * The chat of one room with a crowd. A real SFU node with a real Redis, and a process of its own (chat/crowd.ts) that holds its watchers' sockets and its
 * writers; each watcher has every message.
 *
 *   messages_p99_ms   from sending a message to its arrival at a watcher, over all messages and watchers; ≤ 400, of which the batches
 *                     alone may take 200
 *   missed            messages that a watcher did not get; 0
 *   server_percent    of a core, while it goes on
 *
 * --watchers N (2000), --rate MESSAGES (10 a second), --seconds S (30).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Secret } from '../../src/common/Secret.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { RedisServer } from '../../test/support/directory/RedisServer.ts';
import { ServerProcess } from '../../test/support/ServerProcess.ts';
import type { Bench } from '../bench.ts';
import type { CrowdOrder, CrowdReport } from './chat/crowd.ts';
import { CpuMeter } from './support/CpuMeter.ts';
import { residentBytesOf } from './support/residentBytes.ts';

const ROOM = 'bench';
const SECRET = 'a-secret-for-the-bench-of-the-chat';
/** Each of them writes less often than a person may. */
const MESSAGES_PER_WRITER = 0.5;
const GOALS = { p99Ms: 400, missed: 0 };

export const run: Bench = async ({ args, say, signal }) => {
  const { values } = parseArgs({
    args,
    options: {
      watchers: { type: 'string', default: '2000' },
      rate: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '30' },
    },
  });
  const [watchers, rate, seconds] = [values.watchers, values.rate, values.seconds].map(Number) as [
    number,
    number,
    number,
  ];
  if (!(watchers >= 1 && rate > 0 && seconds >= 1)) throw new Error('--watchers, --rate and --seconds are 1 or more');
  await using stack = new AsyncDisposableStack();
  const redis = await RedisServer.start();
  stack.defer(() => redis.close());
  // Everybody comes from an address of their own, as behind a proxy.
  const server = await ServerProcess.start({
    ...{ LIANMAI_ROLE: 'sfu', LIANMAI_SECRET: SECRET, LIANMAI_TRUSTED_PROXIES: '127.0.0.1', LIANMAI_SFU_WORKERS: '1' },
    LIANMAI_REDIS_URL: redis.url.reveal(),
  });
  stack.defer(() => server.stop().then(() => {}));
  const tokens = Tokens.create([new Secret(SECRET)]);
  const writers = await Promise.all(
    Array.from({ length: Math.ceil(rate / MESSAGES_PER_WRITER) }, (_, n) =>
      tokens.sign({ aud: 'join', sub: `writer-${n}`, room: ROOM, role: 'cohost', name: `Writer ${n}` }, 3600),
    ),
  );
  const crowd = fork(join(import.meta.dirname, 'chat/crowd.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  stack.defer(() => void crowd.kill());
  const answer = async <T>(): Promise<T> => (await once(crowd, 'message', { signal }))[0] as T;
  crowd.send({ url: server.url, room: ROOM, watchers, writers, rate, seconds } satisfies CrowdOrder);
  const { here } = await answer<{ here: number }>();
  say(`${here} watchers are in the chat`);
  const cpu = await CpuMeter.start({ server: server.pid, crowd: crowd.pid ?? 0 });
  crowd.send('go');
  const report = await answer<CrowdReport>();
  const percent = await cpu.percent();
  const missed = [
    ...(report.p99Ms > GOALS.p99Ms ? ['messages_p99_ms'] : []),
    ...(report.missed > GOALS.missed ? ['missed'] : []),
  ];
  return {
    ...{ watchers: here, messages: report.messages, deliveries: report.deliveries, missed_messages: report.missed },
    ...{ messages_p50_ms: report.p50Ms, messages_p99_ms: report.p99Ms, messages_max_ms: report.maxMs },
    ...{ server_percent: percent.server, crowd_percent: percent.crowd, others_percent: percent.others },
    rss_mb: Math.round((await residentBytesOf(server.pid)) / 1e6),
    ...{ seconds, missed, pass: missed.length === 0 },
  };
};
