import type { Readable } from 'node:stream';

/** More than any GOP of a program has. */
const MAX_BOX_BYTES = 64 * 1024 * 1024;

export interface Piece {
  kind: 'init' | 'fragment';
  bytes: Buffer;
}

/** Cuts a stream of fragmented MP4 into its init segment (ftyp, moov) and fragments (all up to and with an mdat). Other boxes are left out. */
export async function* readFragments(stream: Readable): AsyncGenerator<Piece> {
  let waiting = Buffer.alloc(0);
  let piece: Buffer[] = [];
  for await (const chunk of stream) {
    waiting = Buffer.concat([waiting, chunk as Buffer]);
    for (;;) {
      const box = firstBox(waiting);
      if (!box) break;
      waiting = waiting.subarray(box.bytes.length);
      if (!['ftyp', 'moov', 'moof', 'mdat'].includes(box.type)) continue;
      piece.push(box.bytes);
      if (box.type !== 'moov' && box.type !== 'mdat') continue;
      yield { kind: box.type === 'moov' ? 'init' : 'fragment', bytes: Buffer.concat(piece) };
      piece = [];
    }
  }
}

function firstBox(buffer: Buffer): { type: string; bytes: Buffer } | undefined {
  if (buffer.length < 8) return undefined;
  const size = buffer.readUInt32BE(0);
  if (size < 8 || size > MAX_BOX_BYTES) throw new Error(`a box of ${size} bytes`);
  if (buffer.length < size) return undefined;
  return { type: buffer.toString('latin1', 4, 8), bytes: buffer.subarray(0, size) };
}
