/** Layouts that show one or two: spotlight, pip, split. Who else there is, is heard. */
import type { Corner } from '../contracts/scene.ts';
import { evenDown, type Frame, fitAspect, type Placed, type Shape } from './frame.ts';
import type { Cell } from './grid.ts';
import { isScreen, type Subject } from './subjects.ts';

/** The small picture of `pip`, in parts of the program's width. */
const PIP_WIDTH: Readonly<Record<Shape, number>> = { landscape: 1 / 4, square: 1 / 3, portrait: 1 / 3 };
/** Its shape: as the program's, so that it shows what a phone held the same way would. A screen keeps its own. */
const PIP_ASPECT: Readonly<Record<Shape, number>> = { landscape: 16 / 9, square: 4 / 3, portrait: 3 / 4 };
const SCREEN_ASPECT = 16 / 9;
/** From the edges of the large picture, of the program's shorter side; the gap where that is wider. */
const PIP_MARGIN = 0.03;

export const spotlightLayout = (large: Subject, frame: Frame): Placed[] => [{ subject: large, cell: frame.area }];

export function pipLayout(large: Subject, small: Subject | undefined, frame: Frame, corner: Corner): Placed[] {
  const { area, shape, short, gap } = frame;
  const placed = [{ subject: large, cell: area }];
  if (!small) return placed;
  const aspect = isScreen(small) ? SCREEN_ASPECT : PIP_ASPECT[shape];
  const wide = area.width * PIP_WIDTH[shape];
  const { width, height } = fitAspect(wide, area.height, aspect, aspect);
  const margin = Math.max(gap, evenDown(short * PIP_MARGIN));
  const cell: Cell = {
    x: corner.endsWith('left') ? area.x + margin : area.x + area.width - margin - width,
    y: corner.startsWith('top') ? area.y + margin : area.y + area.height - margin - height,
    width,
    height,
  };
  return [...placed, { subject: small, cell }];
}

/** `share` is the first one's part: of the width in landscape; else of the height, for two narrow halves would show two noses. */
export function splitLayout(first: Subject, second: Subject | undefined, frame: Frame, share: number): Placed[] {
  const { area, gap, shape } = frame;
  if (!second) return [{ subject: first, cell: area }];
  if (shape === 'landscape') {
    const width = evenDown((area.width - gap) * share);
    return [
      { subject: first, cell: { ...area, width } },
      { subject: second, cell: { ...area, x: area.x + width + gap, width: area.width - gap - width } },
    ];
  }
  const height = evenDown((area.height - gap) * share);
  return [
    { subject: first, cell: { ...area, height } },
    { subject: second, cell: { ...area, y: area.y + height + gap, height: area.height - gap - height } },
  ];
}
