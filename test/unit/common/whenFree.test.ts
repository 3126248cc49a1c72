import { createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { isAddressInUse, whenFree } from '../../../src/common/whenFree.ts';

const listen = (port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
const portOf = (server: Server): number => (server.address() as { port: number }).port;
const close = (server: Server) => new Promise((resolve) => server.close(resolve));

test('a port that somebody is about to let go of is waited for', async () => {
  const first = await listen(0);
  const port = portOf(first);
  let tries = 0;
  const second = await whenFree(async () => {
    tries += 1;
    if (tries === 2) await close(first);
    return listen(port);
  }, isAddressInUse);
  expect(portOf(second)).toBe(port);
  expect(tries).toBeGreaterThanOrEqual(2);
  await close(second);
});

test('one that stays busy is told after a while, another fault at once', async () => {
  const first = await listen(0);
  await expect(whenFree(() => listen(portOf(first)), isAddressInUse, 250)).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  await close(first);
  let tries = 0;
  const fails = () => {
    tries += 1;
    throw new Error('another fault');
  };
  await expect(whenFree(fails, isAddressInUse)).rejects.toThrow('another fault');
  expect(tries).toBe(1);
});
