/** WebVTT (W3C) that says where the picture of each moment is in the sprite sheets, by media fragments (`#xywh=`). Pure functions. */

import type { Size } from './jpegPicture.ts';
import { SHEET_TILES, tileAt } from './SpriteSheet.ts';

/** A picture this often, s; for as many as MAX_TILES. */
const INTERVAL_SECONDS = 10;
/** Five sheets: nobody can point at a bar more exactly. */
const MAX_TILES = 500;
/** Of a tile's box: landscape and portrait pictures take about as much. */
export const TILE_BOX: Size = { width: 160, height: 160 };

/** As large as a poster is at most. */
export const POSTER_BOX: Size = { width: 1280, height: 1280 };

/** A picture of every n-th segment. */
export const tileInterval = (totalSeconds: number, segmentSeconds: number): number =>
  Math.max(1, Math.ceil(Math.max(INTERVAL_SECONDS, totalSeconds / MAX_TILES) / segmentSeconds));

export interface Tile {
  /** From when to when it stands for the program, s. */
  start: number;
  end: number;
  /** Path of the sheet, relative to the track. */
  sheet: string;
  /** Its place in the sheet. */
  index: number;
}

export function renderThumbnailTrack(tiles: readonly Tile[], size: Size): string {
  const cues = tiles.map(({ start, end, sheet, index }) => {
    const { x, y } = tileAt(index % SHEET_TILES, size);
    return `${time(start)} --> ${time(end)}\n${sheet}#xywh=${x},${y},${size.width},${size.height}\n`;
  });
  return `WEBVTT\n\n${cues.join('\n')}`;
}

function time(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}`;
}
