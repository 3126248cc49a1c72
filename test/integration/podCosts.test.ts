/** Real processes, a real Redis and the real client library: an SFU node keeps the deletion costs of compositor pods in a Kubernetes API. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { FakeKubeApi } from '../support/k8s/FakeKubeApi.ts';
import { eventually } from '../support/ServerProcess.ts';

const PODS = ['compositor-1', 'compositor-2'] as const;

let api: FakeKubeApi;
let fleet: FleetProcesses;

beforeAll(async () => {
  api = await FakeKubeApi.start(PODS);
  fleet = await FleetProcesses.start({
    redis: true,
    agents: 0,
    roleEnv: { sfu: { LIANMAI_POD_DELETION_COST: 'true', KUBECONFIG: await api.kubeconfig() } },
  });
});
afterAll(async () => {
  await fleet?.stop();
  await api?.close();
});

const metric = async (line: RegExp): Promise<number> => Number(line.exec(await fleet.metrics(fleet.sfu))?.[1] ?? 0);
const patches = (outcome: string): Promise<number> =>
  metric(new RegExp(`^lianmai_pod_cost_patches_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm'));

test('with no compositor pod at all a start waits, and its demand is there: it brings the first pod', async () => {
  await fleet.person('a');
  expect(await fleet.api.startBroadcast('a', { video: SMALL })).toMatchObject({ state: 'pending', position: 1 });
  expect(await metric(/^lianmai_compositor_demand (\S+)$/m)).toBeGreaterThan(0);
  expect(await metric(/^lianmai_pending_broadcasts\{kind="start",reason="no-capacity"\} (\S+)$/m)).toBe(1);
  await fleet.add('compositor', { LIANMAI_POD_NAME: PODS[0] });
  await eventually(async () => (await fleet.api.broadcast('a')).state === 'live', 'it starts by itself');
});

test('each compositor pod has its cost: a room on it makes it dearer than the empty one', async () => {
  await fleet.add('compositor', { LIANMAI_POD_NAME: PODS[1] });
  await api.until(() => Number(api.cost(PODS[0])) > 0 && api.cost(PODS[1]) === '0');
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
  await api.until(() => PODS.every((pod) => api.cost(pod) === '0'));
});

test('a pod was written to only when its cost had changed', () => {
  const written = api.patches.filter(({ status }) => status === 200);
  for (const pod of PODS) {
    const costs = written.filter((patch) => patch.pod === pod).map(({ annotations }) => Object.values(annotations)[0]);
    expect(costs.filter((cost, i) => cost === costs[i - 1])).toEqual([]);
  }
});
