/** A BroadcastArchive in a folder of its own, and a program to put into it. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createLogger } from '../../src/common/logger.ts';
import { ArchiveManifest } from '../../src/delivery/archive/ArchiveManifest.ts';
import { BroadcastArchive, type BroadcastArchiveOptions } from '../../src/delivery/archive/BroadcastArchive.ts';
import { AUDIO, GRID, ProgramRun, RENDITIONS, type TestClip, VIDEO } from './programParts.ts';

export const BROADCAST = 'btestbroadcast';

export function manifestOf(change: Partial<ArchiveManifest> = {}): ArchiveManifest {
  return ArchiveManifest.parse({
    version: 1,
    broadcast: BROADCAST,
    room: 'demo',
    epoch: Date.UTC(2026, 0, 1),
    grid: GRID,
    renditions: RENDITIONS,
    dvrSeconds: 0,
    recording: 'rtestbroadcast',
    ...change,
  });
}

export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-archive-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function newArchive(folder: string, options: Partial<BroadcastArchiveOptions> = {}): BroadcastArchive {
  const archive = BroadcastArchive.create({
    folder: join(folder, BROADCAST),
    manifest: manifestOf(),
    logger: createLogger({ level: 'silent' }),
    ...options,
  });
  onTestFinished(() => archive.close());
  return archive;
}

export const initName = (init: Buffer): string =>
  `init-${createHash('sha256').update(init).digest('hex').slice(0, 16)}.mp4`;

export function putHead(archive: BroadcastArchive, clip: TestClip): void {
  for (const [id, kind] of [
    [VIDEO, 'video'],
    [AUDIO, 'audio'],
  ] as const) {
    archive.putInit(id, initName(clip.inits[kind]), clip.inits[kind]);
    archive.putSlate(id, clip.slate[kind]);
  }
}

/** The parts of a program from segment `from` on, as they become visible. */
export function partsOf(
  clip: TestClip,
  from: number,
  count: number,
): { segment: number; part: number; bytes: Map<string, Buffer> }[] {
  const run = new ProgramRun(clip, from);
  const parts = Array.from({ length: count }, () => {
    const { segment, part, video, audio } = run.next();
    return {
      segment,
      part,
      bytes: new Map([
        [VIDEO, video],
        [AUDIO, audio],
      ]),
    };
  });
  run.close();
  return parts;
}
