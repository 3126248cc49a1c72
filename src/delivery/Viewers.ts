import type { Clock } from '../common/clock.ts';

/** Who has not fetched a playlist for this long is gone, ms. */
const GONE_AFTER_MS = 10_000;
/** An estimate needs no more than this for one broadcast; a flood of made-up user agents must not fill the memory. */
const MAX_COUNTED = 100_000;

/** Players per broadcast that fetched a playlist lately, told apart by connection address and user agent: an estimate. */
export class Viewers {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Map<string, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  seen(broadcast: string, player: string): void {
    let players = this.#seen.get(broadcast);
    if (!players) {
      players = new Map();
      this.#seen.set(broadcast, players);
    }
    const key = player.slice(0, 200);
    if (players.size < MAX_COUNTED || players.has(key)) players.set(key, this.#clock.now());
  }

  count(broadcast: string): number {
    const players = this.#seen.get(broadcast);
    if (!players) return 0;
    const oldest = this.#clock.now() - GONE_AFTER_MS;
    for (const [player, at] of players) if (at < oldest) players.delete(player);
    return players.size;
  }

  forget(broadcast: string): void {
    this.#seen.delete(broadcast);
  }
}
