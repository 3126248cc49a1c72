/**
 * Objects in a bucket of any S3-compatible store, below a prefix. Requests are tried five times by the SDK. A large file goes in parts
 * (multipart upload); which parts are there is told to `PutOptions.progress`, so that a restart goes on with the next one.
 */
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { z } from 'zod';
import type { Secret } from '../common/Secret.ts';
import { AppError } from '../contracts/errors.ts';
import { type ByteRange, checkKey, type PutOptions, type Storage, type StoredObject } from './Storage.ts';

/** Larger files go in parts. A part has 5 MiB at least (Amazon S3 user guide, "Multipart upload limits"). */
const PART_BYTES = 8 * 1024 * 1024;
/** An upload has 10,000 parts at most. */
const MAX_PARTS = 9_000;
const ATTEMPTS = 5;
/** How many objects are deleted at the same time. */
const PARALLEL_DELETES = 8;
const CONNECT_LIMIT_MS = 5_000;
/** Without a byte for this long a request has hung, ms. */
const SILENCE_LIMIT_MS = 30_000;

export interface S3Options {
  bucket: string;
  /** Without a slash at either end; may be empty. */
  prefix: string;
  /** Empty: Amazon's own. */
  endpoint: string;
  region: string;
  /** null: the SDK looks where it always does (environment, shared files, the machine's role). */
  credentials: { accessKeyId: string; secretAccessKey: Secret } | null;
  /** See PART_BYTES. */
  partBytes?: number;
  /** Keys in one answer to a list; stores give 1000 at most. */
  pageKeys?: number;
}

/** How far a multipart upload got. Of another size of the file or its parts it is of no use. */
const UploadState = z.object({
  uploadId: z.string(),
  bytes: z.int(),
  partBytes: z.int(),
  /** ETags of the parts that are there, in order. */
  etags: z.array(z.string()),
});
type UploadState = z.infer<typeof UploadState>;

export class S3Storage implements Storage {
  readonly name: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #partBytes: number;
  readonly #pageKeys: number;

  constructor(options: S3Options) {
    const { bucket, prefix, endpoint, region, credentials, partBytes = PART_BYTES, pageKeys = 1000 } = options;
    this.#pageKeys = pageKeys;
    this.name = `s3://${bucket}${prefix ? `/${prefix}` : ''}`;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#partBytes = partBytes;
    this.#client = new S3Client({
      region,
      maxAttempts: ATTEMPTS,
      // Of stores other than Amazon's few know the newer checksums, or buckets as host names.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
      ...(credentials
        ? {
            credentials: {
              accessKeyId: credentials.accessKeyId,
              secretAccessKey: credentials.secretAccessKey.reveal(),
            },
          }
        : {}),
      requestHandler: { connectionTimeout: CONNECT_LIMIT_MS, socketTimeout: SILENCE_LIMIT_MS },
    });
  }

  async put(key: string, source: Buffer | { path: string }, options: PutOptions): Promise<void> {
    const { contentType, signal } = options;
    if (!Buffer.isBuffer(source)) {
      const { size } = await stat(source.path);
      if (size > this.#partBytes) return this.#putParts(key, source.path, size, options);
    }
    const Body = Buffer.isBuffer(source) ? source : await readFile(source.path);
    const put = new PutObjectCommand({ ...this.#at(key), Body, ContentType: contentType });
    await this.#client.send(put, abortable(signal));
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const Range = range ? `bytes=${range.start}-${range.end}` : undefined;
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ ...this.#at(key), Range }));
      return Body as Readable;
    } catch (error) {
      if (isAbsent(error)) throw new AppError('not-found', 'There is no such object.', { cause: error });
      if (statusOf(error) === 416) throw new AppError('bad-request', 'no such range', { cause: error });
      throw error;
    }
  }

  async stat(key: string): Promise<StoredObject | null> {
    try {
      const { ContentLength = 0 } = await this.#client.send(new HeadObjectCommand(this.#at(key)));
      return { key, bytes: ContentLength };
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  /** By version 1 of the request, which every store knows: the next page begins after the last key of this one. */
  async *list(folder: string): AsyncGenerator<StoredObject> {
    const Prefix = `${this.#at(folder).Key}/`;
    let Marker: string | undefined;
    for (;;) {
      const list = { Bucket: this.#bucket, Prefix, Marker, MaxKeys: this.#pageKeys };
      const page = await this.#client.send(new ListObjectsCommand(list));
      const found = page.Contents ?? [];
      for (const { Key = '', Size = 0 } of found)
        yield { key: Key.slice(this.#prefix ? this.#prefix.length + 1 : 0), bytes: Size };
      Marker = found.at(-1)?.Key;
      if (!page.IsTruncated || Marker === undefined) return;
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.#client.send(new DeleteObjectCommand(this.#at(key)));
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  /** One request an object: not every store knows the one that deletes many. */
  async deleteFolder(folder: string): Promise<void> {
    const keys: string[] = [];
    for await (const { key } of this.list(folder)) keys.push(key);
    const worker = async (): Promise<void> => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) await this.delete(key);
    };
    await Promise.all(Array.from({ length: PARALLEL_DELETES }, worker));
  }

  close(): void {
    this.#client.destroy();
  }

  #at(key: string): { Bucket: string; Key: string } {
    const name = checkKey(key);
    return { Bucket: this.#bucket, Key: this.#prefix ? `${this.#prefix}/${name}` : name };
  }

  async #putParts(key: string, path: string, bytes: number, options: PutOptions): Promise<void> {
    const { progress, signal } = options;
    const partBytes = Math.max(this.#partBytes, Math.ceil(bytes / MAX_PARTS));
    const known = readState((await progress?.load()) ?? null);
    const goesOn = known?.bytes === bytes && known.partBytes === partBytes;
    let state = goesOn ? known : await this.#begin(key, bytes, partBytes, options);
    const file = await open(path);
    try {
      while (state.etags.length * partBytes < bytes) {
        signal?.throwIfAborted();
        state = { ...state, etags: [...state.etags, await this.#putPart(key, file, state, signal)] };
        await progress?.save(JSON.stringify(state));
      }
      const Parts = state.etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
      await this.#client.send(
        new CompleteMultipartUploadCommand({
          ...this.#at(key),
          UploadId: state.uploadId,
          MultipartUpload: { Parts },
        }),
        abortable(signal),
      );
    } catch (error) {
      // The store has forgotten the upload (a lifecycle rule may do that): the next try begins anew.
      if (error instanceof S3ServiceException && error.name === 'NoSuchUpload') await progress?.save(null);
      throw error;
    } finally {
      await file.close();
    }
    await progress?.save(null);
  }

  async #begin(key: string, bytes: number, partBytes: number, options: PutOptions): Promise<UploadState> {
    const { contentType, progress, signal } = options;
    const create = new CreateMultipartUploadCommand({ ...this.#at(key), ContentType: contentType });
    const { UploadId } = await this.#client.send(create, abortable(signal));
    if (!UploadId) throw new Error('the store gave no upload id');
    const state = { uploadId: UploadId, bytes, partBytes, etags: [] };
    await progress?.save(JSON.stringify(state));
    return state;
  }

  async #putPart(key: string, file: FileHandle, state: UploadState, signal?: AbortSignal): Promise<string> {
    const start = state.etags.length * state.partBytes;
    const Body = Buffer.alloc(Math.min(state.partBytes, state.bytes - start));
    const { bytesRead } = await file.read(Body, 0, Body.length, start);
    if (bytesRead < Body.length) throw new Error('the file became shorter while it was uploaded');
    const part = { ...this.#at(key), UploadId: state.uploadId, PartNumber: state.etags.length + 1, Body };
    const { ETag } = await this.#client.send(new UploadPartCommand(part), abortable(signal));
    if (!ETag) throw new Error('the store gave no ETag');
    return ETag;
  }
}

function readState(text: string | null): UploadState | null {
  if (text === null) return null;
  return UploadState.parse(JSON.parse(text));
}

const abortable = (signal?: AbortSignal): { abortSignal?: AbortSignal } => (signal ? { abortSignal: signal } : {});

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;

const isAbsent = (error: unknown): boolean => statusOf(error) === 404;
