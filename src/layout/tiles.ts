/**
 * The program's picture as geometry. In: a composition and the program's size; out: tiles, styled and in painting order. Pure: every
 * compositor, and the controller, that asks has the same answer. Next: transition.ts, where one arrangement becomes another.
 */
import { assertUnreachable } from '../common/assert.ts';
import type { Border, Layout } from '../contracts/scene.ts';
import { type CustomPlaced, customLayout } from './custom.ts';
import { pipLayout, splitLayout, spotlightLayout } from './few.ts';
import { evenNear, type Frame, frameOf, type Placed } from './frame.ts';
import { type Cell, gridLayout } from './grid.ts';
import { screenLayout, sidebarLayout, speakerLayout } from './large.ts';
import {
  type Composition,
  isScreen,
  mainScreen,
  personSubjects,
  type Subject,
  subjectOf,
  subjectsOf,
} from './subjects.ts';

export type { Composition } from './subjects.ts';

/** One place in the program: a source, or a placeholder for a person without a picture. */
export interface Tile extends Subject {
  /** Even, in program pixels. */
  cell: Cell;
  /** Radius of the corners, pixels. */
  radius: number;
  /** Inside the cell; `width` in pixels, even. */
  border: { width: number; color: string } | null;
}

/** A border takes no more than this of a tile's shorter side. */
const WIDEST_BORDER = 1 / 8;

/** The layout that holds now: `screen` while one is shared, if the scene wants that and its layout is not one that was made by hand. */
export function effectiveLayout({ scene }: Composition, subjects: readonly Subject[]): Layout {
  const { layout, autoScreen } = scene;
  const shared = subjects.some(isScreen);
  if (layout.type === 'screen') return shared ? layout : { type: 'grid' };
  if (!autoScreen || !shared || layout.type === 'custom' || layout.type === 'spotlight') return layout;
  return { type: 'screen' };
}

function gridOf(subjects: readonly Subject[], { area, gap }: Frame): Placed[] {
  const cells = gridLayout(subjects.length, area.width, area.height, gap);
  return cells.flatMap((cell, i) => {
    const subject = subjects[i];
    return subject ? [{ subject, cell: { ...cell, x: cell.x + area.x, y: cell.y + area.y } }] : [];
  });
}

const inside = ({ cell }: Placed, { width, height }: Frame): boolean =>
  cell.x >= 0 && cell.y >= 0 && cell.x + cell.width <= width && cell.y + cell.height <= height;

/** All layouts but `custom`. */
function placed(
  layout: Exclude<Layout, { type: 'custom' }>,
  composition: Composition,
  subjects: readonly Subject[],
  frame: Frame,
): Placed[] {
  const [first] = subjects;
  if (!first) return [];
  const pinned = subjectOf(subjects, composition.scene.pin);
  const without = (large: Subject) => subjects.filter((s) => s !== large);
  switch (layout.type) {
    case 'grid':
      return gridOf(subjects, frame);
    case 'speaker': {
      const large = pinned ?? subjectOf(subjects, composition.active) ?? first;
      return speakerLayout(large, without(large), frame);
    }
    case 'spotlight':
      return spotlightLayout(pinned ?? first, frame);
    case 'sidebar': {
      const large = pinned ?? first;
      return sidebarLayout(large, without(large), frame, layout.side);
    }
    case 'pip': {
      const large = pinned ?? first;
      return pipLayout(large, without(large)[0], frame, layout.corner);
    }
    case 'split':
      return splitLayout(first, subjects[1], frame, layout.share);
    case 'screen': {
      const large = mainScreen(composition, subjects) ?? first;
      return screenLayout(large, without(large), frame);
    }
    default:
      return assertUnreachable(layout);
  }
}

/** Fractions → pixels. Even, so that a line falls on whole chroma samples; what is not 0 is seen. */
function borderOf(border: Border | null, cell: Cell, frame: Frame): Tile['border'] {
  if (!border || border.width === 0) return null;
  const widest = Math.min(cell.width, cell.height) * WIDEST_BORDER;
  return { width: Math.max(2, evenNear(Math.min(border.width * frame.short, widest))), color: border.color };
}

/** The program's tiles, in painting order: a later one is in front. Empty: nobody is in the picture (the slate). */
export function arrange(composition: Composition, width: number, height: number): Tile[] {
  const { scene } = composition;
  const frame = frameOf(width, height, scene.tiles.gap);
  const subjects = subjectsOf(composition);
  const layout = effectiveLayout(composition, subjects);
  let places: (Placed & Partial<Pick<CustomPlaced, 'own'>>)[] =
    layout.type === 'custom'
      ? customLayout(layout.tiles, subjects, personSubjects(composition), frame)
      : placed(layout, composition, subjects, frame);
  // A program of stamp size (the job allows 16x16) has no room for strips and gaps of whole pixels: everybody alike.
  if (!places.every((p) => inside(p, frame))) places = gridOf(subjects, frameOf(width, height, 0));
  return places.map(({ subject, cell, own }) => ({
    ...subject,
    fit: own?.fit ?? subject.fit,
    cell,
    radius: (own?.radius ?? scene.tiles.radius) * Math.min(cell.width, cell.height),
    border: borderOf(own?.border === undefined ? scene.tiles.border : own.border, cell, frame),
  }));
}
