import type { Logger } from '../common/logger.ts';
import type { NodeInfo } from './entries.ts';
import type { Claimed } from './Holdings.ts';
import type { Lease } from './Lease.ts';

export interface AnnouncementOptions {
  info: NodeInfo;
  claim: (info: NodeInfo) => Promise<Claimed<'node'>>;
  logger: Logger;
}

/** This process's own entry. In: changes of its load. Out: an entry that is there as soon as the directory can be reached. */
export class Announcement {
  readonly #options: AnnouncementOptions;
  #info: NodeInfo;
  #lease: Lease<'node'> | undefined;
  #trying: Promise<void> | undefined;
  #state: 'open' | 'superseded' | 'closed' = 'open';

  constructor(options: AnnouncementOptions) {
    this.#options = options;
    this.#info = options.info;
  }

  /** What the others are told of it. */
  get info(): NodeInfo {
    return this.#info;
  }

  /** The others see it soon; nobody waits for it. */
  update(change: Partial<Pick<NodeInfo, 'capacity' | 'load' | 'slots' | 'used' | 'draining'>>): void {
    const info = { ...this.#info, ...change };
    if (this.#state !== 'open' || JSON.stringify(info) === JSON.stringify(this.#info)) return;
    this.#info = info;
    // It never rejects: what could not be written follows with the next round.
    void this.#lease?.update(info);
  }

  /** Asked for at each round, until it is there. Throws what the store does. */
  attempt(): Promise<void> {
    if (this.#state !== 'open' || this.#lease) return Promise.resolve();
    this.#trying ??= this.#attempt().finally(() => {
      this.#trying = undefined;
    });
    return this.#trying;
  }

  async close(): Promise<void> {
    if (this.#state === 'open') this.#state = 'closed';
    await this.#trying?.catch(() => {});
    await this.#lease?.release();
  }

  async #attempt(): Promise<void> {
    const { claim, logger } = this.#options;
    const asked = this.#info;
    const { lease, holder } = await claim(asked);
    if (holder)
      logger.error({ url: asked.url, holder: holder.holder }, 'another process is announced under this address');
    if (!lease) return;
    this.#lease = lease;
    lease.once('lost', () => {
      this.#state = 'superseded';
      logger.error({ url: asked.url }, 'another process has announced itself under this address');
    });
    if (this.#info !== asked) void lease.update(this.#info);
  }
}
