/**
 * One process of a role per data directory: two would send each webhook twice and write into each other's recordings. Roles that run
 * apart may share a directory. The lock is SQLite's on an empty database, so the operating system drops it with the process, however
 * that ends.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makePrivate } from './Database.ts';

export type LockedRole = 'sfu' | 'delivery';

export class DataDirLock {
  readonly #held: DatabaseSync[] = [];

  private constructor() {}

  /** Throws when another process has one of the roles in this directory. */
  static take(dataDir: string, roles: readonly LockedRole[]): DataDirLock {
    const lock = new DataDirLock();
    try {
      for (const role of roles) lock.#take(dataDir, role);
    } catch (error) {
      lock.release();
      throw error;
    }
    return lock;
  }

  #take(dataDir: string, role: LockedRole): void {
    const path = join(dataDir, `${role}.lock`);
    makePrivate(path);
    const sqlite = new DatabaseSync(path, { timeout: 0 });
    this.#held.push(sqlite);
    try {
      sqlite.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
      throw new Error(
        `another Lianmai (${role}) uses the data directory ${dataDir}. Stop it, or give this one another with --data-dir.`,
        { cause: error },
      );
    }
  }

  /** Idempotent. */
  release(): void {
    for (const sqlite of this.#held) if (sqlite.isOpen) sqlite.close();
  }
}

/** Whether `take` was refused because another process has the directory. */
export const isDirectoryInUse = (error: unknown): boolean =>
  ((error as Error).cause as { errcode?: number } | undefined)?.errcode === SQLITE_BUSY;

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;
