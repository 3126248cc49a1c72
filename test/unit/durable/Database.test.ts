import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '../../../src/durable/Database.ts';
import { DataDirLock } from '../../../src/durable/DataDirLock.ts';

const PAIRS = ['CREATE TABLE pairs (n INTEGER PRIMARY KEY, half TEXT NOT NULL) STRICT'];
const WRITER = fileURLToPath(new URL('../../support/durableWriter.ts', import.meta.url));

let folder: string;
const opened: Database[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lianmai-durable-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const database of opened.splice(0)) database.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): Database {
  const database = Database.open(folder);
  opened.push(database);
  return database;
}

function startWriter(mode: 'write' | 'lock'): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [WRITER, mode, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return { child, lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() };
}

describe('the file', () => {
  test("is its owner's alone, with a WAL that is flushed at each commit", () => {
    const database = open();
    database.migrate('pairs', PAIRS);
    for (const name of ['lianmai.sqlite', 'lianmai.sqlite-wal', 'lianmai.sqlite-shm'])
      expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
    expect(database.get('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' });
    expect(database.get('PRAGMA synchronous')).toEqual({ synchronous: 2 });
    expect(database.get('PRAGMA foreign_keys')).toEqual({ foreign_keys: 1 });
  });

  test('keeps its rows for the next start', () => {
    const first = open();
    first.migrate('pairs', PAIRS);
    first.run('INSERT INTO pairs VALUES (?, ?)', 1, 'left');
    first.close();
    const second = open();
    second.migrate('pairs', PAIRS);
    expect(second.all('SELECT * FROM pairs')).toEqual([{ n: 1, half: 'left' }]);
  });

  test('that is no database is named in the error', () => {
    writeFileSync(
      join(folder, 'lianmai.sqlite'),
      'not a database at all, but long enough to be looked at as a header of one',
    );
    expect(() => open()).toThrow(/lianmai\.sqlite can not be opened/);
  });

  test('close is idempotent, and nothing works after it', () => {
    const database = open();
    database.close();
    database.close();
    expect(database.open).toBe(false);
    expect(() => database.all('SELECT 1')).toThrow();
  });
});

describe('migrations', () => {
  test('each step is applied once, modules apart', () => {
    const database = open();
    const second = "INSERT INTO pairs VALUES (7, 'seven')";
    database.migrate('pairs', PAIRS);
    database.migrate('pairs', [...PAIRS, second]);
    database.migrate('pairs', [...PAIRS, second]);
    database.migrate('others', ['CREATE TABLE others (n INTEGER) STRICT']);
    expect(database.all('SELECT n FROM pairs')).toEqual([{ n: 7 }]);
    expect(database.all('SELECT module, step FROM migrations ORDER BY 1, 2')).toEqual([
      { module: 'others', step: 0 },
      { module: 'pairs', step: 0 },
      { module: 'pairs', step: 1 },
    ]);
  });

  test('a step that fails leaves nothing of itself and of those before it', () => {
    const database = open();
    expect(() => database.migrate('pairs', [...PAIRS, 'CREATE TABLE other (n INTEGER); SELECT nonsense'])).toThrow();
    expect(database.all("SELECT name FROM sqlite_schema WHERE name IN ('pairs', 'other')")).toEqual([]);
    database.migrate('pairs', PAIRS);
  });

  test('an older version on newer records, and a step with another text, are refused', () => {
    const database = open();
    database.migrate('pairs', [...PAIRS, 'CREATE TABLE more (n INTEGER)']);
    expect(() => database.migrate('pairs', PAIRS)).toThrow(/newer version/);
    expect(() =>
      database.migrate('pairs', ['CREATE TABLE changed (n INTEGER)', 'CREATE TABLE more (n INTEGER)']),
    ).toThrow(/step 0/);
  });
});

describe('transaction', () => {
  test('is all or nothing, and one inside another is undone alone', () => {
    const database = Database.inMemory();
    opened.push(database);
    database.migrate('pairs', PAIRS);
    const put = (n: number) => database.run('INSERT INTO pairs VALUES (?, ?)', n, String(n));
    const fail = () => {
      throw new Error('no');
    };
    expect(database.transaction(() => put(1).changes)).toBe(1);
    expect(() =>
      database.transaction(() => {
        put(2);
        fail();
      }),
    ).toThrow('no');
    database.transaction(() => {
      put(3);
      expect(() =>
        database.transaction(() => {
          put(4);
          fail();
        }),
      ).toThrow('no');
    });
    expect(database.all('SELECT n FROM pairs')).toEqual([{ n: 1 }, { n: 3 }]);
  });
});

test('kill -9 of a writer in mid-write: what it had been told is kept is there, whole, and the file is sound', async () => {
  for (let round = 0; round < 3; round++) {
    const { child, lines } = startWriter('write');
    let acknowledged = 0;
    for (let i = 0; i < 20 * (round + 1); i++) acknowledged = Number((await lines.next()).value);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    const database = open();
    expect(database.get('PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' });
    const { left, right } = database.get(
      "SELECT count(*) FILTER (WHERE half = 'left') AS left, count(*) FILTER (WHERE half = 'right') AS right FROM halves",
    ) as { left: number; right: number };
    expect(left).toBe(right);
    expect(left).toBeGreaterThanOrEqual(acknowledged);
    database.close();
  }
});

describe('DataDirLock', () => {
  test('a second process of a role is refused by name until the first is gone, even by kill -9', async () => {
    const { child, lines } = startWriter('lock');
    expect((await lines.next()).value).toBe('locked');
    expect(() => DataDirLock.take(folder, ['delivery', 'sfu'])).toThrow(
      /another Lianmai \(sfu\) uses the data directory/,
    );
    DataDirLock.take(folder, ['delivery']).release();
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    const lock = DataDirLock.take(folder, ['sfu', 'delivery']);
    expect(() => DataDirLock.take(folder, ['sfu'])).toThrow(/another Lianmai/);
    expect(statSync(join(folder, 'sfu.lock')).mode & 0o777).toBe(0o600);
    lock.release();
    lock.release();
    DataDirLock.take(folder, ['sfu']).release();
  });

  test('two databases on one file, of roles that run apart, take turns', () => {
    const [one, other] = [open(), open()];
    one.migrate('pairs', PAIRS);
    other.migrate('pairs', PAIRS);
    one.run('INSERT INTO pairs VALUES (1, ?)', 'one');
    other.run('INSERT INTO pairs VALUES (2, ?)', 'other');
    expect(one.all('SELECT n FROM pairs')).toEqual(other.all('SELECT n FROM pairs'));
  });
});
