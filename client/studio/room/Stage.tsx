import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { gridLayout } from '../../../src/layout/grid.ts';
import { t } from '../../shared/language.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { useStageOrder } from './drag/useStageOrder.ts';
import { fitTile, stageTiles } from './stageTiles.ts';
import { Tile } from './Tile.tsx';

/** Between the tiles, CSS pixels. */
const GAP = 8;

interface Props {
  session: StudioSession;
  media: LocalMedia;
}

/** The people in the program in the scene's order, everybody alike, in the space there is; the program's own layout is the scene's. */
export function Stage({ session, media }: Props) {
  const ref = useRef<HTMLUListElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  useEffect(() => {
    const stage = ref.current;
    if (!stage) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) size.value = { width: entry.contentRect.width, height: entry.contentRect.height };
    });
    observer.observe(stage);
    return () => observer.disconnect();
  }, []);

  const { state } = session;
  const own = {
    camera: media.camera.value,
    screen: media.screen.value,
    muted: media.muted.value || !media.microphone.value,
  };
  const order = useStageOrder(session);
  const tiles = stageTiles(order.people, state.selfId.value, own, state.remote.value);
  const cells = order.settle(
    ref.current,
    tiles,
    gridLayout(tiles.length, size.value.width, size.value.height, GAP).map(fitTile),
  );
  const speaking = new Set(state.speakers.value);
  return (
    <ul ref={ref} class="stage" aria-label={t('studio.stage')}>
      {tiles.map((tile, i) => {
        const cell = cells[i];
        return cell ? (
          <Tile
            key={tile.key}
            tile={tile}
            cell={cell}
            speaking={speaking.has(tile.peerId)}
            session={session}
            drag={order.drag}
            mirrored={media.mirrored.value}
          />
        ) : null;
      })}
    </ul>
  );
}
