/**
 * Who comes to the chat. In: a handshake's `auth` and address. Out: a ChatVisitor, or AppError. Tokens say who somebody is, on whichever
 * node they come in. Next: ChatConnection.ts.
 */
import { randomBytes } from 'node:crypto';
import { ChatAuth, type ChatSelf } from '../contracts/chat.ts';
import { AppError } from '../contracts/errors.ts';
import type { JoinClaims, WatchClaims } from '../contracts/tokens.ts';
import type { Tokens } from '../tokens/Tokens.ts';
import { ChatLimits } from './ChatLimits.ts';

/** A guest is the same person for so long, seconds. */
const GUEST_SECONDS = 30 * 86_400;
/** Connections of one address at the same time. */
const MAX_AT_ADDRESS = 1_000;

export interface ChatVisitor {
  room: string;
  self: ChatSelf | null;
  /** Of a guest: to be named again. */
  sub: string | undefined;
  /** May read where the room is guarded. */
  trusted: boolean;
  /** Stands for the address: what a guest is held by, too. It begins with @, so that it is nobody's id. */
  from: string;
}

export interface ChatGateOptions {
  tokens: () => Tokens;
  /** Those without a join token may take a name and write. */
  guests: boolean;
}

export class ChatGate {
  readonly guests: boolean;
  readonly limits = new ChatLimits();
  readonly #tokens: () => Tokens;
  readonly #atAddress = new Map<string, number>();

  constructor({ tokens, guests }: ChatGateOptions) {
    this.#tokens = tokens;
    this.guests = guests;
  }

  /** Throws AppError. */
  async admit(handshake: unknown, address: string): Promise<ChatVisitor> {
    const from = `@${this.#tokens().alias('address', address)}`;
    if (!this.limits.take('connections', from) || (this.#atAddress.get(from) ?? 0) >= MAX_AT_ADDRESS)
      throw new AppError('too-many');
    const parsed = ChatAuth.safeParse(handshake);
    if (!parsed.success) throw new AppError('bad-request', 'The chat does not understand this; reload the page.');
    const { room, token, guest, play, name } = parsed.data;
    const nobody = { room, from, self: null, sub: undefined, trusted: false };
    if (token !== undefined) {
      const claims = await this.#tokens().verify(token, 'join');
      requireRoom(room, claims);
      return { ...nobody, self: this.#selfOf(claims, name), trusted: true };
    }
    if (play !== undefined) {
      requireRoom(room, await this.#tokens().verify(play, 'play'));
      nobody.trusted = true;
    }
    const known = await this.#knownGuest(room, guest);
    return known ? { ...nobody, self: this.#guestSelf(known), sub: known.sub } : nobody;
  }

  /** From admission until `leave`. */
  enter({ from }: ChatVisitor): void {
    this.#atAddress.set(from, (this.#atAddress.get(from) ?? 0) + 1);
  }

  leave({ from }: ChatVisitor): void {
    const left = (this.#atAddress.get(from) ?? 1) - 1;
    if (left > 0) this.#atAddress.set(from, left);
    else this.#atAddress.delete(from);
  }

  /** A guest with this name, who stays the same person when they had one before. Throws AppError `forbidden`, `too-many`. */
  async nameGuest(visitor: ChatVisitor, name: string): Promise<{ self: ChatSelf; guest: string; sub: string }> {
    if (!this.guests) throw new AppError('forbidden', 'Only who was invited may write here.');
    if (!this.limits.take('names', visitor.from)) throw new AppError('too-many');
    const sub = visitor.sub ?? `guest-${randomBytes(12).toString('hex')}`;
    const claims: WatchClaims = { aud: 'watch', sub, room: visitor.room, name };
    return { self: this.#guestSelf(claims), guest: await this.#tokens().sign(claims, GUEST_SECONDS), sub };
  }

  /** undefined: none that is good here. */
  async #knownGuest(room: string, token: string | undefined): Promise<WatchClaims | undefined> {
    if (token === undefined || !this.guests) return undefined;
    try {
      const claims = await this.#tokens().verify(token, 'watch');
      return claims.room === room ? claims : undefined;
    } catch (error) {
      if (error instanceof AppError) return undefined;
      throw error;
    }
  }

  #selfOf({ room, sub, role, name }: JoinClaims, chosen: string | undefined): ChatSelf {
    const person = this.#tokens().alias('person', room, sub);
    return { person, name: name ?? chosen ?? '?', role };
  }

  #guestSelf({ room, sub, name }: WatchClaims): ChatSelf {
    return { person: this.#tokens().alias('guest', room, sub), name, role: 'guest' };
  }
}

function requireRoom(room: string, claims: { room: string }): void {
  if (claims.room !== room) throw new AppError('forbidden', 'The token is for another room.');
}
