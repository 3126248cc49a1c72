import { useCallback, useEffect, useRef } from 'preact/hooks';
import type { Cell } from '../../../src/layout/grid.ts';
import { hueOf, initials } from '../../shared/format.ts';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { seatText } from '../../shared/seatTexts.ts';
import { TrackVideo } from '../media/TrackVideo.tsx';
import type { StudioSession } from '../session/StudioSession.ts';
import type { DragOrder } from './drag/DragOrder.ts';
import { SignalBars } from './health/SignalBars.tsx';
import type { StageTile } from './stageTiles.ts';
import { TileTools, tileHand } from './TileTools.tsx';

/** A window that is being dragged has many sizes; the server is told the one it comes to rest at, ms. */
const SETTLED_MS = 200;

interface Props {
  tile: StageTile;
  cell: Cell;
  speaking: boolean;
  session: StudioSession;
  /** A host drags tiles to order them; null: this person may not. */
  drag: DragOrder | null;
  /** One's own camera is shown as in a mirror. */
  mirrored: boolean;
}

/** One person's camera or screen, or their initials. */
export function Tile({ tile, cell, speaking, session, drag, mirrored }: Props) {
  const label = tile.source === 'screen' ? t('studio.sharing', { name: tile.name }) : tile.name;
  const onSize = useReportedSize(session, tile.consumerId);
  return (
    <li
      class={`tile ${speaking && !tile.muted ? 'speaking' : ''}`}
      style={{
        left: `${cell.x}px`,
        top: `${cell.y}px`,
        width: `${cell.width}px`,
        height: `${cell.height}px`,
        '--hue': hueOf(tile.name),
      }}
      data-testid="tile"
      data-peer={tile.peerId}
      data-source={tile.source}
      data-self={tile.self}
      {...tileHand(tile, session, drag)}
    >
      {tile.track ? (
        <TrackVideo
          track={tile.track}
          label={label}
          mirrored={mirrored && tile.self && tile.source === 'camera'}
          contain={tile.source === 'screen'}
          onSize={onSize}
        />
      ) : tile.away ? null : (
        <span class="initials" aria-hidden="true">
          {initials(tile.name)}
        </span>
      )}
      {tile.offProgram ? <span class="badge warn green-room">{seatText('person.green')}</span> : null}
      <div class="nameplate">
        {tile.muted && tile.source === 'camera' ? (
          <>
            <Icon name="microphone-off" />
            <span class="visually-hidden">{t('studio.muted', { name: tile.name })}</span>
          </>
        ) : null}
        <span class="name">{label}</span>
        {tile.self ? <span class="you">{t('common.you')}</span> : null}
        {tile.source === 'camera' ? <SignalBars session={session} peer={tile.peerId} /> : null}
      </div>
      {tile.away ? <div class="away">{t('studio.away')}</div> : null}
      {drag ? <TileTools tile={tile} label={label} session={session} /> : null}
    </li>
  );
}

/** Tells the session the size in device pixels, once it has settled. */
function useReportedSize(session: StudioSession, consumerId: string | null) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), [consumerId]);
  return useCallback(
    (width: number, height: number) => {
      if (!consumerId) return;
      clearTimeout(timer.current);
      timer.current = setTimeout(() => {
        const scale = devicePixelRatio;
        session.setSize(consumerId, Math.round(width * scale), Math.round(height * scale));
      }, SETTLED_MS);
    },
    [session, consumerId],
  );
}
