/**
 * What an earlier process left of a broadcast's segments. In: the folder. Out: which segments are whole, and how far the newest got;
 * the files are brought to the last part that is whole in all renditions. Next: BroadcastArchive.ts goes on from there, and
 * recording/fillHoles.ts finishes.
 */
import { readdir, readFile, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { partsPerSegment } from '../../contracts/grid.ts';
import { type InitSegment, parseInit } from '../mp4/initSegment.ts';
import type { ArchiveManifest } from './ArchiveManifest.ts';
import {
  INIT_FILE,
  parseName,
  partialName,
  type RenditionId,
  type SegmentNumber,
  SLATE_FILE,
  wholeName,
} from './names.ts';
import { splitParts } from './splitParts.ts';

export interface StoredInit {
  name: string;
  bytes: Buffer;
  info: InitSegment;
}

export interface ScannedArchive {
  /** Of the renditions that have one. */
  inits: Map<RenditionId, StoredInit>;
  slates: Map<RenditionId, Buffer>;
  /** Whole in all renditions. */
  whole: Set<SegmentNumber>;
  /** Segments of which only some parts are there: how many, in all renditions. */
  partial: Map<SegmentNumber, number>;
}

export async function scanArchive(folder: string, manifest: ArchiveManifest): Promise<ScannedArchive> {
  const scan: ScannedArchive = { inits: new Map(), slates: new Map(), whole: new Set(), partial: new Map() };
  const found = new Map<SegmentNumber, Map<RenditionId, 'whole' | 'partial'>>();
  for (const { id } of manifest.renditions) {
    for (const name of await readdir(join(folder, id)).catch(() => [])) {
      if (INIT_FILE.test(name)) {
        const bytes = await readFile(join(folder, id, name));
        scan.inits.set(id, { name, bytes, info: parseInit(bytes) });
      } else if (name === SLATE_FILE) scan.slates.set(id, await readFile(join(folder, id, name)));
      const segment = parseName(name);
      if (!segment) continue;
      const files = found.get(segment.number) ?? new Map<RenditionId, 'whole' | 'partial'>();
      found.set(segment.number, files);
      if (segment.whole || !files.has(id)) files.set(id, segment.whole ? 'whole' : 'partial');
    }
  }
  for (const [number, files] of [...found].toSorted(([a], [b]) => a - b)) {
    const all = manifest.renditions.every(({ id }) => files.get(id) === 'whole');
    const parts = all ? partsPerSegment(manifest.grid) : await mend(folder, manifest, scan.inits, number);
    if (parts === partsPerSegment(manifest.grid)) scan.whole.add(number);
    else if (parts > 0) scan.partial.set(number, parts);
  }
  return scan;
}

/** Brings the files of a segment to the parts that all renditions have whole; how many that are. */
async function mend(
  folder: string,
  manifest: ArchiveManifest,
  inits: ScannedArchive['inits'],
  number: SegmentNumber,
): Promise<number> {
  const perSegment = partsPerSegment(manifest.grid);
  const tracks = await Promise.all(
    manifest.renditions.map(async ({ id }) => {
      const whole = join(folder, id, wholeName(number));
      const partial = join(folder, id, partialName(number));
      // The process died while the renditions were renamed one by one.
      await rename(whole, partial).catch(() => undefined);
      const bytes = await readFile(partial).catch(() => Buffer.alloc(0));
      const init = inits.get(id);
      const parts = init ? splitParts(bytes, { grid: manifest.grid, rendition: id, init: init.info, number }) : [];
      return { whole, partial, parts };
    }),
  );
  const common = Math.min(...tracks.map(({ parts }) => parts.length));
  for (const { whole, partial, parts } of tracks) {
    if (common === 0) await rm(partial, { force: true });
    else
      await truncate(
        partial,
        parts.slice(0, common).reduce((sum, part) => sum + part.length, 0),
      );
    if (common === perSegment) await rename(partial, whole);
  }
  return common;
}
