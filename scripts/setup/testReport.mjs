// What `npm test` makes of its arguments and of Vitest's result.

/**
 * What the set-up must bring for these Vitest arguments: unit tests alone need neither browser, server nor worker.
 * @param {string[]} args
 * @returns {'unitTests' | 'tests'}
 */
export function purposeOf(args) {
  const filters = args.filter((arg) => !arg.startsWith('-'));
  const onlyUnit = filters.length > 0 && filters.every((filter) => /^(\.\/)?test\/unit(\/|$)/.test(filter));
  return onlyUnit ? 'unitTests' : 'tests';
}

/**
 * What is used of the report that Vitest's JSON reporter writes.
 * @typedef {object} JsonReport
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests skipped
 * @property {number} numTodoTests
 * @property {{ status: string, assertionResults: { status: string }[] }[]} testResults one for each file
 */

/**
 * The counts of a test run. A file that failed without a failed test of its own (it could not be loaded, a hook failed)
 * counts as one failed test, and so does a run that failed outside of any test. A run that found no test counts nothing.
 * @param {JsonReport | undefined} report undefined when the run did not get as far as to write one
 * @param {number} exitCode of Vitest
 */
export function countTests(report, exitCode) {
  const brokenFiles = (report?.testResults ?? []).filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  const failed = (report?.numFailedTests ?? 0) + brokenFiles;
  const foundNothing = report?.testResults.length === 0;
  return {
    passed: report?.numPassedTests ?? 0,
    failed: failed === 0 && exitCode !== 0 && !foundNothing ? 1 : failed,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
  };
}

/**
 * The line that a test run closes with.
 * @param {{ passed: number, failed: number, skipped: number }} counts
 */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
