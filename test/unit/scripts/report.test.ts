import { describe, expect, it } from 'vitest';
import { duration, PercentSteps, StepReport } from '../../../scripts/setup/report.mjs';

describe('PercentSteps', () => {
  it('answers a line for each 10 %, the last for 100 %', () => {
    const steps = new PercentSteps();
    const lines = Array.from({ length: 261 }, (_, i) => steps.advance(i + 1, 261)).filter((line) => line !== undefined);
    expect(lines).toHaveLength(10);
    expect(lines[0]).toBe('10 % (27 of 261)');
    expect(lines.at(-1)).toBe('100 % (261 of 261)');
  });

  it('skips the steps that a jump passed over', () => {
    const steps = new PercentSteps();
    expect(steps.advance(55, 100)).toBe('50 % (55 of 100)');
    expect(steps.advance(59, 100)).toBeUndefined();
    expect(steps.advance(60, 100)).toBe('60 % (60 of 100)');
  });

  it('says nothing of an unknown total', () => {
    expect(new PercentSteps().advance(5, 0)).toBeUndefined();
  });
});

describe('duration', () => {
  it.each([
    [400, '0.4 s'],
    [38_200, '38 s'],
    [372_000, '6 min 12 s'],
    [59_700, '1 min 0 s'],
  ])('%i ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe('StepReport', () => {
  function reportTo(isTTY: boolean) {
    let text = '';
    const report = new StepReport('worker', 'building, 6 minutes', { isTTY, write: (part: string) => (text += part) });
    return { report, text: () => text };
  }

  it('updates one line on a terminal', () => {
    const { report, text } = reportTo(true);
    report.progress(1, 3);
    report.progress(2, 3);
    report.done();
    expect(text().replaceAll(/\d\.\d s/g, 'T')).toBe(
      'set-up: worker: building, 6 minutes\n' +
        '\r\x1b[2Kset-up: worker: 1 of 3, T\r\x1b[2Kset-up: worker: 2 of 3, T\n' +
        'set-up: worker: ready after T\n',
    );
  });

  it('writes lines elsewhere', () => {
    const { report, text } = reportTo(false);
    report.progress(1, 2);
    report.close();
    expect(text()).toBe('set-up: worker: building, 6 minutes\nset-up: worker: 50 % (1 of 2)\n');
  });
});
