/**
 * One small picture of a layout. In: its tiles (src/layout), the look of the scene, and where pictures come from. Out: a painted canvas.
 * It is a sketch of what compositor/compose paints: cameras, placeholders, borders, background and logo; no words, which nobody could read.
 */
import type { Scene } from '../../../../src/contracts/scene.ts';
import type { Cell } from '../../../../src/layout/grid.ts';
import type { Tile } from '../../../../src/layout/tiles.ts';
import { hueOf, initials } from '../../../shared/format.ts';
import { isGhost } from './previews.ts';

export interface PreviewSpec {
  scene: Scene;
  tiles: readonly Tile[];
  /** Of the program, pixels. */
  size: { width: number; height: number };
}

export interface Picture {
  image: CanvasImageSource;
  width: number;
  height: number;
}

export interface Pictures {
  /** Of a source, as it is now; undefined: there is none yet. */
  source: (id: string) => Picture | undefined;
  /** Of an asset of the scene. */
  asset: (id: string) => Picture | undefined;
}

/** Of a placeholder's shorter side: its letters, its avatar. */
const LETTERS = 0.42;
const AVATAR = 0.6;
/** The logo's distance from the edges, of the program's shorter side. */
const LOGO_MARGIN = 0.04;
const GHOST_LINE = '#8189a3';

/** Which part of a picture fills a cell (`cover`), and where all of it stands in a cell (`contain`). Pure. */
export function fitInto(
  picture: { width: number; height: number },
  cell: Cell,
  fit: Tile['fit'],
): { from: Cell; to: Cell } {
  const scales = [cell.width / picture.width, cell.height / picture.height] as const;
  const scale = fit === 'cover' ? Math.max(...scales) : Math.min(...scales);
  const width = Math.min(picture.width, cell.width / scale);
  const height = Math.min(picture.height, cell.height / scale);
  const [toWidth, toHeight] = [width * scale, height * scale];
  return {
    from: { x: (picture.width - width) / 2, y: (picture.height - height) / 2, width, height },
    to: {
      x: cell.x + (cell.width - toWidth) / 2,
      y: cell.y + (cell.height - toHeight) / 2,
      width: toWidth,
      height: toHeight,
    },
  };
}

export function paintPreview(canvas: HTMLCanvasElement, { scene, tiles, size }: PreviewSpec, pictures: Pictures): void {
  const paint = canvas.getContext('2d', { alpha: false });
  if (!paint) return;
  const scale = canvas.width / size.width;
  const whole = { x: 0, y: 0, width: canvas.width, height: canvas.height };
  paint.fillStyle = scene.background;
  paint.fillRect(0, 0, whole.width, whole.height);
  const background = scene.backgroundImage && pictures.asset(scene.backgroundImage);
  if (background) put(paint, background, whole, 'cover');
  for (const tile of tiles) {
    const cell = scaled(tile.cell, scale);
    paint.save();
    paint.beginPath();
    paint.roundRect(cell.x, cell.y, cell.width, cell.height, tile.radius * scale);
    if (isGhost(tile.peer)) paintGhost(paint);
    else paintTile(paint, tile, cell, scale, pictures);
    paint.restore();
  }
  paintLogo(paint, scene, whole, pictures);
}

const scaled = ({ x, y, width, height }: Cell, by: number): Cell => ({
  x: x * by,
  y: y * by,
  width: width * by,
  height: height * by,
});

function put(paint: CanvasRenderingContext2D, picture: Picture, cell: Cell, fit: Tile['fit']): void {
  const { from, to } = fitInto(picture, cell, fit);
  paint.drawImage(picture.image, from.x, from.y, from.width, from.height, to.x, to.y, to.width, to.height);
}

/** Inside the path that is there. */
function paintTile(paint: CanvasRenderingContext2D, tile: Tile, cell: Cell, scale: number, pictures: Pictures): void {
  paint.clip();
  const picture = tile.source ? pictures.source(tile.source) : undefined;
  if (picture) {
    if (tile.fit === 'contain') fillWith(paint, '#000000', cell);
    put(paint, picture, cell, tile.fit);
  } else paintPlaceholder(paint, tile, cell, pictures);
  if (!tile.border) return;
  paint.strokeStyle = tile.border.color;
  // Half of the line is outside the path, and cut off.
  paint.lineWidth = 2 * Math.max(1, tile.border.width * scale);
  paint.stroke();
}

function fillWith(paint: CanvasRenderingContext2D, style: string, { x, y, width, height }: Cell): void {
  paint.fillStyle = style;
  paint.fillRect(x, y, width, height);
}

function paintPlaceholder(paint: CanvasRenderingContext2D, tile: Tile, cell: Cell, pictures: Pictures): void {
  fillWith(paint, tile.source?.endsWith('.screen') ? '#5b6785' : `hsl(${hueOf(tile.name)} 40% 32%)`, cell);
  const short = Math.min(cell.width, cell.height);
  const [middleX, middleY] = [cell.x + cell.width / 2, cell.y + cell.height / 2];
  const avatar = tile.avatar && pictures.asset(tile.avatar);
  if (avatar) {
    const side = short * AVATAR;
    paint.save();
    paint.beginPath();
    paint.arc(middleX, middleY, side / 2, 0, 2 * Math.PI);
    paint.clip();
    put(paint, avatar, { x: middleX - side / 2, y: middleY - side / 2, width: side, height: side }, 'cover');
    paint.restore();
    return;
  }
  paint.fillStyle = '#ffffff';
  paint.font = `650 ${short * LETTERS}px system-ui, sans-serif`;
  paint.textAlign = 'center';
  paint.textBaseline = 'middle';
  paint.fillText(initials(tile.name), middleX, middleY);
}

/** Somebody who might come. */
function paintGhost(paint: CanvasRenderingContext2D): void {
  paint.clip();
  paint.strokeStyle = GHOST_LINE;
  paint.lineWidth = 3;
  paint.setLineDash([6, 5]);
  paint.stroke();
}

function paintLogo(paint: CanvasRenderingContext2D, { logo }: Scene, whole: Cell, pictures: Pictures): void {
  const picture = logo && pictures.asset(logo.image);
  if (!logo || !picture) return;
  const short = Math.min(whole.width, whole.height);
  const height = short * logo.size;
  const width = (picture.width / picture.height) * height;
  const margin = short * LOGO_MARGIN;
  paint.save();
  paint.globalAlpha = logo.opacity;
  const x = logo.corner.endsWith('left') ? margin : whole.width - margin - width;
  const y = logo.corner.startsWith('top') ? margin : whole.height - margin - height;
  put(paint, picture, { x, y, width, height }, 'cover');
  paint.restore();
}
