/**
 * Writes one segment of all renditions, part by part, into `K.part.m4s`; a whole one is flushed to the disk and becomes `K.m4s`. A part
 * that `append` has returned for survives the death of the process; a segment that `finish` has returned for survives a power cut.
 */
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RenditionId, SegmentNumber } from './names.ts';
import { partialName, wholeName } from './names.ts';

interface Track {
  partial: string;
  whole: string;
  file: FileHandle;
  /** Bytes of whole parts. */
  size: number;
}

export class SegmentWriter {
  readonly number: SegmentNumber;
  readonly #tracks: ReadonlyMap<RenditionId, Track>;
  /** Parts that are in the files of all renditions. */
  #parts: number;
  #closed = false;

  private constructor(number: SegmentNumber, tracks: ReadonlyMap<RenditionId, Track>, parts: number) {
    this.number = number;
    this.#tracks = tracks;
    this.#parts = parts;
  }

  /** `parts` of it are in the files already, the whole files: 0 begins anew. */
  static async open(
    folder: string,
    renditions: readonly RenditionId[],
    number: SegmentNumber,
    parts = 0,
  ): Promise<SegmentWriter> {
    const tracks = new Map<RenditionId, Track>();
    try {
      for (const id of renditions) {
        const partial = join(folder, id, partialName(number));
        const size = parts === 0 ? 0 : (await stat(partial)).size;
        const file = await open(partial, parts === 0 ? 'w' : 'r+', 0o600);
        tracks.set(id, { partial, whole: join(folder, id, wholeName(number)), file, size });
      }
    } catch (error) {
      for (const { file } of tracks.values()) await file.close().catch(() => undefined);
      throw error;
    }
    return new SegmentWriter(number, tracks, parts);
  }

  get parts(): number {
    return this.#parts;
  }

  /** The next part, in all renditions. When it throws nothing of it is left in the files. */
  async append(part: ReadonlyMap<RenditionId, Buffer>): Promise<void> {
    const sizes = new Map<Track, number>();
    try {
      for (const [id, track] of this.#tracks) {
        const bytes = part.get(id);
        if (!bytes) throw new Error(`part ${this.#parts} of segment ${this.number} lacks ${id}`);
        await writeAt(track.file, bytes, track.size);
        sizes.set(track, track.size + bytes.length);
      }
    } catch (error) {
      for (const { file, size } of this.#tracks.values()) await file.truncate(size).catch(() => undefined);
      throw error;
    }
    for (const [track, size] of sizes) track.size = size;
    this.#parts += 1;
  }

  /** The segment is whole: from now on it is `K.m4s` in all renditions. */
  async finish(): Promise<void> {
    const tracks = [...this.#tracks.values()];
    await Promise.all(tracks.map(({ file }) => file.datasync()));
    await this.close();
    for (const { partial, whole } of tracks) await rename(partial, whole);
  }

  /** Leaves it as it is. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { file } of this.#tracks.values()) await file.close();
  }
}

/** All of it: a disk that is getting full takes a piece, and refuses at the next try. */
async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
