/** Pure: what a layout would look like with the people who are here; with fewer than three, as if some more had come. */
import type { Layout, Scene } from '../../../../src/contracts/scene.ts';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import type { Composition } from '../../../../src/layout/tiles.ts';

/** A layout shows what it does from so many people on. */
const ENOUGH = 3;
const GHOST = 'pghost000';

export const isGhost = (peer: string): boolean => peer.startsWith(GHOST);

/** What a person may choose beside the layouts of presets.ts; other `custom` ones are made by the API. */
export const CHOICES: readonly Layout[] = [
  { type: 'grid' },
  { type: 'speaker' },
  { type: 'spotlight' },
  { type: 'sidebar', side: 'right' },
  { type: 'pip', corner: 'bottom-right' },
  { type: 'split', share: 0.5 },
  { type: 'screen' },
];

/** The choices, with the present one in place of its plain form. */
export function choicesFor(present: Layout): Layout[] {
  const choices = CHOICES.map((choice) => (choice.type === present.type ? present : choice));
  return choices.includes(present) ? choices : [...choices, present];
}

/** What people send, as a composition has it. */
export function sourcesOf(peers: readonly PeerInfo[]) {
  return peers.flatMap((peer) =>
    peer.sources.map(({ kind, paused }) => ({ id: `${peer.id}.${kind}`, peer: peer.id, kind, paused })),
  );
}

export function preview(scene: Scene, layout: Layout, peers: readonly PeerInfo[]): Composition {
  const ghosts = Array.from({ length: Math.max(0, ENOUGH - peers.length) }, (_, i) => ({
    id: `${GHOST}${i}`,
    name: '',
  }));
  const sources = sourcesOf(peers);
  const shares = sources.some(({ kind, paused }) => kind === 'screen' && !paused);
  const screen = { id: `${GHOST}s.screen`, peer: `${GHOST}s`, kind: 'screen' as const, paused: false };
  const wantsScreen = layout.type === 'screen' && !shares;
  return {
    // Whoever shares a screen just now must not make all choices look the same.
    scene: { ...scene, layout, autoScreen: false },
    peers: [...peers, ...ghosts, ...(wantsScreen ? [{ id: screen.peer, name: '' }] : [])],
    sources: wantsScreen ? [...sources, screen] : sources,
    active: null,
  };
}
