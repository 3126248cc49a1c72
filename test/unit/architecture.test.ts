/** What conventions say of the tree, held by a test: who may import whom, no cycles, and files that one can read. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAX_LINES = 400;

const files = ['src', 'compositor', 'client', 'scripts', 'test'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|tsx|mjs)$/.test(name))
    .map((name) => join(folder, name)),
);

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^'";]*?from\s*'(\.[^']+)'|^\s*import\s*'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'\s*\)/gm,
  );
  return [...found].map((m) => relative(ROOT, resolve(ROOT, dirname(file), m[1] ?? m[2] ?? m[3] ?? '')));
}

/** Type imports leave no trace at run time: they can not make a cycle. */
function runtimeImportsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8').replace(/^\s*(?:import|export)\s+type\b[^;]*;/gm, '');
  const found = text.matchAll(/^\s*(?:import|export)\b([^'";]*?)from\s*'(\.[^']+)'/gm);
  return [...found].map((m) => relative(ROOT, resolve(ROOT, dirname(file), m[2] ?? '')));
}

const shared = /^src\/(contracts|layout|common)\//;

describe('imports', () => {
  test('compositor/ and client/ take from src/ only contracts/, layout/ and common/', () => {
    const wrong = files
      .filter((file) => /^(compositor|client)\//.test(file))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => target.startsWith('src/') && !shared.test(target))
          .map((target) => `${file} → ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test('contracts/, layout/ and common/ know nothing of who uses them', () => {
    const wrong = files
      .filter((file) => shared.test(file))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => !shared.test(target))
          .map((target) => `${file} → ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test('sfu/ knows no signalling, no room and no broadcast', () => {
    const wrong = files
      .filter((file) => file.startsWith('src/sfu/'))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => /^src\/(signaling|rooms|broadcast|http|delivery)\//.test(target))
          .map((target) => `${file} → ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test('client/ and compositor/ do not know each other', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter(
          (target) =>
            (file.startsWith('client/') && target.startsWith('compositor/')) ||
            (file.startsWith('compositor/') && target.startsWith('client/')),
        )
        .map((target) => `${file} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test('no cycles', () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const target of runtimeImportsOf(file)) if (files.includes(target)) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

test(`no file of the program has more than ${MAX_LINES} lines`, () => {
  const long = files
    .filter((file) => !file.startsWith('test/'))
    .map((file) => [file, readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1] as const)
    .filter(([, lines]) => lines > MAX_LINES);
  expect(long).toEqual([]);
});
