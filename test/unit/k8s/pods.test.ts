/** The pods: settings that the code has, secrets from a Secret, rights as small as can be, time enough to end. */
import { describe, expect, test } from 'vitest';
import { parseConfig, SETTINGS, environmentOf as variableOf } from '../../../src/config.ts';
import {
  containersOf,
  environmentOf,
  type Fields,
  labelsOf,
  type Manifest,
  named,
  OVERLAYS,
  overlay,
  podOf,
  workloads,
} from '../../support/k8s/manifests.ts';

/** A drained room has so long to find a place elsewhere, s. */
const DRAIN_SECONDS = 60;
const SECRET = 's'.repeat(32);
/** Settings with something in them that lets others in, or pay: names that the code has. */
const SECRET_SETTINGS = (
  ['secret', 'redisUrl', 'webhookSecret', 's3AccessKeyId', 's3SecretAccessKey', 'iceServers'] as const
).map(variableOf);

const lianmai = (manifests: readonly Manifest[]): Manifest[] =>
  workloads(manifests).filter((m) => labelsOf(m)['app.kubernetes.io/name'] === 'lianmai');

/** What the kubelet puts in place of references, so that the code can read the whole. */
function resolved(environment: Record<string, string | Fields>, workload: Manifest): Record<string, string> {
  const fields: Record<string, string> = {
    'status.podIP': '10.0.0.9',
    'status.hostIP': '10.0.0.1',
    'spec.nodeName': 'node-1',
    'metadata.name': `${workload.metadata.name}-${workload.kind === 'StatefulSet' ? '0' : '7d9f-abcde'}`,
  };
  const secrets: Record<string, string> = { 'redis-url': 'redis://:password@lianmai-redis:6379' };
  const done: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    // $(NAME) of a variable that stands before it; of any other it stays as it is.
    if (typeof value === 'string') done[name] = value.replace(/\$\((\w+)\)/g, (whole, other) => done[other] ?? whole);
    else if (value.fieldRef) done[name] = fields[value.fieldRef.fieldPath] ?? '';
    else if (!value.secretKeyRef.optional) done[name] = secrets[value.secretKeyRef.key] ?? SECRET;
  }
  return done;
}

describe.each(OVERLAYS)('overlay %s', (name) => {
  const manifests = overlay(name);
  const roles = lianmai(manifests);

  test('has each role, as the kind of object that it needs', () => {
    expect(roles.map((m) => `${m.kind}/${m.metadata.name}`).sort()).toEqual([
      'Deployment/lianmai-compositor',
      'Deployment/lianmai-edge',
      'StatefulSet/lianmai-delivery',
      'StatefulSet/lianmai-sfu',
    ]);
    expect(named(manifests, 'StatefulSet', 'lianmai-delivery').spec.volumeClaimTemplates).toHaveLength(1);
    expect(named(manifests, 'StatefulSet', 'lianmai-redis').spec.volumeClaimTemplates).toHaveLength(1);
    const replicas = named(manifests, 'Deployment', 'lianmai-compositor').spec.replicas;
    // An autoscaler's business; without one, in dev, there is one of each.
    expect(replicas).toBe(name === 'dev' ? 1 : undefined);
  });

  test('the code takes the environment of every container, and each is of the role that it says', () => {
    const read = roles.map((workload) => {
      const config = parseConfig([], resolved(environmentOf(podOf(workload).containers[0], manifests), workload));
      // A delivery node has the same name after a restart: its broadcasts are known by it.
      const name = workload.metadata.name === 'lianmai-delivery' ? 'lianmai-delivery-0.lianmai-delivery' : '10.0.0.9';
      expect(config.internalUrl, workload.metadata.name).toBe(`http://${name}:8081`);
      expect(config.redisUrl?.reveal(), workload.metadata.name).toBe('redis://:password@lianmai-redis:6379');
      // They are found in Redis, all of them.
      expect([config.deliveryUrl, config.compositorUrls], workload.metadata.name).toEqual(['', []]);
      return [workload.metadata.name, config.role, config.deliveryOrigin];
    });
    expect(read).toEqual(
      expect.arrayContaining([
        ['lianmai-sfu', 'sfu', ''],
        ['lianmai-compositor', 'compositor', ''],
        ['lianmai-delivery', 'delivery', ''],
        ['lianmai-edge', 'delivery', 'redis'],
      ]),
    );
    const known = new Set(Object.keys(SETTINGS).map((setting) => variableOf(setting)));
    for (const container of roles.flatMap(containersOf))
      for (const variable of Object.keys(environmentOf(container, manifests)))
        expect(!variable.startsWith('LIANMAI_') || known.has(variable), variable).toBe(true);
  });

  test('every secret comes from a Secret, and none lies in a manifest', () => {
    for (const container of workloads(manifests).flatMap(containersOf)) {
      for (const [variable, value] of Object.entries(environmentOf(container, manifests))) {
        if (!SECRET_SETTINGS.includes(variable) && !/PASSWORD|TOKEN|CREDENTIAL/.test(variable)) continue;
        expect(value, variable).toMatchObject({ secretKeyRef: { name: 'lianmai' } });
      }
    }
    expect(manifests.filter((m) => m.kind === 'Secret')).toEqual([]);
  });

  test('variables that Kubernetes makes of services, which the code would refuse, are off', () => {
    for (const workload of workloads(manifests)) expect(podOf(workload).enableServiceLinks).toBe(false);
  });

  test('nobody is root, nothing can be written but volumes, no capability, no token of a service account', () => {
    for (const workload of workloads(manifests)) {
      const pod = podOf(workload);
      expect(pod.automountServiceAccountToken, workload.metadata.name).toBe(false);
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
      for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod[key]).toBeUndefined();
      for (const container of containersOf(workload))
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
    }
    const sfu = named(manifests, 'StatefulSet', 'lianmai-sfu');
    const withToken = containersOf(sfu).filter((c) => c.volumeMounts.some((m: Fields) => m.name === 'api-token'));
    expect(withToken.map((c) => c.name)).toEqual(['announced-address', 'sfu']);
    // The others run under the default account, which has no rights, and hold no token of it either.
    expect(
      workloads(manifests)
        .filter((m) => podOf(m).serviceAccountName)
        .map((m) => m.metadata.name),
    ).toEqual(['lianmai-sfu']);
  });

  test('one SFU node keeps the deletion cost of compositor pods: it has what the client library looks for, they say which pod they are', () => {
    const settingsOf = (workload: Manifest) =>
      parseConfig([], resolved(environmentOf(podOf(workload).containers[0], manifests), workload));
    const keepers = roles.filter((workload) => settingsOf(workload).podDeletionCost);
    expect(keepers.map((m) => m.metadata.name)).toEqual(['lianmai-sfu']);
    expect(settingsOf(named(manifests, 'Deployment', 'lianmai-compositor')).podName).toBe(
      'lianmai-compositor-7d9f-abcde',
    );
    const { volumes, serviceAccountName, containers } = podOf(keepers[0]!);
    // https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
    expect(containers[0].volumeMounts).toContainEqual({
      ...{ name: 'api-token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    });
    const [token, ca, own] = volumes.find((v: Fields) => v.name === 'api-token').projected.sources;
    expect(token.serviceAccountToken).toEqual({ path: 'token', expirationSeconds: 3600 });
    expect(ca.configMap.items).toEqual([{ key: 'ca.crt', path: 'ca.crt' }]);
    expect(own.downwardAPI.items).toEqual([{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }]);
    const binding = named(manifests, 'RoleBinding', 'lianmai-pod-cost');
    expect(binding.subjects.map((s: Fields) => s.name)).toEqual([serviceAccountName]);
    named(manifests, 'ServiceAccount', serviceAccountName);
  });

  test('every mounted volume exists, and the data directory is one that can be written', () => {
    for (const workload of workloads(manifests)) {
      const claims = (workload.spec.volumeClaimTemplates ?? []).map((c: Fields) => c.metadata.name);
      const volumes = [...(podOf(workload).volumes ?? []).map((v: Fields) => v.name), ...claims];
      for (const container of containersOf(workload))
        for (const mount of container.volumeMounts) expect(volumes).toContain(mount.name);
    }
    for (const workload of roles) {
      const [container] = podOf(workload).containers;
      const paths = container.volumeMounts.filter((m: Fields) => !m.readOnly).map((m: Fields) => m.mountPath);
      expect(paths).toContain(environmentOf(container, manifests).LIANMAI_DATA_DIR);
    }
  });

  test('probes ask the internal port for what the code answers there', () => {
    for (const workload of roles) {
      const [container] = podOf(workload).containers;
      expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'internal' });
      expect(container.startupProbe.httpGet).toEqual({ path: '/healthz', port: 'internal' });
      expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'internal' });
    }
  });

  test('what hands rooms over has the drain and 30 s more, the wait before SIGTERM included; an edge has its wait and 30 s', () => {
    for (const workload of roles) {
      const pod = podOf(workload);
      const wait = Number(pod.containers[0].lifecycle.preStop.exec.command[1]);
      expect(wait).toBeGreaterThan(0);
      const needed = workload.metadata.name === 'lianmai-edge' ? wait : DRAIN_SECONDS;
      expect(pod.terminationGracePeriodSeconds, workload.metadata.name).toBe(needed + 30);
    }
  });

  test('every container asks for CPU and memory and has a limit of memory, but none of CPU', () => {
    for (const container of workloads(manifests).flatMap(containersOf)) {
      expect(container.resources.requests).toEqual({ cpu: expect.anything(), memory: expect.anything() });
      expect(container.resources.limits).toEqual({ memory: expect.anything() });
    }
  });
});

test.each(['prod', 'keda'] as const)(
  '%s has two SFU and two delivery nodes: what one has goes to the other',
  (name) => {
    const replicas = ['lianmai-sfu', 'lianmai-delivery'].map(
      (w) => named(overlay(name), 'StatefulSet', w).spec.replicas,
    );
    expect(replicas).toEqual([2, 2]);
  },
);

test('a compositor pod asks for what its slots cost, 0.7 of a core and 220 MB (docs/engine.md), and may have what as many broadcasts as it takes need', () => {
  const manifests = overlay('prod');
  const [container] = podOf(named(manifests, 'Deployment', 'lianmai-compositor')).containers;
  const { LIANMAI_COMPOSITOR_SLOTS: slots = 0, LIANMAI_MAX_BROADCASTS: most = 0 } = environmentOf(container, manifests);
  expect(Number(container.resources.requests.cpu)).toBeGreaterThanOrEqual(Number(slots) * 0.7);
  expect(Number.parseInt(container.resources.requests.memory, 10) * 1.048576).toBeGreaterThanOrEqual(
    Number(slots) * 220,
  );
  expect(Number.parseInt(container.resources.limits.memory, 10) * 1.048576).toBeGreaterThanOrEqual(Number(most) * 220);
});

describe.each(OVERLAYS)('disruption and rights in overlay %s', (name) => {
  const manifests = overlay(name);

  test('every workload has a budget, and each lets one pod go: no drain of a node is ever blocked', () => {
    const budgets = manifests.filter((m) => m.kind === 'PodDisruptionBudget');
    for (const { spec } of budgets) {
      expect(spec.minAvailable).toBeUndefined();
      expect(spec).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    }
    const covered = workloads(manifests).map(
      (workload) =>
        budgets.filter(({ spec }) =>
          Object.entries(spec.selector.matchLabels).every(([key, value]) => labelsOf(workload)[key] === value),
        ).length,
    );
    expect(covered).toEqual(workloads(manifests).map(() => 1));
  });

  test('one account may read a node and patch pods of its namespace; nothing else is granted, and to nobody else', () => {
    const rules = manifests
      .filter((m) => m.kind === 'Role' || m.kind === 'ClusterRole')
      .flatMap((m) =>
        m.rules.map((rule: Fields) => [m.metadata.name, rule.resources, rule.verbs, rule.resourceNames ?? []]),
      );
    expect(rules.sort()).toEqual([
      ['lianmai-node-address', ['nodes'], ['get'], []],
      ['lianmai-pod-cost', ['pods'], ['patch'], []],
    ]);
    const bound = manifests.filter((m) => m.kind.endsWith('RoleBinding'));
    expect(bound.map((m) => [m.roleRef.name, m.subjects.map((s: Fields) => `${s.namespace}/${s.name}`)])).toEqual([
      ['lianmai-pod-cost', ['lianmai/lianmai-sfu']],
      ['lianmai-node-address', ['lianmai/lianmai-sfu']],
    ]);
  });
});
