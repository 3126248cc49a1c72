import { defineConfig } from 'vitest/config';

/** A unit test does no waiting of note; on a busy machine some take seconds. One that takes this long hangs. */
const UNIT_TIMEOUT_MS = 30_000;
/** Real workers, encoders and browsers share two cores: generous, since only a hang should meet it. */
const HEAVY_TIMEOUT_MS = 120_000;

/** Of the integration tests those that measure pictures and sound against the clock; all others mostly wait: for timers, leases, segments and processes. */
const MEASURING =
  'test/integration/{broadcastProgram,compositorChild,compositorPressure,handoff,ingest,microphoneLoss,networkDamage,serverLadder,serverProgram,sfu-chromium,simulator}.test.ts';

/**
 * The files of one folder, one at a time and after the folders before it: they measure media against the clock, and
 * would disturb each other.
 */
function heavyProject(name: string, groupOrder: number, include = `test/${name}/**/*.test.ts`) {
  return {
    test: {
      name,
      include: [include],
      testTimeout: HEAVY_TIMEOUT_MS,
      hookTimeout: HEAVY_TIMEOUT_MS,
      fileParallelism: false,
      sequence: { groupOrder },
      experimental: { viteModuleRunner: false },
    },
  };
}

export default defineConfig({
  test: {
    pool: 'forks',
    teardownTimeout: 10_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: ['test/unit/client/**'],
          testTimeout: UNIT_TIMEOUT_MS,
          hookTimeout: UNIT_TIMEOUT_MS,
          maxWorkers: '100%',
          // The files of a worker share its modules: loading them anew for each would take longer than the tests.
          isolate: false,
          sequence: { groupOrder: 1 },
          // Node itself loads the code, with type stripping as in production: what only a bundler understands fails.
          experimental: { viteModuleRunner: false },
        },
      },
      {
        test: {
          name: 'client',
          include: ['test/unit/client/**/*.test.{ts,tsx}'],
          testTimeout: UNIT_TIMEOUT_MS,
          hookTimeout: UNIT_TIMEOUT_MS,
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'servers',
          include: ['test/integration/**/*.test.ts'],
          exclude: [MEASURING],
          testTimeout: HEAVY_TIMEOUT_MS,
          hookTimeout: HEAVY_TIMEOUT_MS,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          experimental: { viteModuleRunner: false },
        },
      },
      heavyProject('integration', 3, MEASURING),
      heavyProject('media', 4),
      heavyProject('e2e', 5),
    ],
  },
});
