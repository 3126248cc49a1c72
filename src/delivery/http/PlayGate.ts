/**
 * Who may play what. A viewer shows a playback token in the path (`/live/~TOKEN/:room/…`), or nothing; another delivery node shows a service
 * token in the Authorization header, and answers to its own viewers for what it gets.
 *
 * A player asks several times a second, so a token that was good is remembered, until the moment when it expires.
 */
import { LRUCache } from 'lru-cache';
import { AppError } from '../../contracts/errors.ts';
import type { PlaybackAccess } from '../../contracts/playback.ts';
import { bearerToken } from '../intakeRoutes.ts';

/** A token has less than 512 characters: 20 MB at most. */
const REMEMBERED_TOKENS = 20_000;

export interface PlayPass {
  room: string;
  /** ms since 1970; from then on it is refused. */
  expiresAt: number;
}

/** `anybody`: no token was shown. `node`: another delivery node. */
export type Access = 'anybody' | 'node' | PlayPass;

export interface PlayGateOptions {
  /** Throws AppError unless it is a `play` token. */
  verifyPlay(token: string): Promise<PlayPass>;
  /** Throws AppError unless it is a `service` token. */
  verifyService(token: string | undefined): Promise<void>;
  /** ms since 1970. */
  wallClock?: () => number;
}

export class PlayGate {
  readonly #options: PlayGateOptions;
  readonly #passes = new LRUCache<string, PlayPass>({ max: REMEMBERED_TOKENS });
  readonly #wallClock: () => number;

  constructor(options: PlayGateOptions) {
    this.#options = options;
    this.#wallClock = options.wallClock ?? Date.now;
  }

  /** Throws `unauthorized` or `wrong-audience` for a token that is none, and `forbidden` for one of another room. */
  async admit(shown: {
    token?: string | undefined;
    authorization?: string | undefined;
    room?: string | undefined;
  }): Promise<Access> {
    if (shown.token !== undefined) {
      const pass = await this.#pass(shown.token);
      if (pass.room !== shown.room) throw new AppError('forbidden', 'The token is for another room.');
      return pass;
    }
    const bearer = bearerToken(shown.authorization);
    return bearer !== undefined && (await this.#isNode(bearer)) ? 'node' : 'anybody';
  }

  /** Throws `unauthorized` where a token is needed and none was shown. */
  allow(access: Access, playback: PlaybackAccess): void {
    if (playback === 'token' && access === 'anybody')
      throw new AppError('unauthorized', 'This broadcast needs a playback token.');
  }

  /** What the token has left, s; for answers that a cache keeps. */
  lifeSeconds(access: Access): number {
    return typeof access === 'string' ? Number.POSITIVE_INFINITY : (access.expiresAt - this.#wallClock()) / 1000;
  }

  /** Other credentials are no business of ours: some players send those of their own site to every host. */
  async #isNode(bearer: string): Promise<boolean> {
    try {
      await this.#options.verifyService(bearer);
      return true;
    } catch (error) {
      if (error instanceof AppError) return false;
      throw error;
    }
  }

  async #pass(token: string): Promise<PlayPass> {
    const known = this.#passes.get(token);
    if (known && known.expiresAt > this.#wallClock()) return known;
    // Gone by now, or never seen: the answer, and its sentence, are the verifier's.
    if (known) this.#passes.delete(token);
    const pass = await this.#options.verifyPlay(token);
    this.#passes.set(token, pass);
    return pass;
  }
}
