import type { JobPeer, JobSource } from '../contracts/job.ts';
import type { Fit, Scene } from '../contracts/scene.ts';
import { type Cell, gridLayout } from './grid.ts';

/** One place in the program: a source, or a placeholder for a person without a picture. */
export interface Tile {
  /** The same for the same person or screen in every arrangement: `PEER` (camera or placeholder) or `PEER.screen`. */
  key: string;
  /** Even, in program pixels. */
  cell: Cell;
  peer: string;
  name: string;
  /** null: a placeholder. */
  source: string | null;
  fit: Fit;
  /** Radius of the corners, pixels. */
  radius: number;
  /** Inside the cell; `width` in pixels. */
  border: { width: number; color: string } | null;
}

/** What an arrangement follows from: a job is one. */
export interface Composition {
  scene: Scene;
  /** In the order in which they took their seat. */
  peers: readonly JobPeer[];
  sources: readonly Pick<JobSource, 'id' | 'peer' | 'kind' | 'paused'>[];
  /** Who speaks, or did last. */
  active: string | null;
}

/** The program's tiles, in painting order: a later one is in front. Empty: nobody is in the picture (the slate). */
export function arrange({ scene, peers, sources }: Composition, width: number, height: number): Tile[] {
  const rank = new Map(scene.order.map((peer, i) => [peer, i]));
  const ordered = [...peers].sort((a, b) => (rank.get(a.id) ?? 1000) - (rank.get(b.id) ?? 1000));
  const plain = { radius: 0, border: null };
  const tiles: Omit<Tile, 'cell'>[] = [];
  for (const peer of ordered) {
    const shown = (kind: JobSource['kind']) =>
      sources.find((s) => s.peer === peer.id && s.kind === kind && !s.paused && !scene.sources[s.id]?.hidden);
    const screen = shown('screen');
    const camera = shown('camera');
    const of = { peer: peer.id, name: peer.name, ...plain };
    if (screen) tiles.push({ ...of, key: `${peer.id}.screen`, source: screen.id, fit: 'contain' });
    if (camera) tiles.push({ ...of, key: peer.id, source: camera.id, fit: 'cover' });
    if (!screen && !camera) tiles.push({ ...of, key: peer.id, source: null, fit: 'cover' });
  }
  const cells = gridLayout(tiles.length, width, height);
  return tiles.flatMap((tile, i) => {
    const cell = cells[i];
    return cell ? [{ ...tile, cell }] : [];
  });
}
