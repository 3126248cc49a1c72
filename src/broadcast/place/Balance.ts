/**
 * Moves this node's broadcasts to other agents, by handoff: from an agent that needs more slots than it has, and to make room for who waits and fits
 * nowhere. In: the agents, where every broadcast of the fleet is at work (directory kind `broadcast`), and who waits (kind `wish`). Out: one handoff
 * at a time, and for the other nodes where our own broadcasts are.
 *
 * Every node reckons the same moves (directory/placement/balance.ts) from the same entries, and does only its own. Nothing is moved that has come to
 * its agent only lately, or that could not be moved lately; and a move is done only when it has been the right one for a while, since an agent and an
 * owner tell of the same handoff one after the other.
 */
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { PROTOCOL } from '../../contracts/ids.ts';
import type { Directory } from '../../directory/Directory.ts';
import type { Berth, Entry } from '../../directory/entries.ts';
import { type Balancing, type Berthed, balancingMoves } from '../../directory/placement.ts';
import type { View } from '../../directory/View.ts';
import { agentViews } from './agentViews.ts';
import { Rounds } from './Rounds.ts';

/** A move has to be the right one for this long, ms. */
const SETTLE_MS = 2_000;

export interface BalanceOptions {
  directory: Pick<Directory, 'node' | 'agents' | 'watchAgents' | 'watch'>;
  /** So long a broadcast stays on its agent at least, and where it is when it could not be moved, ms. */
  restMs: number;
  settleMs?: number;
  clock: Clock;
  logger: Logger;
}

/** A broadcast of this node. */
export interface Balanced {
  broadcast: string;
  /** Where its compositor is at work; null: it has none, or is not live. */
  seat(): { agent: string; slots: number } | null;
  /** What the other nodes are to know of that. */
  tell(at: Berth | null): void;
  /** To another agent. Resolves when it is there, or that came to nothing; may reject. */
  handOver(): Promise<unknown>;
}

interface Member {
  readonly balanced: Balanced;
  agent: string | undefined;
  pinnedUntil: number;
  moving: boolean;
  /** JSON. */
  told: string;
}

export class Balance {
  readonly #options: BalanceOptions;
  readonly #logger: Logger;
  readonly #members = new Map<string, Member>();
  /** Our moves that are right at present, by broadcast and agent: since when. */
  readonly #right = new Map<string, number>();
  #opening: Promise<void> | undefined;
  #owners: View<'broadcast'> | undefined;
  #wishes: View<'wish'> | undefined;
  #moving = false;
  readonly #rounds: Rounds;

  constructor(options: BalanceOptions) {
    this.#options = options;
    const logger = options.logger.child({ part: 'balance' });
    this.#logger = logger;
    this.#rounds = new Rounds({
      needed: () => this.#members.size > 0,
      round: () => this.#look(),
      onError: (error) => logger.error({ err: error }, 'could not look for what is better placed elsewhere'),
    });
  }

  /** `changed` is to be called whenever `seat` may answer something else; `leave` when the broadcast is over, or another node's. */
  join(balanced: Balanced): { changed: () => void; leave: () => void } {
    const member: Member = { balanced, agent: undefined, pinnedUntil: 0, moving: false, told: 'null' };
    this.#members.set(balanced.broadcast, member);
    this.#opening ??= this.#open().catch((error: unknown) =>
      this.#logger.error({ err: error }, 'broadcasts are not moved to where there is room'),
    );
    this.#soon();
    return {
      changed: () => this.#soon(),
      leave: () => {
        if (this.#members.get(balanced.broadcast) === member) this.#members.delete(balanced.broadcast);
      },
    };
  }

  /** Moves nothing any more. Idempotent. */
  close(): void {
    this.#rounds.close();
    this.#owners?.off('changed', this.#soon).off('gone', this.#soon);
    this.#wishes?.off('changed', this.#soon).off('gone', this.#soon);
  }

  async #open(): Promise<void> {
    const { directory } = this.#options;
    const [owners, wishes] = [await directory.watch('broadcast'), await directory.watch('wish')];
    if (this.#rounds.closed) return;
    this.#owners = owners.on('changed', this.#soon).on('gone', this.#soon);
    this.#wishes = wishes.on('changed', this.#soon).on('gone', this.#soon);
    await directory.watchAgents(this.#soon);
    this.#soon();
  }

  readonly #soon = (): void => this.#rounds.soon();

  async #look(): Promise<void> {
    const agents = await this.#options.directory.agents();
    // Race: from here on nothing is awaited.
    const now = this.#options.clock.now();
    const own = [...this.#members.values()].flatMap((member) => this.#berthOf(member, now));
    const moves = balancingMoves({
      agents: agentViews(agents, []),
      berths: [...own, ...this.#others()],
      waiting: this.#waiting(),
    }).filter(({ id }) => this.#members.has(id));
    const keys = new Map(moves.map(({ id, from }) => [`${id} ${from}`, id]));
    for (const key of this.#right.keys()) if (!keys.has(key)) this.#right.delete(key);
    for (const key of keys.keys()) if (!this.#right.has(key)) this.#right.set(key, now);
    this.#begin(keys, now);
    this.#rounds.after(this.#nextAt(now) - now);
  }

  /** One at a time: the next is reckoned with what has become of this one. */
  #begin(keys: ReadonlyMap<string, string>, now: number): void {
    if (this.#moving) return;
    const { settleMs = SETTLE_MS } = this.#options;
    const due = [...keys].find(([key]) => (this.#right.get(key) ?? now) + settleMs <= now);
    const member = due && this.#members.get(due[1]);
    if (!member) return;
    this.#moving = true;
    member.moving = true;
    this.#tell(member);
    this.#logger.info({ broadcast: member.balanced.broadcast, from: member.agent }, 'moved to where there is room');
    member.balanced
      .handOver()
      .catch((error: unknown) => this.#logger.warn({ err: error, broadcast: due[1] }, 'could not be moved'))
      .finally(() => {
        this.#moving = false;
        member.moving = false;
        member.pinnedUntil = this.#options.clock.now() + this.#options.restMs;
        this.#soon();
      });
  }

  /** When something of ours is due, by our clock. */
  #nextAt(now: number): number {
    const { settleMs = SETTLE_MS } = this.#options;
    const settled = this.#moving ? [] : [...this.#right.values()].map((since) => since + settleMs);
    const rested = [...this.#members.values()].map(({ pinnedUntil }) => pinnedUntil);
    return Math.min(...settled, ...rested.filter((at) => at > now));
  }

  /** As the others are told. */
  #berthOf(member: Member, now: number): Berthed[] {
    const seat = member.balanced.seat();
    if (seat && seat.agent !== member.agent) {
      member.agent = seat.agent;
      member.pinnedUntil = now + this.#options.restMs;
    }
    const berth = this.#tell(member, now);
    return berth ? [{ id: member.balanced.broadcast, ...berth }] : [];
  }

  #tell(member: Member, now = this.#options.clock.now()): Berth | null {
    const seat = member.balanced.seat();
    // Once it has arrived it is not on its way any more, whatever its owner still has to do.
    const moving = member.moving && seat?.agent === member.agent;
    const berth = seat && { ...seat, pinned: now < member.pinnedUntil, moving };
    const text = JSON.stringify(berth);
    if (text !== member.told) {
      member.told = text;
      member.balanced.tell(berth);
    }
    return berth;
  }

  #others(): Berthed[] {
    const { directory } = this.#options;
    return (this.#owners?.entries ?? []).flatMap(({ id, holder, data: { at } }) =>
      at && holder !== directory.node ? [{ id, ...at }] : [],
    );
  }

  #waiting(): Balancing['waiting'] {
    return (this.#wishes?.entries ?? []).toSorted((a, b) => a.data.queuedAt - b.data.queuedAt).flatMap(waitingOf);
  }
}

function waitingOf({ id, data }: Entry<'wish'>): Balancing['waiting'] {
  const { reserved, placed, slots, avoid, protocol = PROTOCOL } = data;
  return reserved === undefined || placed ? [] : [{ wish: { id, slots, avoid, protocol }, reserved }];
}
