import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../../common/ids.ts';

/** Folder of one process: `ffmpeg-PID`. */
const FOLDER = /^ffmpeg-(\d+)$/;

/**
 * Files with the options that hold secrets, which must not stand in an argument list: ffmpeg reads them with `-fpre`. Mode 0600, in
 * a folder of mode 0700, and gone as soon as ffmpeg has read them.
 */
export class PresetFiles {
  readonly #folder: string;
  #closed = false;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Also removes what processes left that were killed. */
  static async create(dataDir: string): Promise<PresetFiles> {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(dataDir)) {
      const pid = Number(FOLDER.exec(name)?.[1]);
      if (pid && !isAlive(pid)) await rm(join(dataDir, name), { recursive: true, force: true });
    }
    const folder = join(dataDir, `ffmpeg-${process.pid}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new PresetFiles(folder);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The path of a new file of `name=value` lines. */
  async write(options: Readonly<Record<string, string>>): Promise<string> {
    if (this.#closed) throw new Error('PresetFiles is closed');
    const lines = Object.entries(options).map(([name, value]) => `${name}=${value}\n`);
    const path = join(this.#folder, `${newId('d')}.ffpreset`);
    await writeFile(path, lines.join(''), { mode: 0o600, flag: 'wx' });
    return path;
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
