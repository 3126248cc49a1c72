/** Ports: settings, containers, services, network policies, host ports and the ingress all mean the same ones. */
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../../../src/config.ts';
import {
  environmentOf,
  type Fields,
  labelsOf,
  type Manifest,
  named,
  OVERLAYS,
  overlay,
  podOf,
  selects,
  workloads,
} from '../../support/k8s/manifests.ts';

const numberOf = (container: Fields, name: string): number =>
  container.ports.find((p: Fields) => p.name === name)?.containerPort;

/** What a policy's rules let in or out: "TCP 8081", "UDP 42000-42999"; "any" where a rule names no port. */
const portsOf = (rule: Fields): string[] =>
  (rule.ports ?? [{}]).map((p: Fields) =>
    p.port === undefined ? 'any' : `${p.protocol} ${p.port}${p.endPort === undefined ? '' : `-${p.endPort}`}`,
  );

/** Peer role → ports, of the policy with a role's name. */
function openings(
  manifests: readonly Manifest[],
  name: string,
  direction: 'ingress' | 'egress',
): Record<string, string[]> {
  const opened: Record<string, string[]> = {};
  for (const rule of named(manifests, 'NetworkPolicy', name).spec[direction] ?? []) {
    const peers = (rule[direction === 'ingress' ? 'from' : 'to'] ?? []) as Fields[];
    const roles = workloads(manifests)
      .filter((w) =>
        peers.some((peer) => peer.podSelector && !peer.namespaceSelector && selects(peer.podSelector, labelsOf(w))),
      )
      .map((w) => w.metadata.name.replace('lianmai-', ''));
    const names = peers.length === 0 ? ['anybody'] : peers.some((p) => p.ipBlock) ? ['internet'] : roles;
    for (const role of names) opened[role] = [...(opened[role] ?? []), ...portsOf(rule)].sort();
  }
  return opened;
}

describe.each(OVERLAYS)('overlay %s', (name) => {
  const manifests = overlay(name);
  const container = (workload: string) =>
    podOf(workloads(manifests).find((w) => w.metadata.name === workload)!).containers[0];
  const sfu = container('lianmai-sfu');
  const workers = Number(environmentOf(sfu, manifests).LIANMAI_SFU_WORKERS);
  const first = Number(environmentOf(sfu, manifests).LIANMAI_RTC_PORT);
  const rtc = `${first}-${first + workers - 1}`;

  test('containers listen at the ports of their settings, which are the defaults of the code', () => {
    for (const workload of workloads(manifests).filter((w) => w.metadata.name !== 'lianmai-redis')) {
      const [only] = podOf(workload).containers;
      const environment = environmentOf(only, manifests);
      expect(environment.LIANMAI_INTERNAL_PORT).toBe(SETTINGS.internalPort.fallback);
      expect(environment.LIANMAI_PORT).toBe(SETTINGS.port.fallback);
      expect(numberOf(only, 'internal')).toBe(Number(environment.LIANMAI_INTERNAL_PORT));
      const hasPublic = workload.metadata.name !== 'lianmai-compositor';
      expect(numberOf(only, 'public')).toBe(hasPublic ? Number(environment.LIANMAI_PORT) : undefined);
    }
    expect(environmentOf(sfu, manifests).LIANMAI_RTC_PORT).toBe(SETTINGS.rtcPort.fallback);
    expect(environmentOf(container('lianmai-compositor'), manifests).LIANMAI_MEDIA_PORTS).toBe(
      SETTINGS.mediaPorts.fallback,
    );
  });

  test('host ports: UDP and TCP for each of LIANMAI_SFU_WORKERS, of the same number outside; one such pod a node', () => {
    const hostPorts = sfu.ports.filter((p: Fields) => p.hostPort !== undefined);
    const expected = Array.from({ length: workers }, (_, i) =>
      ['UDP', 'TCP'].map((protocol) => [protocol, first + i, first + i]),
    ).flat();
    expect(hostPorts.map((p: Fields) => [p.protocol, p.containerPort, p.hostPort])).toEqual(expected);
    const [rule] = podOf(named(manifests, 'StatefulSet', 'lianmai-sfu')).affinity.podAntiAffinity
      .requiredDuringSchedulingIgnoredDuringExecution;
    expect(rule.topologyKey).toBe('kubernetes.io/hostname');
    expect(selects(rule.labelSelector, labelsOf(named(manifests, 'StatefulSet', 'lianmai-sfu')))).toBe(true);
  });

  test('each service leads to a port that the pods which it selects have', () => {
    for (const service of manifests.filter((m) => m.kind === 'Service')) {
      const chosen = workloads(manifests).filter((w) => selects({ matchLabels: service.spec.selector }, labelsOf(w)));
      expect(chosen, service.metadata.name).toHaveLength(1);
      for (const port of service.spec.ports)
        expect(port.port).toBe(numberOf(podOf(chosen[0]!).containers[0], port.targetPort));
    }
  });

  test('the internal port is reached by one service of a role only: a pod that is scraped twice counts twice', () => {
    for (const workload of workloads(manifests).filter((w) => w.metadata.name !== 'lianmai-redis')) {
      const services = manifests.filter(
        (m) => m.kind === 'Service' && selects({ matchLabels: m.spec.selector }, labelsOf(workload)),
      );
      expect(services.filter((s) => s.spec.ports.some((p: Fields) => p.name === 'internal'))).toHaveLength(1);
    }
  });

  test('the name of a delivery node is that of its pod by a headless service, with its internal port', () => {
    const url = String(environmentOf(container('lianmai-delivery'), manifests).LIANMAI_INTERNAL_URL);
    const [, service, port] = /^http:\/\/\$\(LIANMAI_POD_NAME\)\.([a-z-]+):(\d+)$/.exec(url) ?? [];
    const { spec } = named(manifests, 'Service', service ?? '');
    expect(spec.ports.map((p: Fields) => String(p.port))).toContain(port);
    expect([spec.clusterIP, spec.publishNotReadyAddresses]).toEqual(['None', true]);
    expect(named(manifests, 'StatefulSet', 'lianmai-delivery').spec.serviceName).toBe(service);
  });

  test('network policies: everything is closed, and each role is open to those who talk to it', () => {
    const closed = named(manifests, 'NetworkPolicy', 'lianmai-closed').spec;
    expect(closed).toEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'lianmai' } },
      policyTypes: ['Ingress', 'Egress'],
    });
    expect(openings(manifests, 'lianmai-sfu', 'ingress')).toEqual({
      anybody: [`TCP ${rtc}`, 'TCP 8080', `UDP ${rtc}`].sort(),
      compositor: ['TCP 8081', 'UDP 10000-59999'],
      sfu: ['TCP 8081'],
    });
    expect(openings(manifests, 'lianmai-compositor', 'ingress')).toEqual({ sfu: ['TCP 8081', 'UDP 42000-42999'] });
    expect(openings(manifests, 'lianmai-delivery', 'ingress')).toEqual({
      ...{
        anybody: ['TCP 8080'],
        compositor: ['TCP 8081'],
        edge: ['TCP 8081'],
        sfu: ['TCP 8081'],
        delivery: ['TCP 8081'],
      },
    });
    expect(openings(manifests, 'lianmai-edge', 'ingress')).toEqual({ anybody: ['TCP 8080'] });
  });

  test('what one side lets out, the other lets in, nodes of a kind each other among them; compositors reach nothing beyond the two roles', () => {
    const sides = ['sfu', 'compositor', 'delivery', 'edge'];
    const pairs = sides.flatMap((from) =>
      Object.entries(openings(manifests, `lianmai-${from}`, 'egress'))
        .filter(([to]) => sides.includes(to))
        .map(([to, ports]) => ({ from, to, ports })),
    );
    expect(pairs.length).toBe(7);
    for (const { from, to, ports } of pairs)
      expect({ from, to, ports: openings(manifests, `lianmai-${to}`, 'ingress')[from] }).toEqual({ from, to, ports });
    expect(Object.keys(openings(manifests, 'lianmai-compositor', 'egress')).sort()).toEqual(['delivery', 'sfu']);
    expect(Object.keys(openings(manifests, 'lianmai-edge', 'egress'))).toEqual(['delivery']);
  });
});

test.each(['prod', 'keda'] as const)(
  'ingress of %s: viewers to the edges, recordings to their node, all else to the SFU',
  (name) => {
    const manifests = overlay(name);
    const [{ http }] = named(manifests, 'Ingress', 'lianmai').spec.rules;
    const routes = http.paths.map(({ path, backend }: Fields) => {
      const service = named(manifests, 'Service', backend.service.name);
      expect(service.spec.ports.map((p: Fields) => p.name)).toContain(backend.service.port.name);
      return [path, service.spec.selector['app.kubernetes.io/component']];
    });
    expect(routes).toEqual([
      ['/live/', 'edge'],
      ['/recordings/', 'delivery'],
      ['/', 'sfu'],
    ]);
  },
);
