/**
 * Brings the segments of a finished broadcast to what a recording has: no hole, and every file whole. In: what scanArchive.ts found.
 * Out: files, and the plan of the recording. A lost segment keeps the parts that came, and goes on with slate and silence. Done again
 * after a crash it does nothing twice.
 */
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../common/writeFileAtomic.ts';
import { type Grid, isGridAudio, partsPerSegment, segmentFirstFrame } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import type { ArchiveManifest } from '../archive/ArchiveManifest.ts';
import { partialName, wholeName } from '../archive/names.ts';
import type { ScannedArchive, StoredInit } from '../archive/scanArchive.ts';
import { splitParts } from '../archive/splitParts.ts';
import { makeFragment, readSamples } from '../mp4/fragment.ts';
import { SlateSegments } from '../SlateSegments.ts';
import type { RecordingPlan } from './RecordingPlan.ts';

export interface Hole {
  folder: string;
  manifest: ArchiveManifest;
  scan: ScannedArchive;
}

/** null: nothing can be played. */
export async function fillHoles({ folder, manifest, scan }: Hole): Promise<RecordingPlan | null> {
  const numbers = [...scan.whole, ...scan.partial.keys()].toSorted((a, b) => a - b);
  const first = numbers[0];
  const last = numbers.at(-1);
  if (first === undefined || last === undefined || manifest.renditions.some(({ id }) => !scan.inits.has(id)))
    return null;
  const slates = slatesOf(manifest.grid, scan);
  const missing = new Set<number>();
  let slate = 0;
  for (let number = first; number < last; number++) {
    if (scan.whole.has(number)) continue;
    if (await fill({ folder, manifest, scan }, slates, number)) slate += 1;
    else missing.add(number);
  }
  const lastParts = scan.partial.get(last) ?? partsPerSegment(manifest.grid);
  // The broadcast ended within it: as short as it is, it is whole now.
  if (scan.partial.has(last))
    for (const { id } of manifest.renditions)
      await rename(join(folder, id, partialName(last)), join(folder, id, wholeName(last)));
  return { first, last, lastParts, slate, missing };
}

function slatesOf(grid: Grid, scan: ScannedArchive): SlateSegments {
  const slates = new SlateSegments(grid);
  for (const [id, bytes] of scan.slates) {
    const init = scan.inits.get(id);
    if (init) slates.set(id, init.info, bytes);
  }
  return slates;
}

/** False: there is no slate, or no space for it. */
async function fill({ folder, manifest, scan }: Hole, slates: SlateSegments, number: number): Promise<boolean> {
  const { grid, renditions } = manifest;
  const parts = scan.partial.get(number) ?? 0;
  try {
    for (const { id } of renditions) {
      const init = scan.inits.get(id);
      const slate = slates.segment(id, number);
      if (!init || !slate) return false;
      const partial = join(folder, id, partialName(number));
      const real = parts > 0 ? await realParts(partial, { grid, id, init, number, parts }) : [];
      const rest = isGridAudio(id) ? slate.slice(parts) : [slateTail(grid, init, scan.slates.get(id), number, parts)];
      await writeFileAtomic(join(folder, id, wholeName(number)), Buffer.concat([...real, ...rest]));
    }
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
  for (const { id } of renditions) await rm(join(folder, id, partialName(number)), { force: true });
  return true;
}

async function realParts(
  path: string,
  { grid, id, init, number, parts }: { grid: Grid; id: RenditionId; init: StoredInit; number: number; parts: number },
): Promise<Buffer[]> {
  return splitParts(await readFile(path), { grid, rendition: id, init: init.info, number }).slice(0, parts);
}

/** Slate from part `from` of the segment to its end: whatever was before it, it begins with its own IDR frame. */
function slateTail(grid: Grid, init: StoredInit, slate: Buffer | undefined, number: number, from: number): Buffer {
  if (!slate) throw new Error('there is no slate');
  const skipped = from * grid.framesPerPart;
  const samples = readSamples(slate, init.info).slice(0, grid.framesPerSegment - skipped);
  const time = (segmentFirstFrame(grid, number) + skipped) * (init.info.timescale / grid.fps);
  const sequence = 1 + number * partsPerSegment(grid) + from;
  return makeFragment(init.info.trackId, sequence, time, samples);
}
