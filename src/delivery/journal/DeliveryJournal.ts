/** The journals of a delivery node: `DATA_DIR/delivery/BROADCAST/`. Owned by Delivery.ts. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../common/logger.ts';
import type { Secret } from '../../common/Secret.ts';
import { SecretBox } from '../../common/SecretBox.ts';
import { BroadcastId } from '../../contracts/ids.ts';
import type { OpenOrder } from '../DeliveryBroadcast.ts';
import { BroadcastJournal } from './BroadcastJournal.ts';
import type { FoundBroadcast } from './KeptBroadcast.ts';

export interface DeliveryJournalOptions {
  dataDir: string;
  /** LIANMAI_SECRET; without, a key file in the data directory. */
  secrets: readonly Secret[];
  logger: Logger;
}

export class DeliveryJournal {
  readonly #folder: string;
  readonly #box: SecretBox;
  readonly #logger: Logger;

  private constructor(folder: string, box: SecretBox, logger: Logger) {
    this.#folder = folder;
    this.#box = box;
    this.#logger = logger;
  }

  static async create({ dataDir, secrets, logger }: DeliveryJournalOptions): Promise<DeliveryJournal> {
    const folder = join(dataDir, 'delivery');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new DeliveryJournal(folder, await SecretBox.create({ secrets, dataDir, purpose: 'destinations' }), logger);
  }

  /** undefined when the disk takes nothing: the broadcast goes on without. */
  begin(order: OpenOrder): BroadcastJournal | undefined {
    const logger = this.#loggerOf(order.broadcast);
    try {
      return BroadcastJournal.begin(this.#optionsOf(order.broadcast), order);
    } catch (error) {
      logger.error({ err: error }, 'the broadcast can not be kept on disk: it would not survive a crash');
      return undefined;
    }
  }

  /** Broadcasts whose process died. What can not be read is removed. `now`: wall clock, ms. */
  async find(now: number): Promise<{ journal: BroadcastJournal; found: FoundBroadcast }[]> {
    const all: { journal: BroadcastJournal; found: FoundBroadcast }[] = [];
    for (const name of await readdir(this.#folder)) {
      if (!BroadcastId.safeParse(name).success) continue;
      try {
        const one = BroadcastJournal.find(this.#optionsOf(name), now);
        if (one) all.push(one);
        else {
          this.#loggerOf(name).warn('nothing of use is kept of the broadcast');
          await rm(join(this.#folder, name), { recursive: true, force: true });
        }
      } catch (error) {
        this.#loggerOf(name).error({ err: error }, 'the disk does not give back what is kept of the broadcast');
      }
    }
    return all;
  }

  #optionsOf(broadcast: string) {
    return { folder: join(this.#folder, broadcast), box: this.#box, logger: this.#loggerOf(broadcast) };
  }

  #loggerOf(broadcast: string): Logger {
    return this.#logger.child({ broadcast });
  }
}
