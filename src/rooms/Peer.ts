import type { Logger } from '../common/logger.ts';
import type { PeerId } from '../contracts/ids.ts';
import type { PeerInfo } from '../contracts/signaling.ts';
import type { JoinClaims, Role } from '../contracts/tokens.ts';
import type { PeerAbout } from '../contracts/webhooks.ts';
import type { PeerLink } from './PeerLink.ts';
import { PeerMedia } from './PeerMedia.ts';

/** One person of a room: who it is, its connection while there is one, its media. The room decides; the peer remembers. */
export class Peer {
  readonly id: PeerId;
  readonly identity: JoinClaims['sub'];
  readonly media: PeerMedia;
  name: string;
  role: Role;
  /** Waits for a seat. */
  asking = false;
  /** undefined while it is away. */
  link: PeerLink | undefined;
  #awayTimer: NodeJS.Timeout | undefined;

  constructor(options: {
    id: PeerId;
    identity: JoinClaims['sub'];
    name: string;
    role: Role;
    link: PeerLink;
    logger: Logger;
  }) {
    this.id = options.id;
    this.identity = options.identity;
    this.name = options.name;
    this.role = options.role;
    this.link = options.link;
    this.media = new PeerMedia(() => this.link, options.logger.child({ peer: options.id }));
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
