/**
 * Work that one node does for all, such as a controller of the whole fleet. In: the directory's kind `leader`; the entry's id names the work.
 * Out: whether this node does it. Each candidate asks when nobody has it; a leader that gives it back or dies is followed at once.
 *
 * While the directory is away a leader stays one, as every owner does: until it is back another one may have been chosen by those who
 * reach it. So the work has to be such that two who do it for a moment do no harm, or shows `fence` to whoever can refuse the lower one.
 */
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { AppError } from '../contracts/errors.ts';
import type { Directory } from './Directory.ts';
import type { Lease } from './Lease.ts';
import type { View } from './View.ts';

/** A directory that could not be asked is asked again after, ms. */
const RETRY_MS = 500;

interface LeadershipEvents {
  /** This node does the work from now on. */
  began: [];
  /** Another node does, or nobody for the moment. Not after `close`. */
  ended: [];
}

export interface LeadershipOptions {
  directory: Pick<Directory, 'claim' | 'watch' | 'node'>;
  /** Of the work; the same on all nodes. */
  name: string;
  logger: Logger;
}

export class Leadership extends TypedEmitter<LeadershipEvents> {
  readonly #options: LeadershipOptions;
  readonly #logger: Logger;
  readonly #view: View<'leader'>;
  #lease: Lease<'leader'> | undefined;
  #asking: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(options: LeadershipOptions, view: View<'leader'>) {
    super();
    this.#options = options;
    this.#logger = options.logger.child({ part: 'leadership', work: options.name });
    this.#view = view;
  }

  /** A candidate from now on; the first event comes after this has resolved. Does not fail when the directory can not be reached. */
  static async create(options: LeadershipOptions): Promise<Leadership> {
    const leadership = new Leadership(options, await options.directory.watch('leader'));
    leadership.#view.on('gone', leadership.#onGone);
    setImmediate(() => leadership.#ask());
    return leadership;
  }

  get leads(): boolean {
    return this.#lease !== undefined;
  }

  /** Of the present leadership; each is higher than all before it. undefined: another node leads. */
  get fence(): number | undefined {
    return this.#lease?.fence;
  }

  /** Gives it back: another candidate has it at once. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#view.off('gone', this.#onGone);
    await this.#asking;
    const lease = this.#lease;
    this.#lease = undefined;
    await lease?.release();
  }

  readonly #onGone = ({ id }: { id: string }): void => {
    if (id === this.#options.name) this.#ask();
  };

  /** Race: a leader may go while we are still being told that it is there; one question at a time, and none is lost. */
  #ask(): void {
    if (this.#closed || this.#lease) return;
    clearTimeout(this.#retry);
    this.#asking = (this.#asking ?? Promise.resolve()).then(() => this.#claim());
  }

  async #claim(): Promise<void> {
    const { directory, name } = this.#options;
    if (this.#closed || this.#lease) return;
    try {
      const { lease, holder } = await directory.claim('leader', name, { url: directory.node });
      if (lease) this.#begin(lease);
      else this.#logger.debug({ leader: holder.holder }, 'another node leads');
    } catch (error) {
      if (error instanceof AppError && error.code === 'shutting-down') return;
      this.#logger.debug({ err: error }, 'could not ask to lead');
      if (!this.#closed) this.#retry = setTimeout(() => this.#ask(), RETRY_MS);
    }
  }

  #begin(lease: Lease<'leader'>): void {
    this.#lease = lease;
    lease.once('lost', ({ holder }) => {
      if (this.#lease !== lease) return;
      this.#lease = undefined;
      this.#logger.warn({ leader: holder }, 'another node leads now');
      if (this.#closed) return;
      this.emit('ended');
      // It was somebody's in between, and is nobody's now.
      if (holder === '') this.#ask();
    });
    this.#logger.info({ fence: lease.fence }, 'this node leads');
    if (!this.#closed) this.emit('began');
  }
}
