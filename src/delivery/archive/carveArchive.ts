import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveManifest, writeManifest } from './ArchiveManifest.ts';
import { INIT_FILE, parseName, SLATE_FILE } from './names.ts';

/**
 * Brings the segments of an archive from `manifest.recordingFrom` on to another folder. The manifest comes last: a folder without one is of no use
 * and goes at the next start. Whole files are never changed, so a link is as good as a copy.
 */
export async function carveArchive(source: string, target: string, manifest: ArchiveManifest): Promise<void> {
  await rm(target, { recursive: true, force: true });
  for (const { id } of manifest.renditions) {
    await mkdir(join(target, id), { recursive: true });
    for (const name of await readdir(join(source, id))) {
      const segment = parseName(name);
      const wanted = segment ? segment.number >= manifest.recordingFrom : INIT_FILE.test(name) || name === SLATE_FILE;
      if (!wanted) continue;
      const [from, to] = [join(source, id, name), join(target, id, name)];
      // More parts are appended to it.
      if (segment && !segment.whole) await copyFile(from, to);
      else await link(from, to);
    }
  }
  await writeManifest(target, manifest);
}
