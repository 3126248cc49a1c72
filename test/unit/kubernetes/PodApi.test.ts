/** The real client library against a small API server with TLS and tokens. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasCluster, openPodApi, type PodApi } from '../../../src/kubernetes/PodApi.ts';
import { FakeKubeApi } from '../../support/k8s/FakeKubeApi.ts';

/** A thousand modules from a cold disk, ms. */
const LOAD_LIMIT_MS = 60_000;

let server: FakeKubeApi;
let api: PodApi;

beforeAll(async () => {
  server = await FakeKubeApi.start(['compositor-7d9-abcde']);
  // The library asks the process's environment.
  Object.assign(process.env, server.env);
  api = await openPodApi({ env: process.env, filesBelow: `${server.folder}/` });
}, LOAD_LIMIT_MS);
beforeEach(() => {
  server.failure = () => undefined;
});
afterAll(async () => {
  for (const name of Object.keys(server.env)) delete process.env[name];
  await server.close();
});

describe('in a container', () => {
  test('patches the annotation of that pod, and nothing else, with the token of the service account', async () => {
    await api.setDeletionCost('compositor-7d9-abcde', -1_000_000);
    expect(server.cost('compositor-7d9-abcde')).toBe('-1000000');
    expect(server.patches.at(-1)).toMatchObject({
      status: 200,
      annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-1000000' },
    });
    expect(server.strange).toEqual([]);
  });

  test.each([
    [401, 'denied'],
    [403, 'denied'],
    [409, 'conflict'],
    [422, 'invalid'],
    [429, 'throttled'],
    [500, 'unreachable'],
    [503, 'unreachable'],
  ])('%d is `%s`', async (status, outcome) => {
    server.failure = () => ({ status, headers: { 'retry-after': '3' } });
    await expect(api.setDeletionCost('compositor-7d9-abcde', 1)).rejects.toMatchObject({
      outcome,
      retryAfterMs: 3_000,
    });
  });

  test('a pod that there is not is `gone`; a server that does not say when has no retryAfterMs', async () => {
    const gone = api.setDeletionCost('compositor-7d9-zzzzz', 1);
    await expect(gone).rejects.toMatchObject({ outcome: 'gone', retryAfterMs: undefined });
  });
});

test('as KUBECONFIG says', async () => {
  const api = await openPodApi({ env: { KUBECONFIG: await server.kubeconfig() } });
  await api.setDeletionCost('compositor-7d9-abcde', 12);
  expect(server.cost('compositor-7d9-abcde')).toBe('12');
});

test('a server that is not there is `unreachable`', async () => {
  const other = await FakeKubeApi.start();
  const api = await openPodApi({ env: { KUBECONFIG: await other.kubeconfig() } });
  await other.close();
  await expect(api.setDeletionCost('p', 1)).rejects.toMatchObject({ outcome: 'unreachable' });
});

test('a process knows whether it has a cluster', () => {
  expect([{}, { KUBECONFIG: 'f' }, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }].map(hasCluster)).toEqual([
    false,
    true,
    true,
  ]);
});

test('the library is loaded where it is needed and nowhere else', () => {
  const source = readFileSync(join(import.meta.dirname, '../../../src/kubernetes/PodApi.ts'), 'utf8');
  const imports = source.split('\n').filter((line) => line.includes("'@kubernetes/client-node'"));
  for (const line of imports) expect(line).toMatch(/^import type |await import\(/);
});
