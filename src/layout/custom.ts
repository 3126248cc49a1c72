/** The layout that the scene draws itself: rectangles in fractions, with what is in each. */
import type { CustomTile } from '../contracts/scene.ts';
import { evenDown, evenNear, type Frame } from './frame.ts';
import type { Cell } from './grid.ts';
import type { Subject } from './subjects.ts';

export interface CustomPlaced {
  subject: Subject;
  cell: Cell;
  /** What the tile says of its own looks. */
  own: CustomTile;
}

/** Edges go to the nearest even pixel, so that rectangles which touch in fractions touch in the program. */
function cellOf({ x, y, width, height }: CustomTile, frame: Frame): Cell {
  const [right, bottom] = [evenDown(frame.width), evenDown(frame.height)];
  const left = Math.min(evenNear(x * frame.width), right - 2);
  const top = Math.min(evenNear(y * frame.height), bottom - 2);
  return {
    x: left,
    y: top,
    width: Math.max(2, Math.min(evenNear((x + width) * frame.width), right) - left),
    height: Math.max(2, Math.min(evenNear((y + height) * frame.height), bottom) - top),
  };
}

/**
 * A number takes from the order of all tiles; a source is there only while it is (a camera that is off is not, a person is); what is not
 * there leaves its rectangle empty. What is shown again in a later rectangle of the list has `#2`, `#3`… after its key there.
 */
export function customLayout(
  tiles: readonly CustomTile[],
  subjects: readonly Subject[],
  people: ReadonlyMap<string, Subject>,
  frame: Frame,
): CustomPlaced[] {
  const times = new Map<string, number>();
  const placed = tiles.flatMap((own) => {
    const { show } = own;
    const subject =
      typeof show === 'number' ? subjects[show] : (people.get(show) ?? subjects.find((s) => s.source === show));
    if (!subject) return [];
    const time = (times.get(subject.key) ?? 0) + 1;
    times.set(subject.key, time);
    const key = time === 1 ? subject.key : `${subject.key}#${time}`;
    return [{ subject: { ...subject, key }, cell: cellOf(own, frame), own }];
  });
  return placed.sort((a, b) => a.own.z - b.own.z);
}
