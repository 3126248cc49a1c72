/** A process that is killed in mid-write: says each number after its two rows are committed. `lock` only holds the lock of role sfu. */
import { writeSync } from 'node:fs';
import { Database } from '../../src/durable/Database.ts';
import { DataDirLock } from '../../src/durable/DataDirLock.ts';

const [, , mode, folder = ''] = process.argv;

if (mode === 'lock') {
  DataDirLock.take(folder, ['sfu']);
  writeSync(1, 'locked\n');
  setInterval(() => {}, 60_000);
} else {
  const database = Database.open(folder);
  database.migrate('halves', [
    'CREATE TABLE halves (n INTEGER NOT NULL, half TEXT NOT NULL, filler BLOB NOT NULL) STRICT',
  ]);
  const filler = Buffer.alloc(8192, 'x');
  const { n: before } = database.get('SELECT count(*) / 2 AS n FROM halves') as { n: number };
  for (let n = before + 1; ; n++) {
    database.transaction(() => {
      for (const half of ['left', 'right']) database.run('INSERT INTO halves VALUES (?, ?, ?)', n, half, filler);
    });
    writeSync(1, `${n}\n`);
  }
}
