/** How much of the chat one person and one address may have at this node. A page can say what it likes: each says little, and not often. */
import { LRUCache } from 'lru-cache';
import { type Clock, monotonicClock } from '../common/clock.ts';
import { TokenBucket } from '../signaling/TokenBucket.ts';

/** Rates: so many at once, so many a second in the long run. */
const RATES = {
  /** Messages of one person, however many pages they have open. */
  person: { perSecond: 1, burst: 5 },
  /** Messages of all in one room: more than anybody can read. */
  room: { perSecond: 20, burst: 60 },
  /** Messages of all guests at one address. */
  guests: { perSecond: 5, burst: 20 },
  /** Names that guests at one address take: a hall that comes all at once, but not a new name for each message. */
  names: { perSecond: 0.1, burst: 30 },
  /** Reactions from one connection. */
  reactions: { perSecond: 5, burst: 15 },
  /** Reactions from one address. */
  reactionsFrom: { perSecond: 50, burst: 200 },
  /** Connections of one address. */
  connections: { perSecond: 20, burst: 500 },
} as const;
type Rate = keyof typeof RATES;

/** Who is forgotten has a full bucket again. */
const MAX_REMEMBERED = 50_000;

export class ChatLimits {
  readonly #clock: Clock;
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_REMEMBERED });

  constructor(clock: Clock = monotonicClock) {
    this.#clock = clock;
  }

  bucket(rate: Rate): TokenBucket {
    return new TokenBucket({ ...RATES[rate], clock: this.#clock });
  }

  /** `of`: whose it is. False: too much. */
  take(rate: Rate, ...of: string[]): boolean {
    const key = `${rate} ${of.join(' ')}`;
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      bucket = this.bucket(rate);
      this.#buckets.set(key, bucket);
    }
    return bucket.take();
  }
}
