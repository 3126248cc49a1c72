/** Real processes, a real Redis and the real client library: an SFU node keeps the deletion costs of compositor pods in a Kubernetes API. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { FakeKubeApi } from '../support/k8s/FakeKubeApi.ts';
import { eventually } from '../support/ServerProcess.ts';

let api: FakeKubeApi;
let fleet: FleetProcesses;

beforeAll(async () => {
  api = await FakeKubeApi.start(['compositor-1', 'compositor-2']);
  fleet = await FleetProcesses.start({
    redis: true,
    agents: 0,
    roleEnv: { sfu: { LIANMAI_POD_DELETION_COST: 'true', KUBECONFIG: await api.kubeconfig() } },
  });
  for (const pod of ['compositor-1', 'compositor-2']) await fleet.add('compositor', { LIANMAI_POD_NAME: pod });
});
afterAll(async () => {
  await fleet?.stop();
  await api?.close();
});

const patches = async (outcome: string): Promise<number> => {
  const line = new RegExp(`^lianmai_pod_cost_patches_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm');
  return Number(line.exec(await fleet.metrics(fleet.sfu))?.[1] ?? 0);
};

test('each compositor pod has its cost: a room on it makes it dearer than the empty one', async () => {
  await api.until(() => api.cost('compositor-1') === '0' && api.cost('compositor-2') === '0');
  await fleet.person('a');
  await fleet.api.startBroadcast('a', { video: SMALL });
  await api.until(
    () => ['compositor-1', 'compositor-2'].map((pod) => Number(api.cost(pod))).sort((x, y) => x - y)[1] === 4,
  );
  expect(['compositor-1', 'compositor-2'].filter((pod) => api.cost(pod) === '0')).toHaveLength(1);
  expect(api.strange).toEqual([]);
});

test('an API that denies and throttles stops no room, is counted, and is made up for', async () => {
  api.failure = () => ({ status: 403 });
  await fleet.api.stopBroadcast('a');
  await eventually(async () => (await patches('denied')) > 0, 'a write is denied');
  api.failure = () => ({ status: 429, headers: { 'retry-after': '1' } });
  await eventually(async () => (await patches('throttled')) > 0, 'a write is throttled');
  expect(await fleet.status(fleet.sfu, '/readyz')).toBe(200);
  api.failure = () => undefined;
  await api.until(() => ['compositor-1', 'compositor-2'].every((pod) => api.cost(pod) === '0'));
});

test('a pod was written to only when its cost had changed', () => {
  const written = api.patches.filter(({ status }) => status === 200);
  for (const pod of ['compositor-1', 'compositor-2']) {
    const costs = written.filter((patch) => patch.pod === pod).map(({ annotations }) => Object.values(annotations)[0]);
    expect(costs.filter((cost, i) => cost === costs[i - 1])).toEqual([]);
  }
});
