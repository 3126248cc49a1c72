/**
 * Poster and thumbnails of a recording, from key frames of its segments. In: files of the archive. Out: `poster.jpg`, `thumbnails.vtt` and
 * `thumbnails/N.jpg` in the same folder.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../common/writeFileAtomic.ts';
import { type Grid, segmentSeconds } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import { wholeName } from '../archive/names.ts';
import { encodeJpeg, fitInto, scaled } from '../pictures/jpegPicture.ts';
import { KeyFrameDecoder } from '../pictures/KeyFrameDecoder.ts';
import { SHEET_TILES, SpriteSheet } from '../pictures/SpriteSheet.ts';
import { POSTER_BOX, renderThumbnailTrack, TILE_BOX, type Tile, tileInterval } from '../pictures/thumbnailTrack.ts';
import { durationSeconds, type RecordingPlan, segmentsOf } from './RecordingPlan.ts';

/** The very first pictures of a show are often of somebody who looks for a button: the poster is from later, s. */
const POSTER_SECONDS = 10;

export interface PictureOptions {
  folder: string;
  grid: Grid;
  plan: RecordingPlan;
  /** The largest rendition, for the poster. */
  best: { id: RenditionId; init: Buffer };
  /** The smallest, for the thumbnails. */
  smallest: { id: RenditionId; init: Buffer };
  signal: AbortSignal;
}

/** The files' names. */
export async function makePictures(options: PictureOptions): Promise<string[]> {
  return [await poster(options), ...(await thumbnails(options))];
}

async function poster({ folder, grid, plan, best }: PictureOptions): Promise<string> {
  const numbers = segmentsOf(plan).filter((n) => !plan.missing.has(n));
  const wanted = Math.min(Math.floor(POSTER_SECONDS / segmentSeconds(grid)), numbers.length >> 1);
  const number = numbers[wanted] ?? plan.first;
  const decoder = new KeyFrameDecoder(best.init);
  const picture = await decoder.decode(await readFile(join(folder, best.id, wholeName(number))));
  const small = await scaled(picture, fitInto(decoder.size, POSTER_BOX)).finally(() => picture.free());
  const bytes = await encodeJpeg(small).finally(() => small.free());
  await writeFileAtomic(join(folder, 'poster.jpg'), bytes);
  return 'poster.jpg';
}

async function thumbnails({ folder, grid, plan, smallest, signal }: PictureOptions): Promise<string[]> {
  const seconds = segmentSeconds(grid);
  const total = durationSeconds(grid, plan);
  const every = tileInterval(total, seconds);
  const decoder = new KeyFrameDecoder(smallest.init);
  const size = fitInto(decoder.size, TILE_BOX);
  const tiles: Tile[] = [];
  const names: string[] = [];
  await mkdir(join(folder, 'thumbnails'), { recursive: true });
  let sheet = new SpriteSheet(size);
  const flush = async (): Promise<void> => {
    const name = `thumbnails/${names.length}.jpg`;
    if (sheet.tiles > 0) {
      await writeFileAtomic(join(folder, name), await sheet.jpeg());
      names.push(name);
    }
  };
  try {
    for (const number of segmentsOf(plan)) {
      signal.throwIfAborted();
      if ((number - plan.first) % every !== 0 || plan.missing.has(number)) continue;
      const picture = await decoder.decode(await readFile(join(folder, smallest.id, wholeName(number))));
      await sheet.add(picture).finally(() => picture.free());
      const start = (number - plan.first) * seconds;
      const end = Math.min(total, start + every * seconds);
      tiles.push({ start, end, sheet: `thumbnails/${names.length}.jpg`, index: tiles.length % SHEET_TILES });
      if (!sheet.full) continue;
      await flush();
      sheet.close();
      sheet = new SpriteSheet(size);
    }
    await flush();
  } finally {
    sheet.close();
    decoder.close();
  }
  await writeFileAtomic(join(folder, 'thumbnails.vtt'), renderThumbnailTrack(tiles, size));
  return ['thumbnails.vtt', ...names];
}
