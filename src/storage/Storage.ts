/**
 * Where finished recordings are kept: this machine's disk (LocalStorage.ts), or any S3-compatible store (S3Storage.ts). An object is
 * written whole and then never changed; its key is a relative path of names.
 */
import type { Readable } from 'node:stream';
import { AppError } from '../contracts/errors.ts';

export interface StoredObject {
  key: string;
  bytes: number;
}

/** Both ends are part of it, as in HTTP (RFC 9110 section 14.1.2). */
export interface ByteRange {
  start: number;
  end: number;
}

/** How far a large upload got: kept by the caller over a restart, meaningless to it. */
export interface UploadProgress {
  load(): Promise<string | null>;
  /** null: done, or given up. */
  save(state: string | null): Promise<void>;
}

export interface PutOptions {
  contentType: string;
  /** Without it an upload that breaks off begins anew. */
  progress?: UploadProgress;
  signal?: AbortSignal;
}

export interface Storage {
  /** `file`, or `s3://BUCKET/PREFIX`; no secrets. */
  readonly name: string;
  /** The object is there when this resolves; when it rejects, it is there whole or not at all. What was there under the key is replaced. */
  put(key: string, source: Buffer | { path: string }, options: PutOptions): Promise<void>;
  /** The bytes, or those of a range that lies within the object. Throws AppError `not-found`. */
  get(key: string, range?: ByteRange): Promise<Readable>;
  /** null: there is no such object. */
  stat(key: string): Promise<StoredObject | null>;
  /** All objects whose key begins with `folder/`, in the order of their keys. */
  list(folder: string): AsyncIterable<StoredObject>;
  /** Idempotent. */
  delete(key: string): Promise<void>;
  /** All of `list(folder)`. Idempotent. */
  deleteFolder(folder: string): Promise<void>;
  close(): void;
}

/** Throws `not-found` for what is no key: nothing can be under it. */
export function checkKey(key: string): string {
  if (key.length > 512 || !/^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/.test(key))
    throw new AppError('not-found', 'There is no such object.');
  return key;
}
