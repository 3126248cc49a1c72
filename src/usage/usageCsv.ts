/** Usage as CSV (RFC 4180), one line for each amount: what spreadsheets and databases sum up by themselves. Pure. */
import type { UsageKey } from '../contracts/usage.ts';
import { lineAmount, type PriceTable, type UsageLine } from './prices.ts';
import type { SummedLines } from './queryUsage.ts';

const UNITS: Record<UsageLine['kind'], 'ms' | 'bytes'> = {
  active: 'ms',
  output: 'ms',
  cpu: 'ms',
  egress: 'bytes',
  viewers: 'bytes',
};

/** `amount` is empty without a price table. */
export function usageCsv(sums: readonly SummedLines[], by: readonly UsageKey[], prices: PriceTable | null): string {
  const head = [...by, 'kind', 'subject', 'target', 'quantity', 'unit', 'amount', 'currency'];
  const rows = sums.flatMap(({ keys, lines, sum }) => {
    const targets = new Map(sum.egress.map(({ destination, target }) => [destination, target]));
    return lines.map((line) => [
      ...by.map((key) => keys[key] ?? ''),
      ...[line.kind, line.subject, targets.get(line.subject) ?? ''],
      ...[String(line.amount), UNITS[line.kind]],
      ...(prices ? [lineAmount(line, prices), prices.currency] : ['', '']),
    ]);
  });
  return [head, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
