/**
 * A room's chat as a page has it: the socket of contracts/chat.ts, and what it says as signals. It reconnects by itself; who has a name
 * as a guest keeps it in this browser.
 */
import { signal } from '@preact/signals';
import { io, type Socket } from 'socket.io-client';
import type {
  ChatAnswers,
  ChatEvent,
  ChatHello,
  ChatMessage,
  ChatSelf,
  ChatToClient,
  ChatToServer,
  Reaction,
} from '../../../src/contracts/chat.ts';
import type { Ack } from '../../../src/contracts/signaling.ts';
import { Backoff } from '../backoff.ts';
import { CHAT_NAMESPACE } from '../contract.ts';
import { remembered } from '../storage.ts';

/** The server answers within milliseconds; this long means that the connection is dead, ms. */
const ANSWER_TIMEOUT_MS = 10_000;
const RECONNECT_FIRST_MS = 500;
const RECONNECT_MOST_MS = 15_000;
/** Lines that a page keeps. */
const MAX_LINES = 300;

export interface ChatWish {
  room: string;
  /** Of audience `join`: who has one writes with it. */
  token?: string | undefined;
  /** Of audience `play`, where watching wants one. */
  play?: string | undefined;
  /** For a token that has no name. */
  name?: string | undefined;
}

/** What stands in the list: what somebody wrote, or what a host did. */
export type ChatLine =
  | { kind: 'message'; key: string; message: ChatMessage; deleted: boolean }
  | { kind: 'timeout'; key: string; person: string; name: string; seconds: number }
  | { kind: 'slow'; key: string; seconds: number };

type Payload<E extends ChatEvent> = Parameters<ChatToServer[E]>[0];

export class ChatClient {
  readonly room: string;
  /** `refused`: nothing will change that but another link. */
  readonly phase = signal<'connecting' | 'open' | 'away' | 'refused'>('connecting');
  readonly self = signal<ChatSelf | null>(null);
  readonly guests = signal(false);
  readonly lines = signal<readonly ChatLine[]>([]);
  readonly people = signal(0);
  readonly slowSeconds = signal(0);
  /** Until when oneself may not write, ms of this machine's clock; 0: one may. */
  readonly outUntil = signal(0);
  /** Messages of others since `seen` was called last. */
  readonly unread = signal(0);
  readonly #socket: Socket<ChatToClient, ChatToServer>;
  readonly #wish: ChatWish;
  readonly #backoff = new Backoff(RECONNECT_FIRST_MS, RECONNECT_MOST_MS);
  readonly #reactionListeners = new Set<(counts: Partial<Record<Reaction, number>>) => void>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #withToken = true;
  #notices = 0;
  #clockOffset = 0;

  constructor(wish: ChatWish) {
    this.room = wish.room;
    this.#wish = wish;
    this.#socket = io(CHAT_NAMESPACE, {
      path: '/socket.io',
      transports: ['websocket'],
      auth: (give) => give(this.#auth()),
      reconnectionDelay: RECONNECT_FIRST_MS,
      reconnectionDelayMax: RECONNECT_MOST_MS,
      forceNew: true,
    });
    const socket = this.#socket;
    socket.on('hello', (hello) => this.#onHello(hello));
    socket.on('messages', ({ messages }) => this.#add(messages));
    socket.on('deleted', ({ ids }) => this.#strike(ids));
    socket.on('timeout', (event) => this.#onTimeout(event));
    socket.on('slow', ({ seconds }) => {
      this.slowSeconds.value = seconds;
      this.#push({ kind: 'slow', key: this.#noticeKey(), seconds });
    });
    socket.on('people', ({ count }) => {
      this.people.value = count;
    });
    socket.on('reactions', ({ counts }) => {
      for (const listener of this.#reactionListeners) listener(counts);
    });
    socket.on('disconnect', () => this.#onGone());
    socket.on('connect_error', (error) => this.#onRefused(error));
  }

  get host(): boolean {
    return this.self.value?.role === 'host';
  }

  /** True: it was said. Else the code of why not. */
  async send(text: string): Promise<true | string> {
    return codeOf(await this.#ask('message:send', { text }));
  }

  async delete(id: string): Promise<void> {
    await this.#ask('message:delete', { id });
  }

  async timeOut(person: string, seconds: number): Promise<void> {
    await this.#ask('person:timeout', { person, seconds });
  }

  async setSlow(seconds: number): Promise<void> {
    await this.#ask('slow:set', { seconds });
  }

  async react(reaction: Reaction): Promise<void> {
    await this.#ask('reaction:send', { reaction });
  }

  /** A guest takes a name. True, or the code of why not. */
  async takeName(name: string): Promise<true | string> {
    const answer = await this.#ask('guest:name', { name });
    if (answer.ok) {
      remembered.set(`guest.${this.room}`, answer.data.guest);
      remembered.set('name', name);
      this.self.value = answer.data.self;
    }
    return codeOf(answer);
  }

  seen(): void {
    this.unread.value = 0;
  }

  /** Answers how to stop. */
  onReactions(listener: (counts: Partial<Record<Reaction, number>>) => void): () => void {
    this.#reactionListeners.add(listener);
    return () => this.#reactionListeners.delete(listener);
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#socket.removeAllListeners();
    this.#socket.disconnect();
  }

  #auth(): Record<string, unknown> {
    const { room, token, play, name } = this.#wish;
    const guest = remembered.get(`guest.${room}`);
    return {
      room,
      ...(token !== undefined && this.#withToken ? { token, ...(name ? { name } : {}) } : {}),
      ...(guest === undefined ? {} : { guest }),
      ...(play === undefined ? {} : { play }),
    };
  }

  async #ask<E extends ChatEvent>(event: E, payload: Payload<E>): Promise<Ack<ChatAnswers[E]>> {
    const lost = { ok: false, error: { code: 'internal', message: '' } } as const;
    if (!this.#socket.connected) return lost;
    const asker = this.#socket.timeout(ANSWER_TIMEOUT_MS) as unknown as {
      emitWithAck(event: string, payload: unknown): Promise<Ack<ChatAnswers[E]>>;
    };
    return asker.emitWithAck(event, payload).catch(() => lost);
  }

  #onHello(hello: ChatHello): void {
    this.#backoff.success();
    this.#clockOffset = hello.serverTime - Date.now();
    this.self.value = hello.self;
    this.guests.value = hello.guests;
    this.slowSeconds.value = hello.slowSeconds;
    this.outUntil.value = this.#here(hello.outUntil);
    this.people.value = hello.people;
    this.phase.value = 'open';
    // What was deleted while we were away is not in it any more.
    const there = new Set(hello.messages.map(({ id }) => id));
    const oldest = hello.messages[0]?.at ?? Number.POSITIVE_INFINITY;
    this.#strike(
      this.lines.value.flatMap((line) =>
        line.kind === 'message' && line.message.at > oldest && !there.has(line.message.id) ? line.message.id : [],
      ),
    );
    const first = this.lines.value.length === 0;
    this.#add(hello.messages);
    if (first) this.seen();
  }

  #add(messages: readonly ChatMessage[]): void {
    const known = new Set(this.lines.value.map(({ key }) => key));
    const fresh = messages.filter(({ id }) => !known.has(id));
    this.unread.value += fresh.filter(({ person }) => person !== this.self.value?.person).length;
    this.#push(...fresh.map((message) => ({ kind: 'message', key: message.id, message, deleted: false }) as const));
  }

  #push(...lines: ChatLine[]): void {
    this.lines.value = [...this.lines.value, ...lines].slice(-MAX_LINES);
  }

  #strike(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.lines.value = this.lines.value.map((line) =>
      line.kind === 'message' && ids.includes(line.key) ? { ...line, deleted: true } : line,
    );
  }

  #onTimeout({ person, name, seconds, until }: Parameters<ChatToClient['timeout']>[0]): void {
    if (person === this.self.value?.person) this.outUntil.value = this.#here(until);
    const known = this.lines.value.flatMap((line) =>
      line.kind === 'message' ? line.message : line.kind === 'timeout' ? line : [],
    );
    const called = name || known.findLast((one) => one.person === person)?.name || '';
    this.#push({ kind: 'timeout', key: this.#noticeKey(), person, name: called, seconds });
  }

  /** A moment of the server's clock on ours. */
  #here(at: number): number {
    return at === 0 ? 0 : at - this.#clockOffset;
  }

  #noticeKey(): string {
    return `notice-${++this.#notices}`;
  }

  #onGone(): void {
    this.phase.value = 'away';
    // Only what the server itself has ended does not come back by itself.
    if (!this.#socket.active) this.#connectLater();
  }

  #onRefused(error: Error & { data?: { code?: unknown } }): void {
    const code = error.data?.code;
    if (code === 'unauthorized' || code === 'wrong-audience' || code === 'forbidden') {
      // A link that has expired does not keep anybody from reading what is for all.
      if (this.#wish.token !== undefined && this.#withToken) {
        this.#withToken = false;
        this.#socket.connect();
      } else this.phase.value = 'refused';
      return;
    }
    this.phase.value = 'away';
    if (!this.#socket.active) this.#connectLater();
  }

  #connectLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#socket.connect(), this.#backoff.next());
  }
}

const codeOf = (answer: Ack<unknown>): true | string => (answer.ok ? true : answer.error.code);
