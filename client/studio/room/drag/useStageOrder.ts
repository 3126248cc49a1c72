import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import type { Cell } from '../../../../src/layout/grid.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import { announce } from '../../Announcer.tsx';
import type { StudioSession } from '../../session/StudioSession.ts';
import { inOrder, moved, personIn, withPlace } from '../scene/edits.ts';
import type { StageTile } from '../stageTiles.ts';
import { DragOrder } from './DragOrder.ts';

/** Everybody with a seat as the scene has them: in its order, by its names. Without a scene: as they came. */
export function peopleOf(session: StudioSession): PeerInfo[] {
  const scene = session.scene.scene.value;
  const seated = session.state.seated.value;
  if (!scene) return seated;
  return inOrder(scene, seated).map((peer) => ({ ...peer, name: personIn(scene, peer.id).name ?? peer.name }));
}

/** Puts somebody at a place of the program, and says so. */
export function placePerson(session: StudioSession, id: string, place: number): void {
  const peers = peopleOf(session);
  const name = peers.find((peer) => peer.id === id)?.name ?? '';
  session.scene.edit((was) => withPlace(was, session.state.seated.value, id, place));
  announce(deskText('desk.moved', { name, place: place + 1, count: peers.length }));
}

export interface StageOrder {
  /** As the scene has them. */
  people: PeerInfo[];
  /** null: this person may not change the order. */
  drag: DragOrder | null;
  /**
   * Which of the cells each of these tiles has, while one is on its way as if it were let go of now. That one keeps the cell that it came
   * from, and follows the pointer from there. No element changes its place in the document before the drop: it would lose the pointer.
   */
  settle: (stage: HTMLElement | null, tiles: readonly StageTile[], cells: readonly Cell[]) => (Cell | undefined)[];
}

/** The order of the stage, which a host changes by dragging a tile. */
export function useStageOrder(session: StudioSession): StageOrder {
  const still = useRef<{ stage: HTMLElement | null; cells: ReadonlyMap<string, Cell> }>({
    stage: null,
    cells: new Map(),
  });
  const drag = useMemo(
    () =>
      new DragOrder({
        places: () => placesOf(still.current.stage, still.current.cells),
        onDrop: (id, to) => placePerson(session, id, to),
      }),
    [session],
  );
  useEffect(() => drag.close, [drag]);
  const host = session.state.self.value?.role === 'host' && session.scene.scene.value !== null;
  const people = peopleOf(session);
  const on = drag.drag.value;
  return {
    people,
    drag: host ? drag : null,
    settle: (stage, tiles, cells) => {
      const ids = people.map(({ id }) => id);
      const shown = (on ? moved(ids, on.id, on.to) : ids).flatMap((id) => tiles.filter(({ peerId }) => peerId === id));
      const placed = new Map(shown.flatMap(({ key }, i) => (cells[i] ? [[key, cells[i]] as const] : [])));
      if (!on) still.current = { stage, cells: placed };
      return tiles.map(({ key, peerId }) => (peerId === on?.id ? still.current.cells : placed).get(key));
    },
  };
}

/** One place for each person, in the window: where their first tile stands. */
function placesOf(stage: HTMLElement | null, cells: ReadonlyMap<string, Cell>): Cell[] {
  const { left, top } = stage?.getBoundingClientRect() ?? { left: 0, top: 0 };
  const found = new Map<string, Cell>();
  for (const [key, cell] of cells) {
    const [peerId = ''] = key.split('.');
    if (!found.has(peerId)) found.set(peerId, { ...cell, x: cell.x + left, y: cell.y + top });
  }
  return [...found.values()];
}
