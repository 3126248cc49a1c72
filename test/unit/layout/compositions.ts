/** Rooms for the tests of layouts: people in order, cameras and microphones on, screens shared by the first of them. */
import { type LayoutType, Scene, type SceneInput } from '../../../src/contracts/scene.ts';
import type { Cell } from '../../../src/layout/grid.ts';
import type { Composition, CompositionSource } from '../../../src/layout/subjects.ts';

export const SHAPES: readonly (readonly [name: string, width: number, height: number])[] = [
  ['landscape', 1280, 720],
  ['portrait', 720, 1280],
  ['square', 720, 720],
];

/** All that arrange by themselves. */
export const LAYOUTS: readonly Exclude<LayoutType, 'custom'>[] = [
  'grid',
  'speaker',
  'spotlight',
  'sidebar',
  'pip',
  'split',
  'screen',
];

/** The peer of seat `i`, from 0. */
export const peerId = (i: number): string => `paaaaaaa${String(i).padStart(2, '0')}`;

export const source = (i: number, kind: CompositionSource['kind'], paused = false): CompositionSource => ({
  id: `${peerId(i)}.${kind}`,
  peer: peerId(i),
  kind,
  paused,
});

export function compositionOf(people: number, scene: SceneInput = {}, screens = 0): Composition {
  const seats = Array.from({ length: people }, (_, i) => i);
  return {
    scene: Scene.parse(scene),
    peers: seats.map((i) => ({ id: peerId(i), name: `Person ${i + 1}` })),
    sources: seats.flatMap((i) => [
      source(i, 'camera'),
      source(i, 'microphone'),
      ...(i < screens ? [source(i, 'screen')] : []),
    ]),
    active: null,
  };
}

export const overlap = (a: Cell, b: Cell): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** What is wrong with a cell; empty: nothing. `edge`: the gap around the tiles. */
export function faultsOf(
  { x, y, width, height }: Cell,
  programWidth: number,
  programHeight: number,
  edge = 0,
): string[] {
  const at = `${width}x${height} at ${x},${y}`;
  const faults: string[] = [];
  if (![x, y, width, height].every((value) => value % 2 === 0)) faults.push(`${at} is not even`);
  if (width < 2 || height < 2) faults.push(`${at} is empty`);
  if (x < edge || y < edge || x + width > programWidth - edge || y + height > programHeight - edge) {
    faults.push(`${at} is not inside ${programWidth}x${programHeight} less ${edge}`);
  }
  return faults;
}
