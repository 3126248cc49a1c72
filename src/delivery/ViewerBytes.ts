import { newId } from '../common/ids.ts';
import type { UsageSink } from './DeliveryUsage.ts';

/** Nobody has fetched anything of the broadcast for this long: its counter is given up, and another begins from 0, ms. */
const FORGET_MS = 3_600_000;

interface Counter {
  room: string;
  /** Never used again for another count. */
  source: string;
  bytes: number;
  at: number;
}

/** Bytes of answers to viewers, by broadcast; also of broadcasts of other nodes, and of ended ones. */
export class ViewerBytes {
  readonly #counters = new Map<string, Counter>();
  readonly #sink: UsageSink | undefined;

  constructor(sink?: UsageSink) {
    this.#sink = sink;
    sink?.watch(() => this.#tell());
  }

  add(broadcast: { id: string; room: string }, bytes: number): void {
    let counter = this.#counters.get(broadcast.id);
    if (!counter) {
      counter = { room: broadcast.room, source: newId('u'), bytes: 0, at: 0 };
      this.#counters.set(broadcast.id, counter);
    }
    counter.bytes += bytes;
    counter.at = performance.now();
  }

  #tell(): void {
    const oldest = performance.now() - FORGET_MS;
    for (const [id, { room, source, bytes, at }] of this.#counters) {
      this.#sink?.broadcast({ id, room, tenant: null, epoch: null });
      this.#sink?.count({ broadcast: id, kind: 'viewers', subject: '', source }, bytes);
      if (at < oldest) this.#counters.delete(id);
    }
  }
}
