import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fillTables } from '../../scripts/readmeTables.ts';

test("README.md's tables of settings, metrics and errors are those of the code (node scripts/readmeTables.ts --write)", () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(readme).toBe(fillTables(readme));
});
