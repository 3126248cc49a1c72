import { describe, expect, it } from 'vitest';
import { closingLine, countTests, purposeOf } from '../../../scripts/setup/testReport.mjs';

const test = (status: string) => ({ status });
const report = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ status: 'passed', assertionResults: [test('passed')] }],
};

describe('purposeOf', () => {
  it.each([
    [[], 'tests'],
    [['test/unit'], 'unitTests'],
    [['./test/unit/layout', '--bail=1'], 'unitTests'],
    [['test/unit', 'test/media'], 'tests'],
    [['-t', 'a name'], 'tests'],
    [['test/unitary'], 'tests'],
  ])('%j needs %s', (args, purpose) => {
    expect(purposeOf(args)).toBe(purpose);
  });
});

describe('countTests', () => {
  it('counts tests', () => {
    expect(countTests({ ...report, numFailedTests: 2, numPendingTests: 1, numTodoTests: 2 }, 1)).toEqual({
      passed: 5,
      failed: 2,
      skipped: 3,
    });
  });

  it('counts a file that could not be loaded as one failed test', () => {
    const testResults = [
      { status: 'failed', assertionResults: [] },
      { status: 'failed', assertionResults: [test('failed'), test('passed')] },
    ];
    expect(countTests({ ...report, numFailedTests: 1, testResults }, 1).failed).toBe(2);
  });

  it('never shows a run that failed outside of the tests as a good one', () => {
    expect(countTests(report, 1).failed).toBe(1);
    expect(countTests(undefined, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(countTests(report, 0).failed).toBe(0);
  });

  it('counts nothing where there was no test', () => {
    const none = { ...report, numPassedTests: 0, testResults: [] };
    expect(countTests(none, 1)).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});

describe('closingLine', () => {
  it('names skipped tests only when there are some', () => {
    expect(closingLine({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed');
    expect(closingLine({ passed: 12, failed: 1, skipped: 3 })).toBe('12 passed, 1 failed, 3 skipped');
  });
});
