import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashFiles } from '../../../scripts/setup/fileHash.mjs';

let folder: string;
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const hash = () => hashFiles(folder, ['client', 'package.json', 'not-there']);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lianmai-hash-'));
  mkdirSync(join(folder, 'client', 'node_modules'), { recursive: true });
  write('client/a.ts', 'a');
  write('package.json', '{}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('hashFiles', () => {
  it('stays while nothing that counts changes', () => {
    const before = hash();
    write('client/a.ts', 'a');
    write('other.ts', 'not asked for');
    write('client/node_modules/x.js', 'left out');
    expect(hash()).toBe(before);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['a content', () => write('client/a.ts', 'b')],
    ['a name', () => renameSync(join(folder, 'client/a.ts'), join(folder, 'client/b.ts'))],
    ['a new file', () => write('client/b.ts', '')],
    ['a single file', () => write('package.json', '{"a":1}')],
  ])('changes with %s', (_what, change) => {
    const before = hash();
    change();
    expect(hash()).not.toBe(before);
  });
});
