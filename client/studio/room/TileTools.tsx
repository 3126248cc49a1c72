import { t } from '../../shared/language.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import type { DragOrder } from './drag/DragOrder.ts';
import { peopleOf } from './drag/useStageOrder.ts';
import { pinOf, withPinToggled } from './scene/edits.ts';
import { Toggle } from './scene/SceneFields.tsx';
import type { StageTile } from './stageTiles.ts';

interface Props {
  tile: StageTile;
  label: string;
  session: StudioSession;
}

/** What a host does with a tile: pins it to the large place of the program. The order has its keys in the scene's list of people. */
export function TileTools({ tile, label, session }: Props) {
  const pin = pinOf(tile.peerId, tile.source);
  return (
    <div class="tile-tools">
      <Toggle
        testId="tile-pin"
        icon="pin"
        label={t('scene.pin', { name: label })}
        pressed={session.scene.scene.value?.pin === pin}
        onChange={() => session.scene.edit((was) => withPinToggled(was, pin))}
      />
    </div>
  );
}

/** A tile in a host's hand: dragged it changes the order, clicked twice it is pinned. */
export function tileHand(tile: StageTile, session: StudioSession, drag: DragOrder | null) {
  if (!drag) return {};
  return {
    'data-movable': true,
    onPointerDown: (event: PointerEvent & { currentTarget: HTMLElement }) => {
      const place = peopleOf(session).findIndex((peer) => peer.id === tile.peerId);
      drag.press(event, event.currentTarget, tile.peerId, place);
    },
    onDblClick: (event: MouseEvent) => {
      if (event.target instanceof Element && event.target.closest('button')) return;
      session.scene.edit((was) => withPinToggled(was, pinOf(tile.peerId, tile.source)));
    },
  };
}
