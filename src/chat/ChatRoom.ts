/**
 * A room's chat on this node: who is connected here, and what goes out to everybody in the room, in batches. In: what was said, and
 * reactions. Out: events of the contract, by `emit` to all nodes and by `emitHere` to those of this one.
 */
import type { ChatMessage, ChatToClient, Reaction } from '../contracts/chat.ts';
import type { TokenBucket } from '../signaling/TokenBucket.ts';
import type { ChatLog, ChatStore } from './ChatStore.ts';
import type { ChatMetrics } from './metrics.ts';
import { Pace } from './Pace.ts';

/** Between two batches of messages, ms: what a person does not notice, and 2,000 sockets do. */
const MESSAGES_EVERY_MS = 200;
/** Between two sums of reactions, ms. */
const REACTIONS_EVERY_MS = 250;
export type Emit = <E extends keyof ChatToClient>(event: E, ...args: Parameters<ChatToClient[E]>) => void;

export interface ChatRoomOptions {
  name: string;
  emit: Emit;
  emitHere: Emit;
  store: ChatStore;
  /** Messages that all people together may write at this node. */
  bucket: TokenBucket;
  metrics: ChatMetrics;
}

export class ChatRoom {
  readonly name: string;
  readonly emit: Emit;
  readonly bucket: TokenBucket;
  readonly #options: ChatRoomOptions;
  readonly #messages = new Pace({ everyMs: MESSAGES_EVERY_MS, run: () => this.#sendMessages() });
  readonly #reactions = new Pace({ everyMs: REACTIONS_EVERY_MS, run: () => this.#sendReactions() });
  #said: ChatMessage[] = [];
  #counts: Partial<Record<Reaction, number>> = {};
  #here = 0;
  #people = 0;
  /** One read that has not begun yet, for everybody who comes meanwhile. */
  #nextRead: Promise<ChatLog> | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: ChatRoomOptions) {
    this.name = options.name;
    this.emit = options.emit;
    this.bucket = options.bucket;
    this.#options = options;
  }

  /** Connections of this node. */
  get here(): number {
    return this.#here;
  }

  /** Of all nodes, when it was summed up last; at least those that are here. */
  get people(): number {
    return Math.max(this.#people, this.#here);
  }

  enter(): void {
    this.#here++;
  }

  leave(): void {
    this.#here--;
  }

  /**
   * What a newcomer is shown. It begins after the call, so that nothing is missed by who hears already what is sent; a crowd that comes
   * at once shares one read.
   */
  read(): Promise<ChatLog> {
    if (!this.#nextRead) {
      const next = this.#reading.then(() => {
        this.#nextRead = undefined;
        return this.#options.store.read(this.name);
      });
      this.#nextRead = next;
      this.#reading = next.catch(() => {});
    }
    return this.#nextRead;
  }

  say(message: ChatMessage): void {
    this.#said.push(message);
    this.#messages.ask();
  }

  react(reaction: Reaction): void {
    this.#counts[reaction] = (this.#counts[reaction] ?? 0) + 1;
    this.#reactions.ask();
  }

  /** What waits to be sent must not come after the word that it is deleted. */
  delete(ids: readonly string[]): void {
    this.#messages.flush();
    if (ids.length > 0) this.emit('deleted', { ids: [...ids] });
  }

  /** Tells the other nodes how many are here, and ours how many there are. */
  async count(): Promise<void> {
    const people = await this.#options.store.people(this.name, this.#here);
    if (people === this.#people) return;
    this.#people = people;
    this.#options.emitHere('people', { count: this.people });
  }

  /** Sends what waits. */
  flush(): void {
    this.#messages.flush();
    this.#reactions.flush();
  }

  #sendMessages(): void {
    const messages = this.#said;
    if (messages.length === 0) return;
    this.#said = [];
    this.emit('messages', { messages });
    this.#options.metrics.batches.inc({ kind: 'messages' });
  }

  #sendReactions(): void {
    const counts = this.#counts;
    this.#counts = {};
    this.emit('reactions', { counts });
    this.#options.metrics.batches.inc({ kind: 'reactions' });
  }
}
