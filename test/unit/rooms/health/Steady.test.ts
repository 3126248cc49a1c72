import { expect, test } from 'vitest';
import type { Finding, FindingCode, Severity } from '../../../../src/contracts/health.ts';
import { Steady } from '../../../../src/rooms/health/Steady.ts';

const finding = (code: FindingCode, severity: Severity = 'warn', lost = 0): Finding => ({
  ...{ key: code, code, severity, values: { lost } },
});
const codes = (findings: Finding[]) => findings.map(({ code, severity }) => `${code} ${severity}`);

test('a finding is told when it has lasted for four seconds, and until it has been over for eight', () => {
  const steady = new Steady();
  const upload = [finding('upload')];
  expect(steady.update(upload, 0)).toEqual([]);
  expect(steady.update(upload, 2_000)).toEqual([]);
  expect(codes(steady.update(upload, 4_000))).toEqual(['upload warn']);
  expect(codes(steady.update([], 6_000))).toEqual(['upload warn']);
  expect(codes(steady.update([], 11_999))).toEqual(['upload warn']);
  expect(steady.update([], 12_000)).toEqual([]);
  expect(steady.severityOf('upload')).toBeUndefined();
});

test('what comes and goes is never told, and what is told does not flicker', () => {
  const steady = new Steady();
  for (let at = 0; at < 20_000; at += 4_000) {
    expect(steady.update([finding('upload')], at)).toEqual([]);
    expect(steady.update([], at + 2_000)).toEqual([]);
  }
  steady.update([finding('upload')], 20_000);
  steady.update([finding('upload')], 24_000);
  for (let at = 26_000; at < 60_000; at += 6_000) {
    expect(codes(steady.update([], at))).toEqual(['upload warn']);
    expect(codes(steady.update([finding('upload')], at + 3_000))).toEqual(['upload warn']);
  }
});

test('what is about to be told is judged as what has been found', () => {
  const steady = new Steady();
  steady.update([finding('upload', 'bad')], 0);
  expect(steady.severityOf('upload')).toBe('bad');
});

test('it grows worse at once, and better when it has stayed so; its numbers are the newest', () => {
  const steady = new Steady();
  steady.update([finding('upload', 'warn', 4)], 0);
  expect(steady.update([finding('upload', 'warn', 5)], 4_000)).toEqual([finding('upload', 'warn', 5)]);
  expect(steady.update([finding('upload', 'bad', 12)], 6_000)).toEqual([finding('upload', 'bad', 12)]);
  expect(steady.update([finding('upload', 'warn', 6)], 8_000)).toEqual([finding('upload', 'bad', 6)]);
  expect(steady.update([finding('upload', 'warn', 6)], 13_999)).toEqual([finding('upload', 'bad', 6)]);
  expect(steady.update([finding('upload', 'warn', 6)], 14_000)).toEqual([finding('upload', 'warn', 6)]);
});

test('what is an event is told at once, and for three seconds after it is over', () => {
  const steady = new Steady();
  expect(codes(steady.update([finding('destination-lost')], 0))).toEqual(['destination-lost warn']);
  expect(codes(steady.update([], 2_999))).toEqual(['destination-lost warn']);
  expect(steady.update([], 3_000)).toEqual([]);
});

test('the worst comes first', () => {
  const steady = new Steady();
  const all = [finding('tcp', 'info'), finding('away'), finding('recovering', 'bad'), finding('starved')];
  expect(codes(steady.update(all, 0))).toEqual(['recovering bad', 'away warn', 'starved warn', 'tcp info']);
});
