import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lineAmount, moneyOf, readPrices, type UsageLine } from '../../../src/usage/prices.ts';

const table = (prices: object) => readPrices(JSON.stringify({ currency: 'EUR', ...prices }))!;
const line = (kind: UsageLine['kind'], amount: number, subject = ''): UsageLine => ({ kind, subject, amount });

describe('money', () => {
  test('an hour, a gigabyte, a minute cost what they cost', () => {
    const prices = table({
      ...{ activeHour: '0.36', cpuHour: 0.05, egressGigabyte: '0.02', viewerGigabyte: '0.01' },
      outputMinute: { v720: '0.004', '*': '0.001' },
    });
    const cents = (of: UsageLine) => moneyOf([{ ...of, amount: of.amount * 100 }], prices).minor / 100;
    expect(cents(line('active', 3_600_000))).toBe(36);
    expect(cents(line('cpu', 3_600_000))).toBe(5);
    expect(cents(line('egress', 1_000_000_000, 'd1'))).toBe(2);
    expect(cents(line('viewers', 1_000_000_000))).toBe(1);
    expect(cents(line('output', 60_000, 'v720'))).toBe(0.4);
    expect(cents(line('output', 60_000, 'a0'))).toBe(0.1);
  });

  test('is rounded once, half a unit up, and never before: a third of a cent three times is a cent', () => {
    const prices = table({ activeHour: '0.01' });
    const third = line('active', 1_200_000);
    expect(moneyOf([third], prices).minor).toBe(0);
    expect(moneyOf([third, third, third], prices).minor).toBe(1);
    expect(moneyOf([line('active', 1_800_000)], prices)).toEqual({ currency: 'EUR', minor: 1, amount: '0.01' });
    expect(moneyOf([line('active', 1_799_999)], prices).minor).toBe(0);
    expect(lineAmount(third, prices)).toBe('0.00333333');
  });

  test('is exact where floating point is not', () => {
    const prices = table({ egressGigabyte: '0.1', viewerGigabyte: '0.2' });
    // 0.1 + 0.2, and a petabyte in bytes.
    const lines = [line('egress', 1e15 + 5e7, 'd1'), line('viewers', 1e15)];
    expect(moneyOf(lines, prices).amount).toBe('300000.01');
    expect(moneyOf([line('egress', 1e15 + 5e7 - 1, 'd1'), line('viewers', 1e15)], prices).amount).toBe('300000.00');
  });

  test('has the decimals of its currency', () => {
    const yen = readPrices('{"currency": "JPY", "decimals": 0, "activeHour": 150}')!;
    expect(moneyOf([line('active', 60_000)], yen)).toEqual({ currency: 'JPY', minor: 3, amount: '3' });
    expect(lineAmount(line('active', 60_000), yen)).toBe('2.500000');
    expect(moneyOf([], table({})).amount).toBe('0.00');
  });
});

describe('the price table', () => {
  test('is a JSON text, a file, or not there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lianmai-prices-'));
    writeFileSync(join(folder, 'prices.json'), '{"currency": "USD", "cpuHour": "0.05"}');
    expect(readPrices(join(folder, 'prices.json'))).toMatchObject({ currency: 'USD', cpuHour: 50_000_000_000n });
    rmSync(folder, { recursive: true });
    expect(readPrices(' ')).toBeNull();
    expect(() => readPrices(join(folder, 'prices.json'))).toThrow(/can not be read/);
  });

  test.each([
    ['{"currency": "euro"}', /currency: a currency is three letters/],
    ['{"currency": "EUR", "activeHour": "1,5"}', /activeHour: a price has up to 12 decimals/],
    ['{"currency": "EUR", "activeHour": -1}', /activeHour: a price/],
    ['{"currency": "EUR", "hour": 1}', /hour/],
    ['{"currency"', /can not be read/],
  ])('%s is refused with a sentence', (text, sentence) => {
    expect(() => readPrices(text)).toThrow(sentence);
  });
});
