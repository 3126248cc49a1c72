/** Somebody in a chat, by socket.io as a page does it; keeps everything that it is told. */
import { once } from 'node:events';
import { io, type Socket } from 'socket.io-client';
import type {
  ChatAnswers,
  ChatAuth,
  ChatEvent,
  ChatHello,
  ChatMessage,
  ChatToClient,
  ChatToServer,
} from '../../../src/contracts/chat.ts';
import type { Ack } from '../../../src/contracts/signaling.ts';

type Told = { [E in keyof ChatToClient]: Parameters<ChatToClient[E]>[0][] };

export class ChatPerson {
  readonly socket: Socket<ChatToClient, ChatToServer>;
  readonly told: Told = { hello: [], messages: [], deleted: [], timeout: [], slow: [], reactions: [], people: [] };

  private constructor(url: string, auth: ChatAuth) {
    this.socket = io(`${url}/chat`, { transports: ['websocket'], forceNew: true, reconnection: false, auth });
    for (const event of Object.keys(this.told) as (keyof Told)[])
      this.socket.on(event, (payload: unknown) => void (this.told[event] as unknown[]).push(payload));
  }

  /** In the chat, and greeted. Throws the code that it was refused with. */
  static async enter(url: string, auth: ChatAuth): Promise<ChatPerson> {
    const person = new ChatPerson(url, auth);
    const greeted = once(person.socket as never, 'hello');
    const refused = new Promise<never>((_, reject) =>
      person.socket.once('connect_error', (error: Error & { data?: { code?: string } }) =>
        reject(new Error(error.data?.code ?? error.message)),
      ),
    );
    await Promise.race([greeted, refused]);
    return person;
  }

  get hello(): ChatHello {
    const [hello] = this.told.hello;
    if (!hello) throw new Error('not greeted');
    return hello;
  }

  get heard(): ChatMessage[] {
    return this.told.messages.flatMap(({ messages }) => messages);
  }

  get texts(): string[] {
    return this.heard.map(({ text }) => text);
  }

  ask<E extends ChatEvent>(event: E, payload: Parameters<ChatToServer[E]>[0]): Promise<Ack<ChatAnswers[E]>> {
    return (this.socket as unknown as { emitWithAck(e: E, p: unknown): Promise<Ack<ChatAnswers[E]>> }).emitWithAck(
      event,
      payload,
    );
  }

  /** Its id; throws when it was refused. */
  async say(text: string): Promise<string> {
    const answer = await this.ask('message:send', { text });
    if (!answer.ok) throw new Error(answer.error.code);
    return answer.data.id;
  }

  /** `ok`, or the code that it was refused with. */
  async outcome<E extends ChatEvent>(event: E, payload: Parameters<ChatToServer[E]>[0]): Promise<string> {
    const answer = await this.ask(event, payload);
    return answer.ok ? 'ok' : answer.error.code;
  }

  leave(): void {
    this.socket.disconnect();
  }
}
