/** docs/usage.md: its example is an answer, its prices are a table, its parameters and columns are those of the contracts. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { UsageAnswer, UsageQuery } from '../../../src/contracts/usage.ts';
import { moneyOf, readPrices, type UsageLine } from '../../../src/usage/prices.ts';
import { usageCsv } from '../../../src/usage/usageCsv.ts';

const text = readFileSync(new URL('../../../docs/usage.md', import.meta.url), 'utf8');
const [answer = '', prices = ''] = [...text.matchAll(/^```json\n([\s\S]*?)^```/gm)].map((m) => m[1]);

test('its example is an answer, and its cost what its prices make of it', () => {
  const { usage, total } = UsageAnswer.strict().parse(JSON.parse(answer));
  const table = readPrices(prices)!;
  for (const sum of [usage[0]!, total]) {
    const lines: UsageLine[] = [
      { kind: 'active', subject: '', amount: sum.activeMs },
      { kind: 'cpu', subject: '', amount: sum.cpuMs },
      ...sum.output.map(({ rendition, ms }) => ({ kind: 'output' as const, subject: rendition, amount: ms })),
      { kind: 'egress', subject: '', amount: sum.egressBytes },
      { kind: 'viewers', subject: '', amount: sum.viewerBytes },
    ];
    expect(sum.cost).toEqual(moneyOf(lines, table));
  }
});

test('it names every parameter and every column', () => {
  const named = text.match(/^\| parameter[\s\S]*?\n\n/m)?.[0] ?? '';
  for (const name of Object.keys(UsageQuery.shape)) expect(named).toContain(`\`${name}\``);
  expect(text).toContain(`\`${usageCsv([], ['day', 'tenant', 'room'], null).trim()}\``);
});
