import type { Logger } from '../common/logger.ts';
import type { PeerId } from '../contracts/ids.ts';
import type { PeerInfo } from '../contracts/signaling.ts';
import type { JoinClaims, Role } from '../contracts/tokens.ts';
import type { PeerAbout } from '../contracts/webhooks.ts';
import type { PeerLink } from './PeerLink.ts';
import { PeerMedia } from './PeerMedia.ts';

/** The longest that a token is good for (contracts/api.ts), ms; for one that does not say. */
const LONGEST_TOKEN_MS = 30 * 86_400_000;
/** A verifier's clock may be behind by so much (tokens/Tokens.ts), ms. */
const TOLERANCE_MS = 5_000;

/** When a token with these claims is refused, ms since 1970. */
export const tokenUntilOf = ({ exp }: Pick<JoinClaims, 'exp'>): number =>
  exp === undefined ? Date.now() + LONGEST_TOKEN_MS : exp * 1_000 + TOLERANCE_MS;

/** One person of a room: who it is, its connection while there is one, its media. The room decides; the peer remembers. */
export class Peer {
  readonly id: PeerId;
  readonly identity: JoinClaims['sub'];
  readonly media: PeerMedia;
  name: string;
  role: Role;
  /** Since when it waits for a seat, ms since 1970; undefined: it does not. */
  askedAt: number | undefined;
  /** Has a seat and is not in the program. */
  offProgram = false;
  /** May stop the broadcast though it is no host (Steward.ts). */
  mayStop = false;
  /** When the token that it came by expires, ms since 1970; of several the last. */
  tokenUntil: number;
  /** undefined while it is away. */
  link: PeerLink | undefined;
  #awayTimer: NodeJS.Timeout | undefined;

  constructor(options: {
    id: PeerId;
    identity: JoinClaims['sub'];
    name: string;
    role: Role;
    link: PeerLink;
    tokenUntil: number;
    logger: Logger;
  }) {
    this.id = options.id;
    this.identity = options.identity;
    this.name = options.name;
    this.role = options.role;
    this.link = options.link;
    this.tokenUntil = options.tokenUntil;
    this.media = new PeerMedia(() => this.link, options.logger.child({ peer: options.id }));
  }

  get asking(): boolean {
    return this.askedAt !== undefined;
  }

  get presence(): 'here' | 'away' {
    return this.link ? 'here' : 'away';
  }

  /** What the application that made its token may know. */
  get about(): PeerAbout {
    return { id: this.id, identity: this.identity, name: this.name, role: this.role };
  }

  /** The connection is gone; `expired` is called unless somebody connects within `limitMs`. */
  goAway(limitMs: number, expired: () => void): void {
    this.link = undefined;
    this.#awayTimer = setTimeout(expired, limitMs);
  }

  comeBack(link: PeerLink): void {
    clearTimeout(this.#awayTimer);
    this.link = link;
  }

  info(seated: boolean): PeerInfo {
    return {
      id: this.id,
      name: this.name,
      role: this.role,
      seated,
      asking: this.asking,
      ...(this.askedAt === undefined ? {} : { askedAt: this.askedAt }),
      ...(this.offProgram ? { offProgram: true } : {}),
      ...(this.mayStop ? { mayStop: true } : {}),
      presence: this.presence,
      sources: this.media.producers.map((p) => ({ kind: p.appData.source, producerId: p.id, paused: p.paused })),
    };
  }

  /** Ends its media. The connection is the room's to end. */
  close(): void {
    clearTimeout(this.#awayTimer);
    this.link = undefined;
    this.media.reset();
  }
}
