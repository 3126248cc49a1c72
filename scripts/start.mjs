// `npm start [-- FLAGS]`: sets up what is missing, then runs the server, which gets the flags.

import { runInForeground } from './setup/processes.mjs';
import { PROJECT_NODE, ROOT } from './setup/project.mjs';
import { main, setUp } from './setup/steps.mjs';

await main(async () => {
  const env = await setUp('server');
  // The server stops by itself, cleanly, when its IPC channel closes: no --import of endWithParent.mjs here.
  return runInForeground(PROJECT_NODE, ['src/index.ts', ...process.argv.slice(2)], { cwd: ROOT, env });
});
