/**
 * Tells of recordings, which go on after their broadcast, at a delivery node that may be another process. In: the statuses of broadcasts,
 * which say that there is a recording and when to look; and the delivery node, which is asked for it. Out: events (Webhooks.ts).
 *
 * Which recordings are not over yet is in the database: whoever of the two processes is killed, the end of a recording is told.
 */
import { z } from 'zod';
import { assertUnreachable } from '../common/assert.ts';
import type { Logger } from '../common/logger.ts';
import { AppError } from '../contracts/errors.ts';
import type { RecordingAbout } from '../contracts/webhooks.ts';
import type { Database } from '../durable/Database.ts';
import type { Webhooks } from './Webhooks.ts';

/** How often a recording is looked at whose broadcast is over, ms: what is done with it takes seconds to minutes. */
const LOOK_MS = 2_000;

const MIGRATIONS = [
  'CREATE TABLE webhook_recordings (id TEXT PRIMARY KEY, broadcast TEXT NOT NULL, room TEXT NOT NULL, told TEXT NOT NULL) STRICT',
];

const Expected = z.object({ id: z.string(), broadcast: z.string(), room: z.string(), told: z.string() });
/** `told`: what was last told of it. `over`: nobody says when to look any more. */
type Expected = z.infer<typeof Expected> & { over: boolean };

export interface RecordingWatchOptions {
  database: Database;
  /** Throws AppError `not-found` when there is none, or none any more. */
  find: (id: string) => Promise<RecordingAbout>;
  webhooks: Pick<Webhooks, 'emit' | 'written'>;
  logger: Logger;
  lookMs?: number;
}

export class RecordingWatch {
  readonly #options: RecordingWatchOptions;
  readonly #expected = new Map<string, Expected>();
  /** Race: two looks at one recording would both tell of it; one after the other. */
  #looking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #state: 'open' | 'closed' = 'open';

  /** Goes on with what an earlier process was waiting for. */
  constructor(options: RecordingWatchOptions) {
    this.#options = options;
    options.database.migrate('webhook-recordings', MIGRATIONS);
    for (const row of options.database.all('SELECT * FROM webhook_recordings')) {
      const expected = { ...Expected.parse(row), over: true };
      this.#expected.set(expected.id, expected);
    }
    this.#schedule();
  }

  /** The status of a broadcast with this recording has moved. */
  noticed(room: string, broadcast: string, id: string, over: boolean): void {
    if (this.#state === 'closed') return;
    const expected = this.#expected.get(id) ?? { id, room, broadcast, told: '', over };
    expected.over = over;
    if (!this.#expected.has(id)) {
      this.#expected.set(id, expected);
      this.#save(expected);
    }
    this.#look(expected);
  }

  #schedule(): void {
    const waits = [...this.#expected.values()].some(({ over }) => over);
    if (this.#state === 'closed' || this.#timer || !waits) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const expected of this.#expected.values()) if (expected.over) this.#look(expected);
    }, this.#options.lookMs ?? LOOK_MS).unref();
  }

  #look(expected: Expected): void {
    this.#looking = this.#looking
      .then(() => (this.#state === 'open' && this.#expected.has(expected.id) ? this.#tellOf(expected) : undefined))
      .catch((error: unknown) => this.#options.logger.debug({ err: error }, 'a recording can not be looked at'))
      .finally(() => this.#schedule());
  }

  async #tellOf(expected: Expected): Promise<void> {
    const { find, webhooks } = this.#options;
    let recording: RecordingAbout;
    try {
      recording = await find(expected.id);
    } catch (error) {
      const none = error instanceof AppError && error.code === 'not-found';
      if (!none) throw error;
      // Before its broadcast is over it may only not have begun.
      if (expected.over) this.#forget(expected);
      return;
    }
    const { type, last } = newsOf(recording);
    const told = last ? `${type} at last` : (type ?? expected.told);
    if (type && told !== expected.told) {
      webhooks.emit(type, expected.room, { broadcast: expected.broadcast, recording });
      // Noted after the event is written: killed in between, it is told twice rather than never.
      await webhooks.written();
      expected.told = told;
      if (!last) this.#save(expected);
    }
    if (last) this.#forget(expected);
  }

  #save({ id, broadcast, room, told }: Expected): void {
    this.#try(() =>
      this.#options.database.run(
        'INSERT INTO webhook_recordings VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET told = excluded.told',
        ...[id, broadcast, room, told],
      ),
    );
  }

  #forget({ id }: Expected): void {
    this.#expected.delete(id);
    this.#try(() => this.#options.database.run('DELETE FROM webhook_recordings WHERE id = ?', id));
  }

  /** A disk that is full must not take a broadcast with it. */
  #try(write: () => unknown): void {
    try {
      write();
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'what was told of a recording could not be written');
    }
  }

  /** Idempotent. Resolves when the look that is under way is over. */
  async close(): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    await this.#looking;
  }
}

/** What a recording as it is now is worth telling; `last`: nothing follows. */
function newsOf({ state, complete }: RecordingAbout): {
  type?: 'recording.started' | 'recording.incomplete' | 'recording.finished' | 'recording.failed';
  last: boolean;
} {
  switch (state) {
    case 'recording':
      return { type: complete ? 'recording.started' : 'recording.incomplete', last: false };
    case 'processing':
      return complete ? { last: false } : { type: 'recording.incomplete', last: false };
    case 'finished':
      return { type: 'recording.finished', last: true };
    case 'incomplete':
      return { type: 'recording.incomplete', last: true };
    case 'failed':
      return { type: 'recording.failed', last: true };
    default:
      return assertUnreachable(state);
  }
}
