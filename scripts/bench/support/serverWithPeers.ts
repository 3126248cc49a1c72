/** What shows of benches begin with: a real server, and simulated people in a room of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerProcess } from '../../../test/support/ServerProcess.ts';
import { SimulatorProcess } from './SimulatorProcess.ts';

export interface ServerWithPeersOptions {
  room: string;
  peers: number;
  logLevel: string;
  /** Gets the server's log at the end. */
  folder: string;
}

/** Resolves when all have joined; `stack` ends both. */
export async function serverWithPeers(
  stack: AsyncDisposableStack,
  { room, peers, logLevel, folder }: ServerWithPeersOptions,
): Promise<ServerProcess> {
  const server = await ServerProcess.start({
    LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true',
    LIANMAI_LOG_LEVEL: logLevel,
  });
  stack.defer(async () => {
    await server.stop();
    await writeFile(join(folder, 'server.log'), server.output.join('\n'));
  });
  const simulator = await SimulatorProcess.start(['--url', server.url, '--room', room, '--peers', String(peers)]);
  stack.defer(() => simulator.stop().then(() => {}));
  await simulator.joined(peers);
  return server;
}
