import { defineConfig } from 'vitest/config';

/** A unit test does no waiting of note; on a busy machine some take seconds. One that takes this long hangs. */
const UNIT_TIMEOUT_MS = 30_000;
/** Real workers, encoders and browsers share two cores: generous, since only a hang should meet it. */
const HEAVY_TIMEOUT_MS = 120_000;

/** Of the integration tests those that stay in the test's own process, and wait: for segments, timers and leases. A quarter of a core each, at most. */
const WAITING = [
  'test/e2e/slate.test.ts',
  'test/integration/{broadcast,broadcastAgent,broadcastHandoff,broadcastHeir,broadcastMove,broadcastScene,delivery*,destinationKeys,destinationMemory,destinationSrt,hlsCheck,recording,recordingLive,redisDirectory,redisPlaces,signaling*}.test.ts',
];

/** Those that measure pictures and sound against the clock. All others are servers that are started, killed and waited for. */
const MEASURING =
  'test/integration/{broadcastProgram,compositorChild,compositorPressure,handoff,ingest,microphoneLoss,networkDamage,programReturn,serverLadder,serverProgram,sfu-chromium,sfu-worker-pool,simulator}.test.ts';

/** Walks through the pages in which no pointer is dragged and nothing is measured: a page waits for whatever it waits for. */
const PAGES =
  'test/e2e/{accessibility,captions,door,failures,schedule,seats,studioScene,walkDevices,walkServer}.test.ts';

/**
 * The files of one folder, one at a time and after the folders before it: they measure media against the clock, and
 * would disturb each other.
 */
function heavyProject(name: string, groupOrder: number, include: string, exclude: string[] = []) {
  return {
    test: {
      name,
      include: [include],
      exclude,
      testTimeout: HEAVY_TIMEOUT_MS,
      hookTimeout: HEAVY_TIMEOUT_MS,
      fileParallelism: false,
      sequence: { groupOrder },
      experimental: { viteModuleRunner: false },
    },
  };
}

/** Files that do not disturb each other, `maxWorkers` of them at a time. */
function severalAtATime(
  name: string,
  groupOrder: number,
  maxWorkers: number,
  files: { include: string[]; exclude?: string[] },
) {
  return {
    test: {
      name,
      ...files,
      testTimeout: HEAVY_TIMEOUT_MS,
      hookTimeout: HEAVY_TIMEOUT_MS,
      maxWorkers,
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
      severalAtATime('waiting', 2, 4, { include: WAITING }),
      severalAtATime('servers', 3, 2, { include: ['test/integration/**/*.test.ts'], exclude: [...WAITING, MEASURING] }),
      heavyProject('integration', 4, MEASURING),
      // Their clock is their own: they take as long as they take, and measure nothing against ours.
      severalAtATime('media', 5, 2, { include: ['test/media/**/*.test.ts'] }),
      severalAtATime('pages', 6, 2, { include: [PAGES] }),
      heavyProject('e2e', 7, 'test/e2e/**/*.test.ts', [...WAITING, PAGES]),
    ],
  },
});
