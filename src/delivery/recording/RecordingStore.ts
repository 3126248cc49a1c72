/** Records of recordings in SQLite (durable/Database.ts): what there is, its files, and how far each upload got. */
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { RecordingId } from '../../contracts/ids.ts';
import { type Recording, RecordingEvent } from '../../contracts/recording.ts';
import type { Database } from '../../durable/Database.ts';
import { RecordingRecord } from './RecordingRecord.ts';

const MIGRATIONS = [
  `CREATE TABLE recordings (
     id TEXT PRIMARY KEY, room TEXT NOT NULL, started_at INTEGER NOT NULL, state TEXT NOT NULL, record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX recordings_room ON recordings (room, started_at);
   CREATE TABLE recording_files (
     recording TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
     name TEXT NOT NULL, bytes INTEGER NOT NULL, stored INTEGER NOT NULL, upload TEXT,
     PRIMARY KEY (recording, name)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE recording_events (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, recording TEXT NOT NULL
   ) STRICT;`,
];

/** Who asks for events is away for so many at most; older ones are dropped. */
const KEPT_EVENTS = 10_000;
/** Files that are noted in one transaction: a few milliseconds. */
const ROWS_AT_ONCE = 200;
/** In one answer. */
const EVENTS_AT_ONCE = 100;

export interface RecordingFile {
  /** Relative: `v720/12.m4s`. */
  name: string;
  bytes: number;
  /** It is in the storage. */
  stored: boolean;
}

const FileRow = z.object({ name: z.string(), bytes: z.number(), stored: z.number().transform((v) => v === 1) });

export class RecordingStore {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  static open(database: Database): RecordingStore {
    database.migrate('recordings', MIGRATIONS);
    return new RecordingStore(database);
  }

  async save(record: RecordingRecord): Promise<void> {
    this.#database.run(
      `INSERT INTO recordings (id, room, started_at, state, record) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET started_at = excluded.started_at, state = excluded.state, record = excluded.record`,
      record.id,
      record.room,
      Math.round(record.startedAt),
      record.state,
      JSON.stringify(record),
    );
  }

  async get(id: RecordingId): Promise<RecordingRecord | null> {
    const row = this.#database.get('SELECT record FROM recordings WHERE id = ?', id);
    return row ? parse(row) : null;
  }

  /** The newest first. */
  async list({ room, limit }: { room?: string | undefined; limit: number }): Promise<RecordingRecord[]> {
    const rows =
      room === undefined
        ? this.#database.all('SELECT record FROM recordings ORDER BY started_at DESC LIMIT ?', limit)
        : this.#database.all(
            'SELECT record FROM recordings WHERE room = ? ORDER BY started_at DESC LIMIT ?',
            room,
            limit,
          );
    return rows.map(parse);
  }

  /** Those that an earlier process did not finish, and those with transcodes that wait; the oldest first. */
  async unfinished(): Promise<RecordingRecord[]> {
    const rows = this.#database.all('SELECT record FROM recordings ORDER BY started_at');
    return rows
      .map(parse)
      .filter(
        ({ state, transcodes }) =>
          state === 'recording' ||
          state === 'processing' ||
          transcodes.some((t) => t.state === 'queued' || t.state === 'running'),
      );
  }

  async addEvent(type: RecordingEvent['type'], recording: Recording): Promise<void> {
    this.#database.transaction(() => {
      const { lastId } = this.#database.run(
        'INSERT INTO recording_events (type, recording) VALUES (?, ?)',
        type,
        JSON.stringify(recording),
      );
      this.#database.run('DELETE FROM recording_events WHERE sequence <= ?', lastId - KEPT_EVENTS);
    });
  }

  /** In order; a hundred at most. */
  async eventsAfter(sequence: number): Promise<RecordingEvent[]> {
    return this.#database
      .all(
        'SELECT sequence, type, recording FROM recording_events WHERE sequence > ? ORDER BY sequence LIMIT ?',
        sequence,
        EVENTS_AT_ONCE,
      )
      .map((row) => RecordingEvent.parse({ ...row, recording: JSON.parse(String(row.recording)) }));
  }

  /** Of the newest event; 0 before the first. */
  async newestEvent(): Promise<number> {
    return Number(this.#database.get('SELECT max(sequence) AS newest FROM recording_events')?.newest ?? 0);
  }

  /** With all that is known of its files. */
  async delete(id: RecordingId): Promise<void> {
    this.#database.run('DELETE FROM recordings WHERE id = ?', id);
  }

  /**
   * Names what is to be in the storage; what is there already stays so. Six hours have 30,000 files: between batches the live programs have
   * their turn.
   */
  async addFiles(id: RecordingId, files: readonly { name: string; bytes: number }[]): Promise<void> {
    for (let at = 0; at < files.length; at += ROWS_AT_ONCE) {
      this.#database.transaction(() => {
        for (const { name, bytes } of files.slice(at, at + ROWS_AT_ONCE))
          this.#database.run(
            `INSERT INTO recording_files (recording, name, bytes, stored) VALUES (?, ?, ?, 0)
             ON CONFLICT (recording, name) DO UPDATE SET bytes = excluded.bytes, stored = 0, upload = NULL
             WHERE bytes <> excluded.bytes`,
            id,
            name,
            bytes,
          );
      });
      await setImmediate();
    }
  }

  async file(id: RecordingId, name: string): Promise<RecordingFile | null> {
    const row = this.#database.get(
      'SELECT name, bytes, stored FROM recording_files WHERE recording = ? AND name = ?',
      id,
      name,
    );
    return row ? FileRow.parse(row) : null;
  }

  /** Names of the files that are not in the storage yet. */
  async waitingFiles(id: RecordingId): Promise<string[]> {
    return this.#database
      .all('SELECT name FROM recording_files WHERE recording = ? AND stored = 0 ORDER BY name', id)
      .map((row) => String(row.name));
  }

  async markStored(id: RecordingId, names: readonly string[]): Promise<void> {
    this.#database.transaction(() => {
      for (const name of names)
        this.#database.run(
          'UPDATE recording_files SET stored = 1, upload = NULL WHERE recording = ? AND name = ?',
          id,
          name,
        );
    });
  }

  /** How far the upload of a large file got (storage/Storage.ts, UploadProgress). */
  async upload(id: RecordingId, name: string): Promise<string | null> {
    const row = this.#database.get('SELECT upload FROM recording_files WHERE recording = ? AND name = ?', id, name);
    return typeof row?.upload === 'string' ? row.upload : null;
  }

  async saveUpload(id: RecordingId, name: string, state: string | null): Promise<void> {
    this.#database.run('UPDATE recording_files SET upload = ? WHERE recording = ? AND name = ?', state, id, name);
  }
}

const parse = (row: Record<string, unknown>): RecordingRecord => RecordingRecord.parse(JSON.parse(String(row.record)));
