import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../../../src/common/logger.ts';
import { readManifest } from '../../../../src/delivery/archive/ArchiveManifest.ts';
import { BroadcastArchive } from '../../../../src/delivery/archive/BroadcastArchive.ts';
import { manifestOf, newArchive, newFolder, partsOf, putHead } from '../../../support/archiveRig.ts';
import { mountTmpfs } from '../../../support/mountTmpfs.ts';
import { AUDIO, TestClip, VIDEO } from '../../../support/programParts.ts';

const logger = createLogger({ level: 'silent' });
let clip: TestClip;
beforeAll(async () => {
  clip = await TestClip.make();
});
afterAll(() => clip.close());

const bytesOf = (parts: ReturnType<typeof partsOf>, segment: number, rendition: string): Buffer =>
  Buffer.concat(parts.filter((p) => p.segment === segment).map((p) => p.bytes.get(rendition) ?? Buffer.alloc(0)));

async function filled(folder: string, parts: ReturnType<typeof partsOf>, change = {}): Promise<BroadcastArchive> {
  const archive = newArchive(folder, { manifest: manifestOf(change) });
  putHead(archive, clip);
  for (const { segment, part, bytes } of parts) archive.append(segment, part, bytes);
  await archive.flush();
  return archive;
}

test('each part is in the file of its segment as soon as it was taken, and the manifest was there before', async () => {
  const folder = await newFolder();
  const parts = partsOf(clip, 3, 8);
  const archive = newArchive(folder);
  putHead(archive, clip);
  await archive.flush();
  expect(await readManifest(archive.folder)).toEqual(archive.manifest);
  for (const [i, { segment, part, bytes }] of parts.entries()) {
    archive.append(segment, part, bytes);
    await archive.flush();
    const whole = part === 5;
    for (const id of [VIDEO, AUDIO]) {
      const file = await readFile(join(archive.folder, id, whole ? `${segment}.m4s` : `${segment}.part.m4s`));
      expect(file.equals(bytesOf(parts.slice(0, i + 1), segment, id))).toBe(true);
    }
  }
  expect([2, 3, 4].map((n) => archive.holds(n))).toEqual([false, true, false]);
});

test('older segments and their parts are read from the files as they were put', async () => {
  const parts = partsOf(clip, 7, 14);
  const archive = await filled(await newFolder(), parts);
  for (const id of [VIDEO, AUDIO]) {
    expect((await archive.segment(id, 7))?.equals(bytesOf(parts, 7, id))).toBe(true);
    for (const { segment, part, bytes } of parts.slice(0, 12))
      expect((await archive.part(id, segment, part))?.equals(bytes.get(id)!)).toBe(true);
  }
  expect(await archive.segment(VIDEO, 9)).toBeNull();
  expect(await archive.part(VIDEO, 7, 6)).toBeNull();
  expect(await archive.segment('../x', 7)).toBeNull();
});

test('files beyond the DVR window are removed; a recording keeps all', async () => {
  const parts = partsOf(clip, 0, 24);
  const dvr = await filled(await newFolder(), parts, { recording: null });
  const recorded = await filled(await newFolder(), parts);
  for (const archive of [dvr, recorded]) {
    archive.forgetBefore(2);
    archive.forgetBefore(1);
    await archive.flush();
  }
  const names = async (archive: BroadcastArchive): Promise<string[]> =>
    (await readdir(join(archive.folder, VIDEO))).filter((n) => /^\d/.test(n)).toSorted();
  expect(await names(dvr)).toEqual(['2.m4s', '3.m4s']);
  expect(dvr.holds(1)).toBe(false);
  expect(await names(recorded)).toEqual(['0.m4s', '1.m4s', '2.m4s', '3.m4s']);
});

test('after a crash at any byte all whole parts are there, and the segment goes on with the next one', async () => {
  const folder = await newFolder();
  const parts = partsOf(clip, 0, 18);
  const before = await filled(folder, parts.slice(0, 9));
  await before.close();
  // The process died while part 3 was being written: all of it in the sound, a piece of it in the picture.
  const next = parts[9]!;
  await appendFile(join(before.folder, AUDIO, '1.part.m4s'), next.bytes.get(AUDIO)!);
  for (const cut of [1, 9, 400, next.bytes.get(VIDEO)!.length - 1]) {
    await appendFile(join(before.folder, VIDEO, '1.part.m4s'), next.bytes.get(VIDEO)!.subarray(0, cut));
    const { archive, scan } = await BroadcastArchive.reopen({
      folder: before.folder,
      manifest: before.manifest,
      logger,
    });
    expect([...scan.whole]).toEqual([0]);
    expect([...scan.partial]).toEqual([[1, 3]]);
    await archive.close();
  }
  const { archive, scan } = await BroadcastArchive.reopen({ folder: before.folder, manifest: before.manifest, logger });
  expect(scan.slates.get(VIDEO)?.equals(clip.slate.video)).toBe(true);
  expect(scan.inits.get(AUDIO)?.bytes.equals(clip.inits.audio)).toBe(true);
  for (const { segment, part, bytes } of parts.slice(9)) archive.append(segment, part, bytes);
  await archive.close();
  for (const id of [VIDEO, AUDIO])
    for (const number of [0, 1, 2])
      expect((await archive.segment(id, number))?.equals(bytesOf(parts, number, id))).toBe(true);
  expect(archive.reason).toBe('');
});

test('a crash between the renditions of a whole segment costs nothing', async () => {
  const folder = await newFolder();
  const before = await filled(folder, partsOf(clip, 0, 6));
  await before.close();
  const { rename } = await import('node:fs/promises');
  await rename(join(before.folder, AUDIO, '0.m4s'), join(before.folder, AUDIO, '0.part.m4s'));
  const { scan, archive } = await BroadcastArchive.reopen({ folder: before.folder, manifest: before.manifest, logger });
  await archive.close();
  expect([...scan.whole]).toEqual([0]);
  expect(await readdir(join(before.folder, AUDIO))).toContain('0.m4s');
});

test('a write that fails with ENOSPC is told once, leaves whole parts only, and the next segment is tried anew', async () => {
  const folder = await newFolder();
  const parts = partsOf(clip, 0, 24);
  const archive = newArchive(folder);
  const told: string[] = [];
  archive.on('trouble', (reason) => told.push(reason));
  archive.on('recovered', () => told.push('recovered'));
  putHead(archive, clip);
  await archive.flush();
  // A file that is always full, on a real file system.
  for (const number of [1, 2]) await symlink('/dev/full', join(archive.folder, AUDIO, `${number}.part.m4s`));
  for (const { segment, part, bytes } of parts) archive.append(segment, part, bytes);
  await archive.flush();
  expect(told).toEqual(['there is no space left on the disk', 'recovered']);
  expect(archive.reason).toBe('there is no space left on the disk');
  expect([0, 1, 2, 3].map((n) => archive.holds(n))).toEqual([true, false, false, true]);
  for (const number of [1, 2]) await rm(join(archive.folder, AUDIO, `${number}.part.m4s`));
  const { scan, archive: again } = await BroadcastArchive.reopen({
    folder: archive.folder,
    manifest: archive.manifest,
    logger,
  });
  await again.close();
  expect([...scan.whole]).toEqual([0, 3]);
});

test('a disk that is full from the start, then has space, then is full again', async () => {
  const folder = join(await newFolder(), 'disk');
  await mkdir(folder);
  const mounted = mountTmpfs(folder, '1m');
  if (mounted) onTestFinished(() => void execFileSync('umount', [folder]));
  // Where nothing can be mounted, the folder is not there: ENOENT in place of ENOSPC.
  else await rm(folder, { recursive: true });
  if (mounted) await writeFile(join(folder, 'filler'), Buffer.alloc(1 << 20)).catch(() => undefined);
  const parts = partsOf(clip, 0, 60);
  const archive = newArchive(mounted ? folder : '/dev/null/none');
  const told: string[] = [];
  archive.on('trouble', (reason) => told.push(reason));
  archive.on('recovered', () => told.push('recovered'));
  putHead(archive, clip);
  for (const { segment, part, bytes } of parts.slice(0, 7)) archive.append(segment, part, bytes);
  await archive.flush();
  expect(archive.holds(0)).toBe(false);
  if (!mounted) {
    expect(told).toEqual(['the disk failed (ENOTDIR)']);
    return;
  }
  await rm(join(folder, 'filler'));
  for (const { segment, part, bytes } of parts.slice(7)) archive.append(segment, part, bytes);
  await archive.close();
  expect(told).toEqual(['there is no space left on the disk', 'recovered', 'there is no space left on the disk']);
  expect([0, 1, 2].map((n) => archive.holds(n))).toEqual([false, false, true]);
  const { scan, archive: again } = await BroadcastArchive.reopen({
    folder: archive.folder,
    manifest: archive.manifest,
    logger,
  });
  await again.close();
  for (const number of scan.whole)
    expect((await again.segment(VIDEO, number))?.equals(bytesOf(parts, number, VIDEO))).toBe(true);
});

test('a disk that hangs does not fill the memory', async () => {
  const archive = newArchive(await newFolder(), { maxWaitingBytes: 100_000 });
  const told: string[] = [];
  archive.on('trouble', (reason) => told.push(reason));
  putHead(archive, clip);
  for (const { segment, part, bytes } of partsOf(clip, 0, 60)) archive.append(segment, part, bytes);
  expect(told).toEqual(['the disk is too slow']);
  await archive.flush();
  expect(archive.holds(9)).toBe(false);
  for (const { segment, part, bytes } of partsOf(clip, 10, 6)) {
    archive.append(segment, part, bytes);
    await archive.flush();
  }
  expect(archive.holds(10)).toBe(true);
});

test('closed, it takes nothing more', async () => {
  const archive = await filled(await newFolder(), partsOf(clip, 0, 6));
  await archive.close();
  await archive.close();
  for (const { segment, part, bytes } of partsOf(clip, 1, 6)) archive.append(segment, part, bytes);
  await archive.flush();
  expect(archive.closed).toBe(true);
  expect(archive.holds(1)).toBe(false);
  expect(archive.holds(0)).toBe(true);
});
