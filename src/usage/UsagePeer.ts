/**
 * The exchange of usage with a delivery node: what we have counted goes there, and, for an SFU node, which answers the API, what is known
 * there comes here, of all its other nodes too. In: the ledger. Out: the same on both sides.
 *
 * A position is only moved on when the other side has answered for it, or in the same transaction as the reports that it is about. So a
 * report may be handed over twice, which the ledger does not mind, and none is left out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../common/logger.ts';
import { UsageFeed, UsageTaken } from '../contracts/usage.ts';
import type { UsageMetrics } from './metrics.ts';
import type { PeerPosition, UsageLedger } from './UsageLedger.ts';

/** How often it is done without being asked, ms. */
const EXCHANGE_MS = 60_000;
/** How long an answer may take, ms. */
const ANSWER_LIMIT_MS = 10_000;
/** At the end our last figures have this long to get over, ms; if not, the next process hands them over. */
const LAST_LIMIT_MS = 2_000;
/** One that can not be had is told of so often, ms. */
const COMPLAINT_MS = 60_000;

export interface UsagePeerOptions {
  /** Base URL of its internal port, without a slash at the end. */
  url: string;
  /** Takes what is known there, too. */
  pull: boolean;
  newServiceToken: () => Promise<string>;
  ledger: UsageLedger;
  /** Writes what is known here into the ledger. */
  commit: () => void;
  logger: Logger;
  metrics: UsageMetrics;
}

export class UsagePeer {
  readonly #options: UsagePeerOptions;
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #exchanging: Promise<boolean> | undefined;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(options: UsagePeerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.exchange(), EXCHANGE_MS).unref();
  }

  get closed(): boolean {
    return this.#abort.signal.aborted;
  }

  /** False: the other node can not be had now. Who comes while one is on its way shares it. */
  exchange(): Promise<boolean> {
    this.#exchanging ??= this.#exchange().finally(() => {
      this.#exchanging = undefined;
    });
    return this.#exchanging;
  }

  /** Hands over what there is, within a limit. Idempotent. */
  async close(): Promise<void> {
    if (this.closed) return;
    clearInterval(this.#timer);
    await Promise.race([this.exchange(), delay(LAST_LIMIT_MS, undefined, { ref: false })]);
    this.#abort.abort();
    await this.#exchanging;
  }

  async #exchange(): Promise<boolean> {
    const { commit, pull, metrics, logger } = this.#options;
    try {
      commit();
      for (let more = true; more; ) more = await this.#push();
      for (let more = pull; more; ) more = await this.#pull();
      metrics.exchanges.inc({ result: 'done' });
      return true;
    } catch (error) {
      if (this.closed) return false;
      metrics.exchanges.inc({ result: 'failed' });
      const now = performance.now();
      if (now - this.#complainedAt > COMPLAINT_MS) {
        this.#complainedAt = now;
        logger.warn({ err: error }, 'usage can not be exchanged');
      }
      return false;
    }
  }

  /** True: there is more. */
  async #push(): Promise<boolean> {
    const { ledger, url } = this.#options;
    const before = ledger.peer(url);
    const { reports, position, more } = ledger.feed(before?.pushed ?? 0, { ownOnly: true });
    if (reports.length === 0 && before) return false;
    const taken = UsageTaken.parse(await this.#ask('', { reports }));
    if (before && before.ledger !== taken.ledger) this.#isAnother(taken.ledger);
    ledger.setPeer(url, { ledger: taken.ledger, pulled: before?.pulled ?? 0, pushed: position });
    return more;
  }

  async #pull(): Promise<boolean> {
    const { ledger, url } = this.#options;
    const before: PeerPosition = ledger.peer(url) ?? { ledger: '', pulled: 0, pushed: 0 };
    const feed = UsageFeed.parse(await this.#ask(`?after=${before.pulled}`));
    if (feed.ledger !== before.ledger) this.#isAnother(feed.ledger);
    if (feed.position === before.pulled) return false;
    ledger.database.transaction(() => {
      ledger.append(feed.reports, { own: false });
      ledger.setPeer(url, { ...before, pulled: feed.position });
    });
    return feed.more;
  }

  /** It has none of what the one before it was told: the next exchange begins at 0. */
  #isAnother(id: string): never {
    this.#options.ledger.setPeer(this.#options.url, { ledger: id, pulled: 0, pushed: 0 });
    throw new Error('the delivery node has another ledger than before');
  }

  async #ask(query: string, body?: unknown): Promise<unknown> {
    const { url, newServiceToken } = this.#options;
    const response = await fetch(`${url}/delivery/usage${query}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${await newServiceToken()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([AbortSignal.timeout(ANSWER_LIMIT_MS), this.#abort.signal]),
    });
    if (!response.ok) throw new Error(`the delivery node answered ${response.status}`);
    return response.json();
  }
}
