import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/common/Secret.ts';
import { KEY_FILE, SealError, SecretBox } from '../../../src/common/SecretBox.ts';

const OLD = new Secret('a'.repeat(32));
const NEW = new Secret('b'.repeat(32));
const TEXT = 'rtmp://ingest.example/live/KEY-of-the-stream-连麦';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lianmai-seal-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const box = (secrets: Secret[], purpose = 'destinations') => SecretBox.create({ secrets, dataDir, purpose });

describe('SecretBox', () => {
  test('what was sealed comes back, and can not be read without opening it', async () => {
    const sealed = (await box([OLD])).seal(TEXT);
    expect(sealed).toMatch(/^s1\.[\w-]+$/);
    expect(Buffer.from(sealed.slice(3), 'base64url').toString('latin1')).not.toContain('KEY');
    expect((await box([OLD])).open(sealed)).toBe(TEXT);
    expect((await box([OLD])).open((await box([OLD])).seal(''))).toBe('');
  });

  test('the same text is another one each time that it is sealed', async () => {
    const one = await box([OLD]);
    expect(one.seal(TEXT)).not.toBe(one.seal(TEXT));
  });

  test('a change of any byte is found', async () => {
    const one = await box([OLD]);
    const bytes = Buffer.from(one.seal(TEXT).slice(3), 'base64url');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => one.open(`s1.${changed.toString('base64url')}`), `byte ${i}`).toThrow(SealError);
    }
    expect(() => one.open(`s1.${bytes.subarray(0, -1).toString('base64url')}`)).toThrow(SealError);
  });

  test('what is no sealed text, or of another version, is refused', async () => {
    const one = await box([OLD]);
    const sealed = one.seal(TEXT);
    for (const bad of ['', 's1', 's1.', 's1.AAAA', TEXT, `s2${sealed.slice(2)}`, `${sealed}.x`])
      expect(() => one.open(bad), bad).toThrow(SealError);
  });

  test('the first secret seals, both open: a secret can be changed without losing anything', async () => {
    const before = (await box([OLD])).seal(TEXT);
    const both = await box([NEW, OLD]);
    expect(both.open(before)).toBe(TEXT);
    const after = both.seal(TEXT);
    expect((await box([NEW])).open(after)).toBe(TEXT);
    const old = await box([OLD]);
    expect(() => old.open(after)).toThrow(SealError);
  });

  test('a text that was sealed for one purpose is none for another', async () => {
    const sealed = (await box([OLD], 'destinations')).seal(TEXT);
    const other = await box([OLD], 'webhooks');
    expect(() => other.open(sealed)).toThrow(SealError);
  });

  test('without a secret a key file of mode 0600 is made once, and what it sealed is still read when a secret is set', async () => {
    const [one, two] = await Promise.all([box([]), box([])]);
    const sealed = one.seal(TEXT);
    expect(two.open(sealed)).toBe(TEXT);
    expect(await readdir(dataDir)).toEqual([KEY_FILE]);
    expect((await stat(join(dataDir, KEY_FILE))).mode & 0o777).toBe(0o600);
    expect((await box([NEW])).open(sealed)).toBe(TEXT);
  });

  test('with a secret no key file is made', async () => {
    await box([OLD]);
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('a broken key file is told, and not replaced', async () => {
    await writeFile(join(dataDir, KEY_FILE), 'short\n');
    await expect(box([])).rejects.toThrow(/does not hold a key/);
    expect(await readFile(join(dataDir, KEY_FILE), 'utf8')).toBe('short\n');
  });
});
