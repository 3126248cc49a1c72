/** ISO base media file format (ISO/IEC 14496-12) boxes: finding them, checking their sizes, putting them together. */
import { AppError } from '../../contracts/errors.ts';

export interface Box {
  type: string;
  /** Offset of the box itself. */
  start: number;
  /** Offset behind size and type. */
  body: number;
  /** Offset behind the box. */
  end: number;
}

/** The boxes between `start` and `end`. Throws AppError `bad-media` when a size does not fit. */
export function readBoxes(buffer: Buffer, start = 0, end = buffer.length): Box[] {
  const found: Box[] = [];
  for (let at = start; at < end; ) {
    if (end - at < 8) throw new AppError('bad-media', 'a box is cut off');
    let size = buffer.readUInt32BE(at);
    let body = at + 8;
    if (size === 1 && end - at >= 16) {
      // 64-bit size (ISO/IEC 14496-12 section 4.2); a program's box never needs one, but it is legal.
      size = Number(buffer.readBigUInt64BE(at + 8));
      body = at + 16;
    }
    if (size < body - at || size > end - at) throw new AppError('bad-media', 'a box has a size that does not fit');
    found.push({ type: buffer.toString('latin1', at + 4, at + 8), start: at, body, end: at + size });
    at += size;
  }
  return found;
}

/** The box at the end of a path of types, the first of each. */
export function findBox(buffer: Buffer, within: { body: number; end: number }, ...path: string[]): Box | undefined {
  let here: { body: number; end: number } = within;
  let box: Box | undefined;
  for (const type of path) {
    box = readBoxes(buffer, here.body, here.end).find((b) => b.type === type);
    if (!box) return undefined;
    here = box;
  }
  return box;
}

/** As `findBox`; throws AppError `bad-media` when there is none. */
export function needBox(buffer: Buffer, within: { body: number; end: number }, ...path: string[]): Box {
  const box = findBox(buffer, within, ...path);
  if (!box) throw new AppError('bad-media', `there is no ${path.join('/')} box`);
  return box;
}

/** A box of the given type around the pieces. */
export function makeBox(type: string, ...pieces: Buffer[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + pieces.reduce((sum, piece) => sum + piece.length, 0), 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, ...pieces]);
}

/** Runs a parser over bytes from outside: reading beyond the end is `bad-media` and not a crash. */
export function guardMedia<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof RangeError) throw new AppError('bad-media', 'a box is cut off', { cause: error });
    throw error;
  }
}
