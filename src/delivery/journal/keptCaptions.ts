/** Lines of captions as they lie in a broadcast's journal: one JSON text a line, appended; of two with one id the later counts. */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CaptionLine } from '../../contracts/captions.ts';

const Entry = z.union([CaptionLine, z.object({ id: z.string(), removed: z.literal(true) })]);
type Entry = z.infer<typeof Entry>;

const fileOf = (folder: string): string => join(folder, 'captions');
const textOf = (entry: Entry): string => `${JSON.stringify(entry)}\n`;

/** Throws what the file system does. */
export function writeCaptions(folder: string, lines: readonly CaptionLine[]): void {
  const path = fileOf(folder);
  writeFileSync(`${path}.new`, lines.map(textOf).join(''), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Throws what the file system does. */
export function appendCaption(folder: string, entry: Entry): void {
  appendFileSync(fileOf(folder), textOf(entry), { mode: 0o600 });
}

/** What can not be read, such as a last line that a power failure cut off, is left out. */
export function readCaptions(folder: string): CaptionLine[] {
  const found = new Map<string, CaptionLine>();
  let text: string;
  try {
    text = readFileSync(fileOf(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  for (const line of text.split('\n')) {
    const entry = parse(line);
    if (!entry) continue;
    if ('removed' in entry) found.delete(entry.id);
    else found.set(entry.id, entry);
  }
  return [...found.values()];
}

function parse(line: string): Entry | undefined {
  try {
    return Entry.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
