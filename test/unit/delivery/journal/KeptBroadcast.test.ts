import { expect, test } from 'vitest';
import { Grid } from '../../../../src/contracts/grid.ts';
import { afterReboot } from '../../../../src/delivery/journal/KeptBroadcast.ts';

const grid = Grid.parse({});
const position = { first: 2, next: 63 };

test('a process that was killed goes on exactly where it was', () => {
  expect(afterReboot(position, { silentMs: 3_000, upMs: 86_400_000, grid })).toEqual(position);
});

test('after a power failure two segments are skipped: the disk may not have had the newest positions', () => {
  expect(afterReboot(position, { silentMs: 60_000, upMs: 30_000, grid })).toEqual({ first: 2, next: 63 + 2 * 6 });
});
