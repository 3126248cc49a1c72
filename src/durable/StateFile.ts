/**
 * A small state that outlives its process: a text, saved whole, read back as it was saved last. In: texts of any rate. Out: the newest
 * one that is whole, whenever the process or the machine died.
 *
 * Two files take turns, each with a number and a checksum, so a save that was cut off leaves the one before it. `save` returns
 * when the operating system has the text, which is all that a killed process needs: it takes some ten microseconds and waits for
 * no disk. The disk follows (`sync`); a machine that loses its power goes back to the last synchronised text.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';

/** `each`: every text reaches the disk, soon. A number: at most so often, ms. */
export type SyncPolicy = 'each' | number;

interface Slot {
  readonly path: string;
  readonly fd: number;
  /** Written since its last synchronisation. */
  dirty: boolean;
}

/** Number, length of the body in bytes, and checksum. */
const HEADER = /^(\d{1,15}) (\d{1,10}) ([0-9a-f]{8})\n/;

export class StateFile {
  /** What was saved last when this was opened; undefined: nothing, or nothing that is whole. */
  readonly text: string | undefined;
  readonly #slots: readonly [Slot, Slot];
  readonly #policy: SyncPolicy;
  #sequence: number;
  #syncing = false;
  #syncedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  private constructor(slots: readonly [Slot, Slot], policy: SyncPolicy, found: { sequence: number; text?: string }) {
    this.#slots = slots;
    this.#policy = policy;
    this.#sequence = found.sequence;
    this.text = found.text;
  }

  /** What was saved last; undefined when there is nothing that is whole. Makes no file. */
  static read(path: string): string | undefined {
    return newestOf(path)?.text;
  }

  /** Files `path.0` and `path.1`, mode 0600; they are made when they are not there. Throws what the file system does. */
  static open(path: string, policy: SyncPolicy = 'each'): StateFile {
    const newest = newestOf(path);
    const [first, second] = [0, 1].map((n) => openSlot(`${path}.${n}`)) as [Slot, Slot];
    return new StateFile([first, second], policy, newest ?? { sequence: 0 });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Throws what the file system does, such as ENOSPC; the state before is still there then. */
  save(text: string): void {
    if (this.#closed) throw new Error('the state file is closed');
    const next = this.#sequence + 1;
    const [slot, other] = next % 2 === 0 ? this.#slots : [this.#slots[1], this.#slots[0]];
    // Race: what would be left when the power goes now must be on the disk before its predecessor is written over.
    if (this.#policy === 'each' && other.dirty) this.#syncNow(other);
    write(slot, next, text);
    this.#sequence = next;
    this.#syncSoon();
  }

  /** Leaves the files. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#syncing) this.#closeFiles();
  }

  /** Closes, and removes the files. */
  remove(): void {
    for (const slot of this.#slots) slot.dirty = false;
    this.close();
    for (const { path } of this.#slots) rmSync(path, { force: true });
  }

  #closeFiles(): void {
    for (const slot of this.#slots) {
      if (slot.dirty) this.#syncNow(slot);
      closeSync(slot.fd);
    }
  }

  #syncNow(slot: Slot): void {
    fdatasyncSync(slot.fd);
    slot.dirty = false;
  }

  #syncSoon(): void {
    const now = performance.now();
    const dirty = this.#slots.filter((slot) => slot.dirty);
    const wait = this.#policy === 'each' ? 0 : this.#policy;
    if (this.#syncing || dirty.length === 0 || now - this.#syncedAt < wait) return;
    this.#syncing = true;
    this.#syncedAt = now;
    let left = dirty.length;
    let failed = false;
    for (const slot of dirty) {
      slot.dirty = false;
      fdatasync(slot.fd, (error) => {
        if (error) {
          slot.dirty = true;
          failed = true;
        }
        left -= 1;
        if (left > 0) return;
        this.#syncing = false;
        if (this.#closed) this.#closeFiles();
        else if (!failed) this.#syncSoon();
      });
    }
  }
}

function newestOf(path: string): { sequence: number; text: string } | undefined {
  const read = [0, 1].map((n) => readSlot(`${path}.${n}`));
  return read.reduce((a, b) => ((b?.sequence ?? -1) > (a?.sequence ?? -1) ? b : a));
}

function openSlot(path: string): Slot {
  // Not `w`: what is there is kept until it is written over.
  return { path, fd: openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600), dirty: false };
}

function readSlot(path: string): { sequence: number; text: string } | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [header, sequence, length, checksum] = HEADER.exec(bytes.subarray(0, 64).toString('latin1')) ?? [];
  if (!header || !sequence || !length || !checksum) return undefined;
  const body = bytes.subarray(header.length, header.length + Number(length));
  if (body.length !== Number(length) || checksumOf(sequence, body) !== checksum) return undefined;
  return { sequence: Number(sequence), text: body.toString('utf8') };
}

/** In place: a full disk has room for a text that is no longer than the one before it. */
function write(slot: Slot, sequence: number, text: string): void {
  const body = Buffer.from(text, 'utf8');
  const header = `${sequence} ${body.length} ${checksumOf(String(sequence), body)}\n`;
  const bytes = Buffer.concat([Buffer.from(header, 'latin1'), body]);
  slot.dirty = true;
  for (let at = 0; at < bytes.length; ) at += writeSync(slot.fd, bytes, at, bytes.length - at, at);
  ftruncateSync(slot.fd, bytes.length);
}

/** Of the number too: a header that belongs to another body is no header. */
const checksumOf = (sequence: string, body: Buffer): string =>
  crc32(body, crc32(sequence)).toString(16).padStart(8, '0');
