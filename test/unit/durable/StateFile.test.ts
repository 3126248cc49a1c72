import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StateFile } from '../../../src/durable/StateFile.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-state-'));
  path = join(folder, 'state');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What somebody who opens it now finds. */
function reread(): string | undefined {
  const file = StateFile.open(path);
  file.close();
  return file.text;
}

describe('StateFile', () => {
  test('nothing at first; then what was saved last, long or short', () => {
    const file = StateFile.open(path);
    expect(file.text).toBeUndefined();
    for (const text of ['one', 'a much longer text: 连麦', '', 'x'.repeat(100_000), 'short']) {
      file.save(text);
      expect(reread()).toBe(text);
    }
    file.close();
  });

  test('it is found although the process never closed it', () => {
    StateFile.open(path).save('first');
    const second = StateFile.open(path);
    expect(second.text).toBe('first');
    second.save('second');
    expect(StateFile.open(path).text).toBe('second');
  });

  test('a save that was cut off anywhere leaves the one before it', async () => {
    const file = StateFile.open(path);
    file.save('before');
    file.save('after');
    file.close();
    const last = (await readFile(`${path}.0`, 'utf8')).endsWith('after') ? `${path}.0` : `${path}.1`;
    const whole = await readFile(last);
    for (let length = 0; length < whole.length; length++) {
      await truncate(last, length);
      expect(reread(), `${length} bytes`).toBe('before');
      await writeFile(last, whole);
    }
    expect(reread()).toBe('after');
  });

  test('a changed byte is found, and what an older, longer text left behind it is no harm', async () => {
    const file = StateFile.open(path);
    file.save('before');
    file.save('after');
    file.close();
    const last = (await readFile(`${path}.0`, 'utf8')).endsWith('after') ? `${path}.0` : `${path}.1`;
    const whole = await readFile(last);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 4;
      await writeFile(last, changed);
      expect(reread(), `byte ${at}`).toBe('before');
    }
    await writeFile(last, Buffer.concat([whole, Buffer.from('of a longer text')]));
    expect(reread()).toBe('after');
  });

  test('its files are for their owner alone', async () => {
    const file = StateFile.open(path);
    file.save('x');
    file.close();
    for (const n of [0, 1]) expect((await stat(`${path}.${n}`)).mode & 0o777).toBe(0o600);
  });

  test('closes while the disk is still writing; refuses when closed; remove leaves nothing', () => {
    const file = StateFile.open(path);
    file.save('a');
    file.close();
    file.close();
    expect(file.closed).toBe(true);
    expect(() => file.save('b')).toThrow(/closed/);
    expect(reread()).toBe('a');
    StateFile.open(path).remove();
    expect(reread()).toBeUndefined();
  });

  test('a folder that is not there is told', () => {
    expect(() => StateFile.open(join(folder, 'nowhere', 'state'))).toThrow(/ENOENT/);
  });
});
