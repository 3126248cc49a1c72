/**
 * The segments of one broadcast on the disk, for the time shift and the recording. In: each part as it becomes visible. Out: files
 * (ArchiveManifest.ts has their layout), and the bytes of older segments for playback. Next: recording/.
 *
 * Nothing here holds up the live program: writes wait in a queue of their own, and what can not be written is left out and told by
 * `trouble`. Each segment is tried anew, so it goes on when there is space again.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../common/logger.ts';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import { writeFileAtomic } from '../../common/writeFileAtomic.ts';
import type { CaptionLine } from '../../contracts/captions.ts';
import { partsPerSegment } from '../../contracts/grid.ts';
import type { RecordingId, RenditionId } from '../../contracts/ids.ts';
import { parseInit } from '../mp4/initSegment.ts';
import type { SegmentArchive } from '../SegmentArchive.ts';
import { type ArchiveManifest, writeManifest } from './ArchiveManifest.ts';
import { carveArchive } from './carveArchive.ts';
import { CAPTIONS_FILE, partialName, type SegmentNumber, SLATE_FILE, wholeName } from './names.ts';
import { SegmentWriter } from './SegmentWriter.ts';
import { type ScannedArchive, type StoredInit, scanArchive } from './scanArchive.ts';
import { splitParts } from './splitParts.ts';

/** A disk that is this far behind has hung, bytes: 20 s of a program of 12 Mbit/s. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** The same for segments that wait to be flushed; each holds a file of every rendition open. */
const MAX_FINISHING = 128;

interface ArchiveEvents {
  /** Something could not be written; once, until `recovered`. */
  trouble: [reason: string];
  /** A whole segment was written again. */
  recovered: [];
  /** A segment is whole on the disk. */
  stored: [number: SegmentNumber];
  /** Nothing more is taken. */
  closed: [];
}

export interface BroadcastArchiveOptions {
  folder: string;
  manifest: ArchiveManifest;
  logger: Logger;
  /** See MAX_WAITING_BYTES. */
  maxWaitingBytes?: number;
}

export class BroadcastArchive extends TypedEmitter<ArchiveEvents> implements SegmentArchive {
  readonly folder: string;
  #manifest: ArchiveManifest;
  readonly #logger: Logger;
  readonly #maxWaitingBytes: number;
  readonly #renditions: readonly RenditionId[];
  readonly #inits = new Map<RenditionId, StoredInit>();
  readonly #slates = new Set<RenditionId>();
  readonly #whole = new Set<SegmentNumber>();
  /** The manifest is on the disk. */
  #described = true;
  /** Init segments and slates that are not on the disk yet, by their path in the folder. */
  readonly #unwritten = new Map<string, Buffer>();
  #writer: SegmentWriter | undefined;
  /** What of it can not be had any more; its later parts are not written. */
  #broken: SegmentNumber | undefined;
  /** Everything before it is removed. */
  #oldest: SegmentNumber | undefined;
  #reason = '';
  #inTrouble = false;
  #waitingBytes = 0;
  /** Race: parts, the manifest before them and removals reach the disk in the order in which they came. */
  #working: Promise<void> = Promise.resolve();
  /** Beside it, whole segments are flushed to the disk: the next one's parts do not wait for that. */
  readonly #finishing = new Set<Promise<void>>();
  /** The lines of captions, as they are when it is closed. */
  #captions: () => readonly CaptionLine[] = () => [];
  #closed = false;

  private constructor({ folder, manifest, logger, maxWaitingBytes = MAX_WAITING_BYTES }: BroadcastArchiveOptions) {
    super();
    this.folder = folder;
    this.#manifest = manifest;
    this.#logger = logger;
    this.#maxWaitingBytes = maxWaitingBytes;
    this.#renditions = manifest.renditions.map((r) => r.id);
  }

  /** A new broadcast: its manifest is on the disk before anything else. */
  static create(options: BroadcastArchiveOptions): BroadcastArchive {
    const archive = new BroadcastArchive(options);
    archive.#described = false;
    archive.#enqueue(0, () => archive.#writeHead());
    return archive;
  }

  /**
   * The archive of a broadcast that an earlier process left. `scan` tells what is there: a segment that is `whole` can be played, one
   * that is `partial` goes on with its next part, or stays as it is.
   */
  static async reopen(options: BroadcastArchiveOptions): Promise<{ archive: BroadcastArchive; scan: ScannedArchive }> {
    const archive = new BroadcastArchive(options);
    const scan = await scanArchive(options.folder, options.manifest);
    for (const [id, init] of scan.inits) archive.#inits.set(id, init);
    for (const id of scan.slates.keys()) archive.#slates.add(id);
    for (const number of scan.whole) archive.#whole.add(number);
    const numbers = [...scan.whole, ...scan.partial.keys()];
    if (numbers.length > 0) archive.#oldest = Math.min(...numbers);
    const newest = Math.max(-1, ...numbers);
    const parts = scan.partial.get(newest);
    if (parts !== undefined)
      archive.#writer = await SegmentWriter.open(options.folder, archive.#renditions, newest, parts);
    return { archive, scan };
  }

  get manifest(): ArchiveManifest {
    return this.#manifest;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Why not everything is here, in a sentence; empty as long as nothing is missing. */
  get reason(): string {
    return this.#reason;
  }

  putInit(rendition: RenditionId, name: string, bytes: Buffer): void {
    if (this.#inits.has(rendition)) return;
    this.#inits.set(rendition, { name, bytes, info: parseInit(bytes) });
    this.#putFile(join(rendition, name), bytes);
  }

  /** The first one stays. */
  putSlate(rendition: RenditionId, bytes: Buffer): void {
    if (this.#slates.has(rendition)) return;
    this.#slates.add(rendition);
    this.#putFile(join(rendition, SLATE_FILE), bytes);
  }

  /** They are written when it is closed: until then the broadcast's journal has them. */
  keepCaptions(lines: () => readonly CaptionLine[]): void {
    this.#captions = lines;
  }

  /** A part has become visible. `bytes` has it in every rendition. */
  append(number: SegmentNumber, part: number, bytes: ReadonlyMap<RenditionId, Buffer>): void {
    const size = [...bytes.values()].reduce((sum, b) => sum + b.length, 0);
    if (this.#waitingBytes + size > this.#maxWaitingBytes || this.#finishing.size > MAX_FINISHING) {
      this.#broken = number;
      this.#fail(new Error('the disk is too slow'), number);
      return;
    }
    this.#enqueue(size, async () => {
      try {
        await this.#append(number, part, bytes);
      } catch (error) {
        this.#broken = number;
        await this.#closeWriter();
        throw error;
      }
    });
  }

  /** Removes all segments before `number`, unless they are recorded. */
  forgetBefore(number: SegmentNumber): void {
    const from = this.#oldest;
    const { recording, recordingFrom } = this.manifest;
    const end = recording === null ? number : Math.min(number, recordingFrom);
    if (from === undefined || from >= end) return;
    this.#oldest = end;
    for (let k = from; k < end; k++) this.#whole.delete(k);
    this.#enqueue(0, async () => {
      for (let k = from; k < end; k++)
        for (const id of this.#renditions)
          for (const name of [wholeName(k), partialName(k)]) await rm(join(this.folder, id, name), { force: true });
    });
  }

  /** From segment `from` on it is recorded; `recording` null: it is for the time shift only. */
  record(recording: RecordingId | null, from: SegmentNumber): void {
    this.#manifest = { ...this.#manifest, recording, recordingFrom: from };
    this.#described = false;
    this.#enqueue(0, () => this.#writeHead());
  }

  /**
   * Copies what is recorded so far into a folder of its own, with that manifest: links, but for the segment that is being filled. Rejects with what
   * the disk throws; then that folder is no archive.
   */
  carve(folder: string, manifest: ArchiveManifest): Promise<void> {
    const done = this.#working.then(async () => {
      await Promise.all(this.#finishing);
      await this.#writeHead();
      await carveArchive(this.folder, folder, manifest);
      await this.#writeCaptions(folder);
    });
    this.#working = done.catch(() => {});
    return done;
  }

  /** The segments that are whole on the disk. */
  get stored(): readonly SegmentNumber[] {
    return [...this.#whole];
  }

  holds(number: SegmentNumber): boolean {
    return this.#whole.has(number);
  }

  async segment(rendition: RenditionId, number: SegmentNumber): Promise<Buffer | null> {
    if (!this.#whole.has(number) || !this.#renditions.includes(rendition)) return null;
    try {
      return await readFile(join(this.folder, rendition, wholeName(number)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async part(rendition: RenditionId, number: SegmentNumber, part: number): Promise<Buffer | null> {
    const bytes = await this.segment(rendition, number);
    const init = this.#inits.get(rendition)?.info;
    if (!bytes || !init) return null;
    return splitParts(bytes, { grid: this.manifest.grid, rendition, init, number })[part] ?? null;
  }

  /** The parts that are here of a segment that is not whole. */
  async partialSegment(rendition: RenditionId, number: SegmentNumber): Promise<Buffer[]> {
    const init = this.#inits.get(rendition)?.info;
    if (!init) return [];
    const bytes = await readFile(join(this.folder, rendition, partialName(number)));
    return splitParts(bytes, { grid: this.manifest.grid, rendition, init, number });
  }

  /** Resolves when all that was given so far is written, or could not be. */
  async flush(): Promise<void> {
    await this.#working;
    await Promise.all(this.#finishing);
  }

  /** Writes what waits, and closes the files. Idempotent. */
  async close(): Promise<void> {
    const first = !this.#closed;
    if (first) this.emit('closed');
    this.#closed = true;
    await this.flush();
    await this.#closeWriter();
    // Later the folder may be gone.
    if (first) await this.#writeCaptions(this.folder).catch((error: unknown) => this.#fail(error, null));
  }

  async #writeCaptions(folder: string): Promise<void> {
    const lines = this.#captions();
    if (lines.length > 0) await writeFileAtomic(join(folder, CAPTIONS_FILE), JSON.stringify(lines));
  }

  async #append(number: SegmentNumber, part: number, bytes: ReadonlyMap<RenditionId, Buffer>): Promise<void> {
    if (this.#broken === number) return;
    // Part 0 once more: another compositor's segment takes its place.
    if (this.#writer?.number !== number || (part === 0 && this.#writer.parts > 0)) {
      await this.#closeWriter();
      await this.#writeHead();
      this.#writer = await SegmentWriter.open(this.folder, this.#renditions, number);
      this.#oldest ??= number;
    }
    const writer = this.#writer;
    // It began before we could write, or goes on from what a process before us did not write.
    if (writer.parts !== part) throw new Error(`part ${writer.parts} of segment ${number} is missing`);
    await writer.append(bytes);
    if (writer.parts < partsPerSegment(this.manifest.grid)) return;
    this.#writer = undefined;
    const finishing = this.#finish(writer)
      .catch((error: unknown) => this.#fail(error, number))
      .finally(() => this.#finishing.delete(finishing));
    this.#finishing.add(finishing);
  }

  async #finish(writer: SegmentWriter): Promise<void> {
    await writer.finish();
    this.#whole.add(writer.number);
    this.emit('stored', writer.number);
    // One from before the trouble says nothing of now.
    if (!this.#inTrouble || writer.number < (this.#broken ?? 0)) return;
    this.#inTrouble = false;
    this.#logger.info({ segment: writer.number }, 'segments are stored again');
    this.emit('recovered');
  }

  #putFile(path: string, bytes: Buffer): void {
    this.#unwritten.set(path, bytes);
    this.#enqueue(bytes.length, () => this.#writeHead());
  }

  /** What has to be there before a segment; tried again with each one where the disk was full. */
  async #writeHead(): Promise<void> {
    if (!this.#described) await writeManifest(this.folder, this.manifest);
    this.#described = true;
    for (const [path, bytes] of this.#unwritten) {
      await writeFileAtomic(join(this.folder, path), bytes);
      this.#unwritten.delete(path);
    }
  }

  async #closeWriter(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close();
  }

  #enqueue(bytes: number, work: () => Promise<void>): void {
    if (this.#closed) return;
    this.#waitingBytes += bytes;
    this.#working = this.#working
      .then(work)
      .catch((error: unknown) => this.#fail(error, this.#broken ?? null))
      .finally(() => {
        this.#waitingBytes -= bytes;
      });
  }

  #fail(error: unknown, segment: SegmentNumber | null): void {
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#reason = sentence(error);
    this.#logger.error({ err: error, segment }, 'segments can not be stored; the live program goes on');
    this.emit('trouble', this.#reason);
  }
}

function sentence(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'there is no space left on the disk';
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return 'the data directory can not be written';
  return code ? `the disk failed (${code})` : message;
}
