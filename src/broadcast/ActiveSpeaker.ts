/**
 * Pure: who has the large place of the `speaker` layout, and whose tile has the mark of who speaks. In: the levels that the room hears
 * (mediasoup's AudioLevelObserver, each LEVELS_INTERVAL_MS), who may be chosen, and the time. Out: `active`, `speaking`. Next: Speakers.ts.
 *
 * mediasoup's ActiveSpeakerObserver was the other choice. It names only the dominant producer: no silence, no levels, and nothing when that one
 * is muted or leaves; and the marks need the levels anyway. With levels, each rule below can be stated and tested.
 *
 * Timestamps: `nowMs` is the controller's monotonic clock.
 */
import type { PeerId } from '../contracts/ids.ts';
import type { SpeakerLevel } from './RoomTap.ts';

/** A new speaker has to lead this long, ms: a cough or a "yes" does not cut the picture. */
const TAKE_OVER_MS = 600;
/** A look covers the time before it, ms: LEVELS_INTERVAL_MS of the router. */
const LOOK_MS = 300;
/** Looks come by a timer of mediasoup's: this much early or late, ms. */
const LOOK_JITTER_MS = 60;
/** Whoever has the large place has it at least this long, ms. */
const HOLD_MS = 2_000;
/** Louder than the present speaker by this much leads although that one speaks, dB: twice as loud is 10. */
const CLEARLY_LOUDER_DB = 6;
/** A pause between words: whoever is not heard for this long speaks no more, ms. */
const PAUSE_MS = 500;

interface Heard {
  /** Since when it leads: the present speaker is silent or clearly quieter. null: it does not. */
  leadsSince: number | null;
  lastMs: number;
  dbov: number;
}

export class ActiveSpeaker {
  readonly #heard = new Map<PeerId, Heard>();
  #eligible: ReadonlySet<PeerId> = new Set();
  #active: PeerId | null = null;
  #activeSince = Number.NEGATIVE_INFINITY;

  /** Who speaks, or did last; null when nobody has yet, or that one is gone or muted and nobody speaks. */
  get active(): PeerId | null {
    return this.#active;
  }

  /** Everybody who speaks, in a fixed order. */
  speaking(nowMs: number): PeerId[] {
    return [...this.#heard].flatMap(([peer, { lastMs }]) => (nowMs - lastMs < PAUSE_MS ? [peer] : [])).sort();
  }

  /** When the next of those who speak is silent for long enough; Infinity when nobody speaks. */
  nextSilenceMs(nowMs: number): number {
    const ends = [...this.#heard.values()].map(({ lastMs }) => lastMs + PAUSE_MS).filter((end) => end > nowMs);
    return Math.min(Number.POSITIVE_INFINITY, ...ends);
  }

  /** Who may be chosen: in the program's picture, and not muted. Whoever is chosen and may not be is replaced at once. */
  allow(eligible: ReadonlySet<PeerId>, nowMs: number): void {
    this.#eligible = eligible;
    for (const peer of this.#heard.keys()) if (!eligible.has(peer)) this.#heard.delete(peer);
    if (this.#active === null || eligible.has(this.#active)) return;
    const next = this.#loudest(this.speaking(nowMs));
    this.#active = next;
    this.#activeSince = next === null ? Number.NEGATIVE_INFINITY : nowMs;
    for (const heard of this.#heard.values()) heard.leadsSince = null;
  }

  /** Everybody who was heard in the last interval. */
  hear(levels: readonly SpeakerLevel[], nowMs: number): void {
    const look = new Map(levels.filter(({ peer }) => this.#eligible.has(peer)).map(({ peer, dbov }) => [peer, dbov]));
    for (const [peer, dbov] of look) {
      const before = this.#heard.get(peer);
      const leads = peer !== this.#active && this.#leadsOver(dbov, look);
      const since = before && nowMs - before.lastMs < PAUSE_MS + LOOK_MS ? before.leadsSince : null;
      this.#heard.set(peer, { leadsSince: leads ? (since ?? nowMs - LOOK_MS) : null, lastMs: nowMs, dbov });
    }
    for (const [peer, { lastMs }] of this.#heard) if (nowMs - lastMs >= PAUSE_MS + LOOK_MS) this.#heard.delete(peer);
    this.#choose([...look.keys()], nowMs);
  }

  #leadsOver(dbov: number, look: ReadonlyMap<PeerId, number>): boolean {
    const present = this.#active === null ? undefined : look.get(this.#active);
    return present === undefined || dbov >= present + CLEARLY_LOUDER_DB;
  }

  #choose(heard: readonly PeerId[], nowMs: number): void {
    if (this.#active !== null && nowMs - this.#activeSince < HOLD_MS) return;
    const ready = heard.filter((peer) => {
      const since = this.#heard.get(peer)?.leadsSince ?? null;
      return since !== null && nowMs - since >= TAKE_OVER_MS - LOOK_JITTER_MS;
    });
    const next = this.#loudest(ready);
    if (next === null) return;
    this.#active = next;
    this.#activeSince = nowMs;
    for (const other of this.#heard.values()) other.leadsSince = null;
  }

  #loudest(peers: readonly PeerId[]): PeerId | null {
    const level = (peer: PeerId) => this.#heard.get(peer)?.dbov ?? Number.NEGATIVE_INFINITY;
    return peers.reduce<PeerId | null>(
      (best, peer) => (best === null || level(peer) > level(best) ? peer : best),
      null,
    );
  }
}
