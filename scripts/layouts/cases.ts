/**
 * The arrangements that are drawn for docs/layouts.md and held as golden pictures: every layout with few and many people, in landscape
 * and portrait. In: nothing; out: a name, a size and a composition each; who draws them gives each camera a picture of its own.
 */
import { type Layout, type LayoutType, PersonSettings, Scene } from '../../src/contracts/scene.ts';
import type { Composition, CompositionSource } from '../../src/layout/subjects.ts';

export const CASE_PEOPLE = [1, 2, 3, 5, 9, 16] as const;
export const CASE_SHAPES = {
  landscape: { width: 1280, height: 720 },
  portrait: { width: 720, height: 1280 },
} as const;
export type CaseShape = keyof typeof CASE_SHAPES;

export interface LayoutCase {
  /** `LAYOUT-PEOPLE-SHAPE`: also the picture's file name. */
  name: string;
  layout: LayoutType;
  people: number;
  shape: CaseShape;
  width: number;
  height: number;
  composition: Composition;
}

/** In the scripts that the project's fonts have, short and long, with an emoji. */
const NAMES = [
  'Ann Lee',
  '李梅',
  'محمد علي',
  'Bob 🎸',
  'Zoë Müller-Großmann',
  'Ольга Иванова',
  '王小明',
  'José García',
  'ليلى حسن',
  'Eleni Παπαδοπούλου',
  'Nguyễn An',
  '陈思远',
  'Łukasz Nowak',
  'Fatma Öz',
  'Sam',
  'Maximiliane von Hohenstein-Wittelsbach',
] as const;

/** Three rectangles that nobody else makes: one behind the others, a disc, and one with a border. */
const CUSTOM: Readonly<Record<CaseShape, Layout>> = {
  landscape: {
    type: 'custom',
    tiles: [
      { show: 0, x: 0, y: 0, width: 0.75, height: 1, z: 0 },
      {
        show: 1,
        x: 0.65,
        y: 0.08,
        width: 0.3,
        height: 0.4,
        z: 1,
        radius: 0.1,
        border: { width: 0.008, color: '#ffffff' },
      },
      { show: 2, x: 0.72, y: 0.55, width: 0.216, height: 0.384, z: 2, radius: 0.5, border: null },
    ],
  },
  portrait: {
    type: 'custom',
    tiles: [
      { show: 0, x: 0, y: 0, width: 1, height: 0.7, z: 0 },
      {
        show: 1,
        x: 0.06,
        y: 0.58,
        width: 0.5,
        height: 0.3,
        z: 1,
        radius: 0.1,
        border: { width: 0.008, color: '#ffffff' },
      },
      { show: 2, x: 0.6, y: 0.66, width: 0.36, height: 0.2025, z: 2, radius: 0.5, border: null },
    ],
  },
};

export const layoutsOf = (shape: CaseShape): Layout[] => [
  { type: 'grid' },
  { type: 'speaker' },
  { type: 'spotlight' },
  { type: 'sidebar', side: 'right' },
  { type: 'pip', corner: 'bottom-right' },
  { type: 'split', share: 0.5 },
  { type: 'screen' },
  CUSTOM[shape],
];

export const peerAt = (seat: number): string => `pcase${String(seat + 1).padStart(4, '0')}`;
export const seatOf = (peer: string): number => Number(peer.slice('pcase'.length)) - 1;

/** What somebody in this seat sends: every third person's camera is off, every fourth microphone; the first shares a screen if asked. */
function sourcesAt(seat: number, screen: boolean): CompositionSource[] {
  const source = (kind: CompositionSource['kind'], paused = false): CompositionSource => ({
    id: `${peerAt(seat)}.${kind}`,
    peer: peerAt(seat),
    kind,
    paused,
  });
  return [
    source('camera', seat % 3 === 2),
    source('microphone', seat % 4 === 3),
    ...(screen && seat === 0 ? [source('screen')] : []),
  ];
}

/** The second speaks, and is large where that decides. */
export function compositionOf(scene: Scene, people: number, screen: boolean): Composition {
  const seats = Array.from({ length: people }, (_, seat) => seat);
  const speaker = peerAt(Math.min(1, people - 1));
  return {
    scene: { ...scene, people: { [peerAt(0)]: PersonSettings.parse({ title: 'Host' }), ...scene.people } },
    peers: seats.map((seat) => ({ id: peerAt(seat), name: NAMES[seat] ?? `Guest ${seat + 1}` })),
    sources: seats.flatMap((seat) => sourcesAt(seat, screen)),
    active: people > 0 ? speaker : null,
    speaking: people > 0 ? [speaker] : [],
  };
}

/** All of them: by layout, then shape, then number of people. */
export const layoutCases = (): LayoutCase[] => {
  const shapes = Object.keys(CASE_SHAPES) as CaseShape[];
  const types = layoutsOf('landscape').map(({ type }) => type);
  return types.flatMap((type, i) =>
    shapes.flatMap((shape) =>
      CASE_PEOPLE.flatMap((people) => {
        const layout = layoutsOf(shape)[i];
        if (!layout) return [];
        const composition = compositionOf(Scene.parse({ layout }), people, type === 'screen');
        return [
          { name: `${type}-${people}-${shape}`, layout: type, people, shape, ...CASE_SHAPES[shape], composition },
        ];
      }),
    ),
  );
};
