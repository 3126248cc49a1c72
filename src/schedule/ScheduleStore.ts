/** Scheduled broadcasts in SQLite (durable/Database.ts), for a server without Redis: with it they are in the directory, where every node has them. */
import { z } from 'zod';
import { ScheduledStart } from '../directory/entries.ts';
import type { Database } from '../durable/Database.ts';

const MIGRATIONS = ['CREATE TABLE schedules (room TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID'];

const ScheduleRow = z.object({ record: z.string() });

export class ScheduleStore {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  static open(database: Database): ScheduleStore {
    database.migrate('schedules', MIGRATIONS);
    return new ScheduleStore(database);
  }

  /** On disk when it returns. */
  save(record: ScheduledStart): void {
    this.#database.run(
      'INSERT INTO schedules (room, record) VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET record = excluded.record',
      record.room,
      JSON.stringify(record),
    );
  }

  remove(room: string): void {
    this.#database.run('DELETE FROM schedules WHERE room = ?', room);
  }

  all(): ScheduledStart[] {
    return this.#database
      .all('SELECT record FROM schedules')
      .map((row) => ScheduledStart.parse(JSON.parse(ScheduleRow.parse(row).record)));
  }
}
