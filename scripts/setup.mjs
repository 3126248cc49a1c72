// `npm run setup [-- --tests]`: sets up what the server needs, with --tests also what the tests need, and starts nothing.

import { main, setUp } from './setup/steps.mjs';

await main(async () => {
  await setUp(process.argv.includes('--tests') ? 'tests' : 'server');
  process.stderr.write('set-up: all is ready\n');
  return 0;
});
