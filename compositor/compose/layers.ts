/**
 * Where the layers over the whole program go: captions at the bottom, the lower third above them at the left, the logo in its
 * corner; all inside the safe area, and none over another. Pure.
 */
import type { Corner } from '../../src/contracts/scene.ts';
import type { Cell } from '../../src/layout/grid.ts';
import { evenDown, evenUp, intersection } from './rects.ts';

/** EBU R 95: graphics keep this far from the edges, of width and height. */
export const GRAPHICS_SAFE = 0.05;

export interface Size {
  width: number;
  height: number;
}

export interface LayerSizes {
  captions: Size | null;
  /** Kept free for captions while there are some, however many lines they have now. */
  captionsHeight: number;
  lowerThird: Size | null;
  logo: (Size & { corner: Corner }) | null;
}

export interface LayerPlaces {
  captions: Cell | null;
  lowerThird: Cell | null;
  logo: Cell | null;
}

/** The area for graphics. */
export function safeArea({ width, height }: Size): Cell {
  const [x, y] = [evenUp(width * GRAPHICS_SAFE), evenUp(height * GRAPHICS_SAFE)];
  return { x, y, width: width - 2 * x, height: height - 2 * y };
}

export function placeLayers(program: Size, sizes: LayerSizes): LayerPlaces {
  const safe = safeArea(program);
  const bottom = safe.y + safe.height;
  const gap = evenUp(Math.min(program.width, program.height) * 0.02);
  const places: LayerPlaces = { captions: null, lowerThird: null, logo: null };
  /** What is at the bottom already. */
  const taken: Cell[] = [];
  if (sizes.captions) {
    const { width, height } = sizes.captions;
    places.captions = { x: evenDown((program.width - width) / 2), y: bottom - height, width, height };
    const reserved = Math.max(height, sizes.captionsHeight);
    taken.push({ x: safe.x, y: bottom - reserved, width: safe.width, height: reserved });
  }
  /** As low as it goes without touching what is there. */
  const above = (x: number, { width, height }: Size): Cell => {
    let cell = { x, y: bottom - height, width, height };
    for (const other of taken) {
      const padded = { x: other.x - gap, y: other.y - gap, width: other.width + 2 * gap, height: other.height + gap };
      if (intersection(padded, cell)) cell = { ...cell, y: Math.max(safe.y, padded.y - height) };
    }
    return cell;
  };
  if (sizes.lowerThird) {
    places.lowerThird = above(safe.x, sizes.lowerThird);
    taken.push(places.lowerThird);
  }
  if (sizes.logo) {
    const { width, height, corner } = sizes.logo;
    const x = corner.endsWith('left') ? safe.x : safe.x + safe.width - width;
    places.logo = corner.startsWith('top') ? { x, y: safe.y, width, height } : above(x, { width, height });
  }
  return places;
}
