/** docs/health.md: its table of findings has every code, and the thresholds are those of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FindingCode } from '../../../src/contracts/health.ts';
import * as thresholds from '../../../src/rooms/health/thresholds.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/health.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const codeOf = (row: string[]) => row[1]?.match(/`([\w-]+)`/)?.[1] ?? '';

test('each finding is in the table', () => {
  expect(new Set(rows.map(codeOf))).toEqual(new Set(FindingCode.options));
});

test('the thresholds are those of the code', () => {
  const numbers = rows
    .filter((row) => row[6] !== '')
    .map((row) => [codeOf(row), Number(row[4]), Number(row[5]), Number(row[6])]);
  const limit = (code: string, { warn, bad, slack }: thresholds.Limit) => [code, warn, bad, slack];
  expect(numbers).toEqual([
    limit('upload', thresholds.LOST_PERCENT),
    limit('upload', thresholds.AVAILABLE_KBITS),
    limit('delay', thresholds.RTT_MS),
    limit('jitter', thresholds.JITTER_MS),
    limit('late', thresholds.LATE_PERCENT),
    limit('slow', thresholds.MISSING_PERCENT),
    limit('clock', thresholds.CLOCK_MS),
    limit('delivery', thresholds.DELIVERY_MS),
    limit('behind', thresholds.BEHIND_MS),
    limit('stalls', thresholds.STALLED_PERCENT),
  ]);
  expect(page).toContain(`gave nothing above −90 dBFS for ${thresholds.SILENT_MS / 1000} s`);
  expect(page).toContain(`of which nothing came for ${thresholds.NOTHING_MS / 1000} s`);
});
