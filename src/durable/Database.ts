/**
 * The node's durable records: one SQLite file, `lianmai.sqlite` in the data directory. In: the SQL of each module's store (usage,
 * webhooks, recordings). Out: rows. What a call has returned for outlives kill -9 and a power cut (`synchronous=FULL`: the WAL is
 * flushed at each commit). Modules do not share tables; each brings its own migrations.
 *
 * A call blocks the process until the disk has it, so stores gather what belongs together in one `transaction`. Stores have asynchronous
 * interfaces all the same: with PostgreSQL behind them nothing else changes.
 */
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';

export type Row = Record<string, SQLOutputValue>;

/** Another process that has the file for longer than this has hung, ms. */
const BUSY_TIMEOUT_MS = 5_000;

const MIGRATIONS = `CREATE TABLE IF NOT EXISTS migrations (
  module TEXT NOT NULL, step INTEGER NOT NULL, digest TEXT NOT NULL, applied_at INTEGER NOT NULL, PRIMARY KEY (module, step)
) STRICT`;

export class Database {
  readonly #sqlite: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;

  private constructor(sqlite: DatabaseSync) {
    this.#sqlite = sqlite;
  }

  /** Opens, or makes, the file in this folder. Throws when it can not be written or is no database. */
  static open(dataDir: string): Database {
    const path = join(dataDir, 'lianmai.sqlite');
    makePrivate(path);
    try {
      return Database.#at(path);
    } catch (error) {
      throw new Error(`the database ${path} can not be opened: ${(error as Error).message}`, { cause: error });
    }
  }

  /** One that is gone with the process, for tests. */
  static inMemory(): Database {
    return Database.#at(':memory:');
  }

  static #at(path: string): Database {
    const sqlite = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    try {
      // Its files get the mode of the main one.
      sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF');
      sqlite.exec(MIGRATIONS);
    } catch (error) {
      sqlite.close();
      throw error;
    }
    return new Database(sqlite);
  }

  get open(): boolean {
    return this.#sqlite.isOpen;
  }

  /**
   * Brings a module's tables to the newest form: of `steps`, in order, each is applied once in the life of the file, whole or not at all.
   * A step that was released is never changed, only followed by another. Throws when the file knows more steps than we do (an older
   * version on newer data), or another text of one.
   */
  migrate(module: string, steps: readonly string[]): void {
    this.transaction(() => {
      const applied = this.all('SELECT step, digest FROM migrations WHERE module = ? ORDER BY step', module);
      if (applied.length > steps.length)
        throw new Error(`the records of "${module}" were written by a newer version of Lianmai; start that one`);
      for (const [step, sql] of steps.entries()) {
        const digest = createHash('sha256').update(sql).digest('hex');
        const known = applied[step];
        if (known && known.digest !== digest)
          throw new Error(`step ${step} of the records of "${module}" is not the one that was applied to this file`);
        if (known) continue;
        this.#sqlite.exec(sql);
        this.run('INSERT INTO migrations VALUES (?, ?, ?, ?)', module, step, digest, Date.now());
      }
    });
  }

  /** Executes one statement; how many rows it changed, and the rowid of the last one that it inserted. */
  run(sql: string, ...parameters: SQLInputValue[]): { changes: number; lastId: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...parameters);
    return { changes: Number(changes), lastId: Number(lastInsertRowid) };
  }

  /** The first row. */
  get(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...parameters);
  }

  all(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...parameters);
  }

  /**
   * All that `work` does, or, when it throws, nothing of it; on disk when this returns. One inside another is part of the outer one,
   * and undone alone when it throws. `work` is synchronous: across an `await` other calls would get into it.
   */
  transaction<T>(work: () => T extends PromiseLike<unknown> ? never : T): T {
    const outer = this.#depth === 0;
    const [begin, commit, undo] = outer
      ? ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK']
      : [
          `SAVEPOINT s${this.#depth}`,
          `RELEASE s${this.#depth}`,
          `ROLLBACK TO s${this.#depth}; RELEASE s${this.#depth}`,
        ];
    this.#sqlite.exec(begin);
    this.#depth++;
    try {
      const result = work();
      this.#sqlite.exec(commit);
      return result;
    } catch (error) {
      // After some errors (disk full) SQLite has rolled back by itself.
      if (this.#sqlite.isTransaction) this.#sqlite.exec(undo);
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /** SQL texts are constants of the program, values are parameters: there are only so many statements. */
  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#sqlite.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Idempotent. */
  close(): void {
    if (!this.#sqlite.isOpen) return;
    this.#statements.clear();
    this.#sqlite.close();
  }
}

/** The file is there and only its owner's, before SQLite opens it. A file that is there is not opened: closing it would drop a lock that SQLite of this process has on it (fcntl(2)). */
export function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    chmodSync(path, 0o600);
  }
}
