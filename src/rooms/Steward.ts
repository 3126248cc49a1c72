/**
 * Who may stop the broadcast when no host is here: after a while the co-host who has sat longest. Nobody becomes a host by it. In: the
 * room's word that somebody came, went or became a host. Out: `mayStop` of that peer.
 */
import type { Peer } from './Peer.ts';

export interface StewardOptions {
  /** Everybody, and those with a seat in the order of sitting down. */
  people: () => Peer[];
  seated: () => Peer[];
  /** How long a room waits for its host, ms. */
  waitMs: number;
  /** `peer.mayStop` has changed. */
  changed: (peer: Peer) => void;
}

export class Steward {
  readonly #options: StewardOptions;
  #timer: NodeJS.Timeout | undefined;
  #due = false;
  #steward: Peer | undefined;

  constructor(options: StewardOptions) {
    this.#options = options;
  }

  /** Somebody came, went, lost the connection or has another role. */
  look(): void {
    const { people, seated, waitMs } = this.#options;
    if (people().some(({ role, presence }) => role === 'host' && presence === 'here')) {
      this.close();
      this.#appoint(undefined);
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#due = true;
      this.look();
    }, waitMs);
    if (this.#due) this.#appoint(seated().find(({ role, presence }) => role === 'cohost' && presence === 'here'));
  }

  #appoint(steward: Peer | undefined): void {
    const former = this.#steward;
    if (former === steward) return;
    this.#steward = steward;
    if (former) former.mayStop = false;
    if (steward) steward.mayStop = true;
    for (const peer of [former, steward]) if (peer) this.#options.changed(peer);
  }

  /** Waits for nothing any more; `look` begins anew. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = false;
  }
}
