import type { JobPeer, JobSource } from '../contracts/job.ts';
import type { Scene } from '../contracts/scene.ts';
import { type Cell, type Fit, gridLayout } from './grid.ts';

/** One cell of the program: a source, or a placeholder for a person without a picture. */
export interface Tile {
  cell: Cell;
  peer: string;
  name: string;
  /** null: a placeholder. */
  source: string | null;
  fit: Fit;
}

/** The program's tiles for a scene: each person's screen and camera, or a placeholder, in the scene's order. */
export function tilesOf(
  scene: Scene,
  peers: readonly JobPeer[],
  sources: readonly Pick<JobSource, 'id' | 'peer' | 'kind' | 'paused'>[],
  width: number,
  height: number,
): Tile[] {
  const rank = new Map(scene.order.map((peer, i) => [peer, i]));
  const ordered = [...peers].sort((a, b) => (rank.get(a.id) ?? 1000) - (rank.get(b.id) ?? 1000));
  const tiles: Omit<Tile, 'cell'>[] = [];
  for (const peer of ordered) {
    const shown = (kind: JobSource['kind']) =>
      sources.find((s) => s.peer === peer.id && s.kind === kind && !s.paused && !scene.sources[s.id]?.hidden);
    const screen = shown('screen');
    const camera = shown('camera');
    if (screen) tiles.push({ peer: peer.id, name: peer.name, source: screen.id, fit: 'contain' });
    if (camera) tiles.push({ peer: peer.id, name: peer.name, source: camera.id, fit: 'cover' });
    if (!screen && !camera) tiles.push({ peer: peer.id, name: peer.name, source: null, fit: 'cover' });
  }
  const cells = gridLayout(tiles.length, width, height);
  return tiles.flatMap((tile, i) => {
    const cell = cells[i];
    return cell ? [{ ...tile, cell }] : [];
  });
}
