import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../../src/common/logger.ts';
import { AppError } from '../../../src/contracts/errors.ts';
import { UsageQuery, type UsageReport } from '../../../src/contracts/usage.ts';
import { Database } from '../../../src/durable/Database.ts';
import { createHttp } from '../../../src/http/createHttp.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { queryUsage } from '../../../src/usage/queryUsage.ts';
import { UsageLedger } from '../../../src/usage/UsageLedger.ts';
import { UsagePeer } from '../../../src/usage/UsagePeer.ts';
import { registerUsageControl } from '../../../src/usage/usageControl.ts';

const logger = createLogger({ level: 'silent' });
let there: UsageLedger;
let http: FastifyInstance;
let token = 'right';
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  token = 'right';
  there = newLedger();
  await serve(0);
  closing.push(() => http.close());
});
afterEach(async () => {
  for (const step of closing.splice(0).reverse()) await step();
});

/** The node that others talk to. */
async function serve(port: number): Promise<void> {
  http = createHttp({ logger });
  registerUsageControl(http, {
    ledger: there,
    commit: () => undefined,
    verifyService: async (authorization) => {
      if (authorization !== 'Bearer right') throw new AppError('unauthorized');
    },
  });
  await http.listen({ host: '127.0.0.1', port });
}

function newLedger(): UsageLedger {
  const ledger = new UsageLedger(Database.inMemory());
  closing.push(() => ledger.database.close());
  return ledger;
}

function peerOf(ledger: UsageLedger, pull: boolean): UsagePeer {
  const peer = new UsagePeer({
    url: `http://127.0.0.1:${(http.server.address() as AddressInfo).port}`,
    ...{ pull, ledger, logger, metrics: createMetrics().usage },
    newServiceToken: async () => token,
    commit: () => undefined,
  });
  closing.push(() => peer.close());
  return peer;
}

const report = (node: string, sequence: number, value: number): UsageReport => ({
  ...{ node, sequence, at: 0, targets: {} },
  broadcasts: [{ id: 'b00000000001', room: 'demo', tenant: 'acme', epoch: 0 }],
  readings: [{ broadcast: 'b00000000001', kind: 'viewers', subject: '', source: node, at: 0, value }],
});
const bytesOf = (ledger: UsageLedger) => queryUsage(ledger.database, UsageQuery.parse({}), null).total.viewerBytes;

test('an edge hands over, an SFU node takes everything; once, however often', async () => {
  const [edge, sfu] = [newLedger(), newLedger()];
  edge.append([report('edge', 1, 10), report('edge', 2, 15)], { own: true });
  there.append([report('owner', 1, 100)], { own: true });
  sfu.append([report('sfu', 1, 1_000)], { own: true });
  const [fromEdge, fromSfu] = [peerOf(edge, false), peerOf(sfu, true)];
  for (let n = 0; n < 3; n++) {
    expect(await fromEdge.exchange()).toBe(true);
    expect(await fromSfu.exchange()).toBe(true);
  }
  expect([bytesOf(edge), bytesOf(there), bytesOf(sfu)]).toEqual([15, 1_115, 1_115]);
  edge.append([report('edge', 3, 20)], { own: true });
  await Promise.all([fromEdge.exchange(), fromEdge.exchange()]);
  await fromSfu.exchange();
  expect(bytesOf(sfu)).toBe(1_120);
});

test('an acknowledgement that is lost means that it comes again, and nothing else', async () => {
  const edge = newLedger();
  edge.append([report('edge', 1, 10)], { own: true });
  const peer = peerOf(edge, false);
  let lose = true;
  http.server.prependListener('request', (_request, response) => {
    if (lose) response.end = () => response.destroy();
  });
  expect(await peer.exchange()).toBe(false);
  // It had arrived.
  expect(bytesOf(there)).toBe(10);
  lose = false;
  expect(await peer.exchange()).toBe(true);
  expect(bytesOf(there)).toBe(10);
});

test('a node whose database is another one is told everything again', async () => {
  const sfu = newLedger();
  sfu.append([report('sfu', 1, 10)], { own: true });
  const peer = peerOf(sfu, true);
  expect(await peer.exchange()).toBe(true);
  const { port } = http.server.address() as AddressInfo;
  await http.close();
  there = newLedger();
  there.append([report('owner', 1, 5)], { own: true });
  await serve(port);
  // Once it finds the connection closed, and once another ledger.
  await expect.poll(() => peer.exchange()).toBe(true);
  expect([bytesOf(there), bytesOf(sfu)]).toEqual([15, 15]);
});

test('many reports go over in several answers', async () => {
  const sfu = newLedger();
  there.append(
    Array.from({ length: 450 }, (_, n) => report('owner', n + 1, n + 1)),
    { own: true },
  );
  expect(await peerOf(sfu, true).exchange()).toBe(true);
  expect(bytesOf(sfu)).toBe(450);
  expect(sfu.feed(0).more).toBe(true);
});

test('who has no service token gets and gives nothing', async () => {
  token = 'wrong';
  const sfu = newLedger();
  sfu.append([report('sfu', 1, 10)], { own: true });
  there.append([report('owner', 1, 5)], { own: true });
  expect(await peerOf(sfu, true).exchange()).toBe(false);
  expect([bytesOf(there), bytesOf(sfu)]).toEqual([5, 10]);
});

test('close hands over what is left, and is idempotent', async () => {
  const edge = newLedger();
  const peer = peerOf(edge, false);
  edge.append([report('edge', 1, 10)], { own: true });
  await peer.close();
  await peer.close();
  expect(peer.closed).toBe(true);
  expect(bytesOf(there)).toBe(10);
});
