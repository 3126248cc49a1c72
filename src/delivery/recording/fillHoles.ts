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
import { makeFragment, readSamples, type Sample } from '../mp4/fragment.ts';
import { SlateSegments } from '../SlateSegments.ts';
import type { RecordingPlan } from './RecordingPlan.ts';

export interface Hole {
  folder: string;
  manifest: ArchiveManifest;
  scan: ScannedArchive;
}

/** null: nothing can be played. */
export async function fillHoles({ folder, manifest, scan }: Hole): Promise<RecordingPlan | null> {
  const numbers = [...scan.whole, ...scan.partial.keys()]
    .filter((number) => number >= manifest.recordingFrom)
    .toSorted((a, b) => a - b);
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

/** False: there is nothing to fill it with, or no space for it. */
async function fill(hole: Hole, slates: SlateSegments, number: number): Promise<boolean> {
  const { folder, manifest, scan } = hole;
  const parts = scan.partial.get(number) ?? 0;
  try {
    for (const { id } of manifest.renditions) {
      const init = scan.inits.get(id);
      if (!init) return false;
      const place: Place = { hole, id, init, number, parts };
      const real = parts > 0 ? await realParts(place) : [];
      const rest = isGridAudio(id) ? slates.segment(id, number)?.slice(parts) : [await slateTail(place, real)];
      if (!rest) return false;
      await writeFileAtomic(join(folder, id, wholeName(number)), Buffer.concat([...real, ...rest]));
    }
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
  for (const { id } of manifest.renditions) await rm(join(folder, id, partialName(number)), { force: true });
  return true;
}

/** A rendition of a lost segment. */
interface Place {
  hole: Hole;
  id: RenditionId;
  init: StoredInit;
  number: number;
  /** That came. */
  parts: number;
}

async function realParts({ hole, id, init, number, parts }: Place): Promise<Buffer[]> {
  const bytes = await readFile(join(hole.folder, id, partialName(number)));
  const segment = { grid: hole.manifest.grid, rendition: id, init: init.info, number };
  return splitParts(bytes, segment).slice(0, parts);
}

/** Slate from the first part that did not come to the segment's end: whatever was before it, it begins with an IDR frame of its own. */
async function slateTail(place: Place, real: readonly Buffer[]): Promise<Buffer> {
  const { hole, id, init, number, parts } = place;
  const { grid } = hole.manifest;
  const skipped = parts * grid.framesPerPart;
  const ticksPerFrame = init.info.timescale / grid.fps;
  const time = (segmentFirstFrame(grid, number) + skipped) * ticksPerFrame;
  const sequence = 1 + number * partsPerSegment(grid) + parts;
  const slate = hole.scan.slates.get(id);
  const samples = slate
    ? readSamples(slate, init.info).slice(0, grid.framesPerSegment - skipped)
    : await stillSamples(place, real, ticksPerFrame);
  return makeFragment(init.info.trackId, sequence, time, samples);
}

/**
 * In place of a slate that no compositor got to make: the last key frame that came, once a part. Slates are made beside the program,
 * the largest first, and on a busy machine a small rendition's may never be.
 */
async function stillSamples(place: Place, real: readonly Buffer[], ticksPerFrame: number): Promise<Sample[]> {
  const { hole, id, init, number, parts } = place;
  const { grid } = hole.manifest;
  const whole = [...hole.scan.whole].toSorted((a, b) => a - b);
  const nearest = whole.findLast((k) => k < number) ?? whole[0];
  const source = real[0] ?? (nearest === undefined ? null : await readFile(join(hole.folder, id, wholeName(nearest))));
  const picture = source ? readSamples(source, init.info)[0] : undefined;
  if (!picture) throw new Error('there is no picture to fill a hole with');
  const sample = { ...picture, duration: grid.framesPerPart * ticksPerFrame };
  return Array.from({ length: partsPerSegment(grid) - parts }, () => sample);
}
