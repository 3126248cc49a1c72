import { audioFramesOfPart, type Grid, isGridAudio, partsPerSegment } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import { type Box, readBoxes } from '../mp4/boxes.ts';
import { summarise } from '../mp4/fragment.ts';
import type { InitSegment } from '../mp4/initSegment.ts';

export interface SegmentOfRendition {
  grid: Grid;
  rendition: RenditionId;
  init: InitSegment;
  number: number;
}

/**
 * The parts that a segment's file holds whole, in order, as views on its bytes: the grid says how many frames a part has. What comes
 * after the last whole one was being written when the process died, and is left out.
 */
export function splitParts(bytes: Buffer, { grid, rendition, init, number }: SegmentOfRendition): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  let frames = 0;
  for (const { end } of fragments(bytes)) {
    const part = parts.length;
    if (part >= partsPerSegment(grid)) break;
    frames += framesIn(bytes.subarray(start, end), init);
    const wanted = isGridAudio(rendition) ? audioFramesOfPart(grid, number, part).count : grid.framesPerPart;
    if (frames < wanted) continue;
    if (frames > wanted) break;
    parts.push(bytes.subarray(start, end));
    start = end;
    frames = 0;
  }
  return parts;
}

/** Where each fragment (all up to and with an `mdat`) ends. A box that is cut off ends the list. */
function fragments(bytes: Buffer): { end: number }[] {
  return wholeBoxes(bytes).filter((box) => box.type === 'mdat');
}

function wholeBoxes(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > bytes.length) break;
    boxes.push(...readBoxes(bytes, at, at + size));
    at += size;
  }
  return boxes;
}

/** Frames of the fragments in the buffer; Infinity when they can not be read, so that nothing is made of them. */
function framesIn(bytes: Buffer, init: InitSegment): number {
  try {
    return summarise(bytes, init).samples;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
