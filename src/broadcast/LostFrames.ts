import { type Grid, partsPerSegment } from '../contracts/grid.ts';

/** Counts the frames of the program that never came, from delivery's reports of parts that did: numbers that are left out are lost. Pure. */
export class LostFrames {
  #next: number | undefined;

  /** The part is there; how many frames are missing right before it. */
  part(grid: Grid, segment: number, part: number): number {
    const position = segment * partsPerSegment(grid) + part;
    const lost = this.#next === undefined ? 0 : Math.max(0, position - this.#next) * grid.framesPerPart;
    this.#next = position + 1;
    return lost;
  }

  /** What was reported meanwhile is not known. */
  forget(): void {
    this.#next = undefined;
  }
}
