import { describe, expect, it } from 'vitest';
import { lockIsOutdated, missingPackages } from '../../../scripts/setup/npmPackages.mjs';

describe('lockIsOutdated', () => {
  const lock = { packages: { '': { dependencies: { zod: '^4.6.7' }, devDependencies: { vitest: '^5.1.1' } } } };

  it('accepts a lock file made for this package.json', () => {
    const packageJson = { dependencies: { zod: '^4.6.7' }, devDependencies: { vitest: '^5.1.1' } };
    expect(lockIsOutdated(packageJson, lock)).toBe(false);
  });

  it.each([
    ['another range', { dependencies: { zod: '^4.7.0' }, devDependencies: { vitest: '^5.1.1' } }],
    ['one more', { dependencies: { zod: '^4.6.7', ws: '^8.0.0' }, devDependencies: { vitest: '^5.1.1' } }],
    ['one less', { dependencies: { zod: '^4.6.7' } }],
    ['one renamed', { dependencies: { ws: '^4.6.7' }, devDependencies: { vitest: '^5.1.1' } }],
  ])('sees %s', (_what, packageJson) => {
    expect(lockIsOutdated(packageJson, lock)).toBe(true);
  });
});

describe('missingPackages', () => {
  const lock = {
    packages: {
      '': { version: '0.1.0' },
      'node_modules/zod': { version: '4.6.7' },
      'node_modules/@biomejs/cli-darwin-arm64': { version: '2.6.8', dev: true, optional: true },
    },
  };

  it('finds nothing when all is installed, but for packages of another platform', () => {
    expect(missingPackages(lock, { packages: { 'node_modules/zod': { version: '4.6.7' } } })).toEqual([]);
  });

  it('finds what is not there or has another version', () => {
    expect(missingPackages(lock, { packages: {} })).toEqual(['node_modules/zod']);
    expect(missingPackages(lock, { packages: { 'node_modules/zod': { version: '4.6.6' } } })).toEqual([
      'node_modules/zod',
    ]);
  });

  it('finds an optional package in another version', () => {
    const installed = {
      packages: {
        'node_modules/zod': { version: '4.6.7' },
        'node_modules/@biomejs/cli-darwin-arm64': { version: '2.6.7' },
      },
    };
    expect(missingPackages(lock, installed)).toEqual(['node_modules/@biomejs/cli-darwin-arm64']);
  });
});
