/** The address that an SFU node announces, from a real HTTP server in the Kubernetes API's place. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { announcedAddress } from '../../../src/kubernetes/announcedAddress.ts';

const PROGRAM = fileURLToPath(new URL('../../../src/kubernetes/announceAddress.ts', import.meta.url));
const NODES: Record<string, { type: string; address: string }[]> = {
  'node-1': [
    { type: 'Hostname', address: 'node-1' },
    { type: 'InternalIP', address: '10.0.0.7' },
    { type: 'ExternalIP', address: '2001:db8::7' },
    { type: 'ExternalIP', address: '203.0.113.7' },
  ],
  inside: [{ type: 'InternalIP', address: '10.0.0.8' }],
};

let server: Server;
let asked: string[];
beforeEach(async () => {
  asked = [];
  server = createServer((request, answer) => {
    const name = /^\/api\/v1\/nodes\/([^/]+)$/.exec(request.url ?? '')?.[1] ?? '';
    asked.push(name);
    if (request.headers.authorization !== 'Bearer a-token') answer.writeHead(401).end();
    else if (NODES[name]) answer.end(JSON.stringify({ kind: 'Node', status: { addresses: NODES[name] } }));
    else answer.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => server.close());

const ask = (nodeName: string, { setting = '', token = 'a-token' } = {}) =>
  announcedAddress({
    setting,
    nodeName,
    api: async () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token }),
  });

test("the node's ExternalIP, of IPv4 where it has both", async () => {
  expect(await ask('node-1')).toBe('203.0.113.7');
});

test('the setting wins, and nobody is asked', async () => {
  expect(await ask('node-1', { setting: 'media.example.com' })).toBe('media.example.com');
  expect(asked).toEqual([]);
});

test('a node without one, a node that is not there and a refusal say what is wrong', async () => {
  await expect(ask('inside')).rejects.toThrow(/inside has no ExternalIP\. Set LIANMAI_ANNOUNCED_ADDRESS/);
  await expect(ask('gone')).rejects.toThrow(/404/);
  await expect(ask('node-1', { token: 'wrong' })).rejects.toThrow(/401/);
});

test('the program of the init container writes the file, and fails with one line where there is no address', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-address-'));
  try {
    const file = join(folder, 'announced-address');
    const run = (env: Record<string, string>) => promisify(execFile)(process.execPath, [PROGRAM, file], { env });
    await run({ LIANMAI_ANNOUNCED_ADDRESS: '203.0.113.9' });
    expect(await readFile(file, 'utf8')).toBe('203.0.113.9');
    const failure = await run({ NODE_NAME: 'node-1' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Lianmai has no address to announce: .*\n$/),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
