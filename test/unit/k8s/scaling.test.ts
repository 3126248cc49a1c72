/** Compositors follow the demand, by a HorizontalPodAutoscaler (prod) or by KEDA (keda). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { METRICS } from '../../../src/metrics.ts';
import {
  environmentOf,
  type Fields,
  type Manifest,
  named,
  overlay,
  podOf,
  readYaml,
} from '../../support/k8s/manifests.ts';
import { readPromql } from '../../support/k8s/promql.ts';

/** Of the slots of a pod; the rest is for what starts and moves. */
const FULL = 0.85;
const DEMAND = METRICS.demand.name;

const kindsOf = (manifests: readonly Manifest[], kind: string): string[] =>
  manifests.filter((m) => m.kind === kind).map((m) => m.metadata.name);

function slotsOf(manifests: readonly Manifest[]): number {
  const [container] = podOf(named(manifests, 'Deployment', 'lianmai-compositor')).containers;
  return Number(environmentOf(container, manifests).LIANMAI_COMPOSITOR_SLOTS);
}

test('the target is at most 0.85 of the slots of a pod, as a value for each pod', () => {
  const manifests = overlay('prod');
  const { spec } = named(manifests, 'HorizontalPodAutoscaler', 'lianmai-compositor');
  expect(spec.scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'lianmai-compositor' });
  expect(spec.metrics).toHaveLength(1);
  const [{ external }] = spec.metrics;
  expect(external.metric).toEqual({ name: DEMAND });
  expect(external.target.type).toBe('AverageValue');
  const target = Number(/^(\d+)m$/.exec(external.target.averageValue)?.[1]) / 1000;
  expect(target).toBeGreaterThan(FULL * slotsOf(manifests) * 0.9);
  expect(target).toBeLessThanOrEqual(FULL * slotsOf(manifests));
});

test('up within seconds, down slowly, as simulated; KEDA has the same behavior and target', () => {
  const { spec } = named(overlay('prod'), 'HorizontalPodAutoscaler', 'lianmai-compositor');
  const { scaleUp, scaleDown } = spec.behavior;
  expect(scaleUp).toMatchObject({ stabilizationWindowSeconds: 0, selectPolicy: 'Max' });
  for (const policy of scaleUp.policies) expect(policy.periodSeconds).toBeLessThanOrEqual(15);
  expect(scaleUp.policies.map((p: Fields) => p.type).sort()).toEqual(['Percent', 'Pods']);
  expect(scaleDown.stabilizationWindowSeconds).toBeGreaterThanOrEqual(300);
  const percent = scaleDown.policies.find((p: Fields) => p.type === 'Percent');
  expect(percent.value / percent.periodSeconds).toBeLessThanOrEqual(10 / 60);

  const simulated = JSON.parse(readFileSync('scripts/bench/fleet/hpa.json', 'utf8'));
  expect(simulated).toMatchObject({ metric: DEMAND, targetFill: FULL, behavior: spec.behavior });
  expect([spec.minReplicas, spec.maxReplicas]).toEqual([simulated.minReplicas, simulated.maxReplicas]);

  const scaled = named(overlay('keda'), 'ScaledObject', 'lianmai-compositor').spec;
  expect(scaled.advanced.horizontalPodAutoscalerConfig.behavior).toEqual(spec.behavior);
  expect(scaled.scaleTargetRef).toEqual(spec.scaleTargetRef);
  const [{ metricType, metadata }] = scaled.triggers;
  expect(metricType).toBe('AverageValue');
  expect(`${Number(metadata.threshold) * 1000}m`).toBe(spec.metrics[0].external.target.averageValue);
});

test('keda scales to zero, and has neither the HorizontalPodAutoscaler of compositors nor the adapter rule', () => {
  const keda = overlay('keda');
  expect(named(keda, 'ScaledObject', 'lianmai-compositor').spec.minReplicaCount).toBe(0);
  expect(kindsOf(keda, 'HorizontalPodAutoscaler')).toEqual(['lianmai-edge']);
  expect(kindsOf(keda, 'ConfigMap')).not.toContain('lianmai-adapter-rules');
  // Edges are scaled by CPU, which the metrics server has: no external metric besides KEDA's.
  expect(named(keda, 'HorizontalPodAutoscaler', 'lianmai-edge').spec.metrics.map((m: Fields) => m.type)).toEqual([
    'Resource',
  ]);
  expect(kindsOf(overlay('prod'), 'ScaledObject')).toEqual([]);
});

test('the adapter sums the demand of all SFU nodes under the name that the autoscaler asks for', () => {
  const { data } = named(overlay('prod'), 'ConfigMap', 'lianmai-adapter-rules');
  const [config] = readYaml(data['config.yaml']);
  const [rule] = config!.externalRules;
  expect(rule.name.as).toBe(DEMAND);
  expect([...readPromql(rule.seriesQuery).metrics]).toEqual([DEMAND]);
  // Go templates: https://github.com/kubernetes-sigs/prometheus-adapter/blob/master/docs/config.md
  const query = rule.metricsQuery.replace('<<.Series>>', DEMAND).replace('<<.LabelMatchers>>', 'namespace="lianmai"');
  expect(query).toBe(`sum(${DEMAND}{namespace="lianmai"})`);
  expect([...readPromql(query).metrics]).toEqual([DEMAND]);
  expect(rule.resources.overrides).toEqual({ namespace: { resource: 'namespace' } });
});

test('the query of KEDA asks for the same', () => {
  const [{ metadata }] = named(overlay('keda'), 'ScaledObject', 'lianmai-compositor').spec.triggers;
  expect(metadata.query).toBe(`sum(${DEMAND}{namespace="lianmai"})`);
  expect(metadata.ignoreNullValues).toBe('false');
});

test('from zero: the SFU nodes, which are always there, ask for the first pod, and the smallest broadcast is enough', () => {
  const keda = overlay('keda');
  const { minReplicaCount, pollingInterval, cooldownPeriod, triggers } = named(
    keda,
    'ScaledObject',
    'lianmai-compositor',
  ).spec;
  expect(minReplicaCount).toBe(0);
  // https://keda.sh/docs/latest/concepts/scaling-deployments/#activating-and-scaling-thresholds: active above it.
  expect(Number(triggers[0].metadata.activationThreshold)).toBe(0);
  expect(pollingInterval).toBeLessThanOrEqual(5);
  // A show that pauses keeps its pod.
  expect(cooldownPeriod).toBeGreaterThanOrEqual(300);
  expect(named(keda, 'StatefulSet', 'lianmai-sfu').spec.replicas).toBeGreaterThan(0);
});
