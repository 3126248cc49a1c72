/**
 * A crowd in a chat, a process of its own: raw WebSockets that speak as much of engine.io 4 and socket.io 5 as a chat needs, so that it
 * takes little CPU beside the server. In: a CrowdOrder, then `go`. Out: how many came in, then a CrowdReport.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

export interface CrowdOrder {
  url: string;
  room: string;
  watchers: number;
  /** Tokens of those who write. */
  writers: string[];
  /** Messages a second, of all together. */
  rate: number;
  seconds: number;
}

export interface CrowdReport {
  messages: number;
  deliveries: number;
  missed: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** Come in at the same time. */
const DOORS = 50;
/** What is on its way when the last message was sent arrives within this, ms. */
const LAST_MS = 3_000;

const nowMs = (): number => performance.timeOrigin + performance.now();

/** One socket: engine.io's packets are 0 open, 2 ping, 3 pong, 4 message; socket.io's 0 connect, 2 event. */
class Member {
  readonly #socket: WebSocket;
  readonly entered: Promise<void>;
  onEvent: (event: string, payload: unknown) => void = () => {};

  constructor(url: string, address: string, auth: object) {
    this.#socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`, {
      headers: { 'x-forwarded-for': address },
      perMessageDeflate: false,
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.entered = promise;
    this.#socket.on('error', reject);
    this.#socket.on('close', () => reject(new Error('a socket was closed')));
    this.#socket.on('message', (data) => {
      const packet = String(data);
      if (packet[0] === '0') this.#socket.send(`40/chat,${JSON.stringify(auth)}`);
      else if (packet === '2') this.#socket.send('3');
      else if (packet.startsWith('44/chat,')) reject(new Error(packet));
      else if (packet.startsWith('42/chat,')) {
        const [event, payload] = JSON.parse(packet.slice(8)) as [string, unknown];
        if (event === 'hello') resolve();
        this.onEvent(event, payload);
      }
    });
  }

  say(id: number, text: string): void {
    this.#socket.send(`42/chat,${id}${JSON.stringify(['message:send', { text }])}`);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.terminate();
  }
}

const [order] = (await once(process, 'message')) as [CrowdOrder];
const { url, room, rate, seconds } = order;
const sentAt: number[] = [];
const ages: number[] = [];
const hear = (event: string, payload: unknown): void => {
  if (event !== 'messages') return;
  const now = nowMs();
  for (const { text } of (payload as { messages: { text: string }[] }).messages)
    ages.push(now - (sentAt[Number(text.split(' ')[1])] ?? now));
};
const members: Member[] = [];
const addressOf = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
for (let n = 0; n < order.watchers; n += DOORS) {
  const next = Array.from(
    { length: Math.min(DOORS, order.watchers - n) },
    (_, m) => new Member(url, addressOf(n + m), { room }),
  );
  for (const member of next) member.onEvent = hear;
  members.push(...next);
  await Promise.all(next.map((member) => member.entered));
}
const writers = order.writers.map((token, n) => new Member(url, addressOf(1e6 + n), { room, token }));
await Promise.all(writers.map((writer) => writer.entered));
process.send?.({ here: members.length });
await once(process, 'message');

const count = Math.round(rate * seconds);
const start = performance.now();
for (let n = 0; n < count; n++) {
  await delay(Math.max(0, start + (n / rate) * 1000 - performance.now()));
  sentAt[n] = nowMs();
  writers[n % writers.length]?.say(n, `message ${n} of somebody who has something to say`);
}
for (const until = performance.now() + LAST_MS; ages.length < count * members.length && performance.now() < until; )
  await delay(50);
ages.sort((a, b) => a - b);
const at = (share: number): number =>
  Number((ages[Math.min(ages.length - 1, Math.floor(share * ages.length))] ?? 0).toFixed(1));
process.send?.({
  ...{ messages: count, deliveries: ages.length, missed: count * members.length - ages.length },
  ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) },
} satisfies CrowdReport);
for (const member of [...members, ...writers]) member.close();
