/** Alerts and dashboards ask only for metrics and labels that `/metrics` has; every alert is explained; every pod is scraped. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createMetrics, METRICS } from '../../../src/metrics.ts';
import { type Fields, labelsOf, named, overlay, selects, workloads } from '../../support/k8s/manifests.ts';
import { readPromql } from '../../support/k8s/promql.ts';

const operations = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
const manifests = overlay('prod');
const rules: Fields[] = named(manifests, 'PrometheusRule', 'lianmai').spec.groups.flatMap((g: Fields) => g.rules);
const config = named(manifests, 'ConfigMap', 'lianmai-dashboards');
const dashboards = Object.values<string>(config.data).map((text): Fields => JSON.parse(text));
const panels: Fields[] = dashboards.flatMap((d) => d.panels).filter((p) => p.type !== 'row');

/** Labels that Prometheus gives every series of a ServiceMonitor. */
const OF_THE_SCRAPE = ['namespace', 'pod', 'job', 'service', 'endpoint', 'instance', 'container'];

/** Sample name → its labels, as a scrape of the real registry finds them. */
async function samples(): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for (const metric of await createMetrics().registry.getMetricsAsJSON()) {
    const definition = Object.values(METRICS).find((m) => m.name === metric.name);
    const labels = [...(definition?.labels ?? []), ...OF_THE_SCRAPE];
    const isHistogram = definition?.type === 'histogram';
    if (!isHistogram) found.set(metric.name, new Set(labels));
    else {
      found.set(`${metric.name}_bucket`, new Set([...labels, 'le']));
      for (const suffix of ['_sum', '_count']) found.set(`${metric.name}${suffix}`, new Set(labels));
    }
  }
  return found;
}

async function expectToExist(expressions: readonly string[]): Promise<void> {
  const known = await samples();
  const wrong = expressions.flatMap((expression) => {
    const { metrics, matched, grouped } = readPromql(expression);
    const ofAll = new Set([...metrics].flatMap((metric) => [...(known.get(metric) ?? [])]));
    return [
      ...[...metrics].filter((metric) => !known.has(metric)),
      ...[...matched].flatMap(([metric, labels]) =>
        [...labels].filter((l) => !known.get(metric)?.has(l)).map((l) => `${metric}{${l}}`),
      ),
      ...[...grouped].filter((label) => !ofAll.has(label)).map((label) => `by (${label}) in ${expression}`),
    ];
  });
  expect(wrong).toEqual([]);
}

describe('alerts', () => {
  test('name only metrics and labels that /metrics has', async () => {
    expect(rules.length).toBeGreaterThan(15);
    await expectToExist(rules.map((rule) => rule.expr));
  });

  test('have a severity and a sentence; its labels are those of the result', () => {
    for (const { alert, expr, labels, annotations } of rules) {
      expect(['critical', 'warning'], alert).toContain(labels.severity);
      expect(annotations.summary, alert).toMatch(/\.$/);
      const shown = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map((m) => m[1]);
      for (const label of shown) expect([...readPromql(expr).grouped], alert).toContain(label);
    }
  });

  test('each has its section in docs/operations.md, and no section is of an alert that is gone', () => {
    const headings = [...operations.matchAll(/^### (Lianmai\w+)$/gm)].map((m) => m[1]);
    expect(headings.sort()).toEqual(rules.map((r) => r.alert).sort());
  });
});

describe('the dashboards', () => {
  test('ask only for metrics and labels that /metrics has', async () => {
    const expressions = panels.flatMap((p) => p.targets.map((t: Fields) => t.expr as string));
    expect(expressions.length).toBeGreaterThan(20);
    await expectToExist(expressions);
  });

  test('legends are labels of the result; ids differ; no panel lies upon another', () => {
    for (const target of panels.flatMap((p) => p.targets as Fields[])) {
      const shown = [...target.legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]);
      for (const label of shown) expect([...readPromql(target.expr).grouped], target.expr).toContain(label);
    }
    expect(new Set(dashboards.map((d) => d.uid)).size).toBe(2);
    for (const dashboard of dashboards) {
      expect(new Set(dashboard.panels.map((p: Fields) => p.id)).size).toBe(dashboard.panels.length);
      const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }: Fields) =>
        Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
    }
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  test('are found by the sidecar of Grafana', () => {
    expect(config.metadata.labels.grafana_dashboard).toBe('1');
  });
});

test('every role is scraped, once, at its internal port; the SFU, whose metric scales the fleet, every five seconds', () => {
  const monitors = manifests.filter((m) => m.kind === 'ServiceMonitor');
  const scraped = workloads(manifests)
    .filter((w) => w.metadata.name !== 'lianmai-redis')
    .map((workload) => {
      const services = manifests.filter(
        (m) => m.kind === 'Service' && selects({ matchLabels: m.spec.selector }, labelsOf(workload)),
      );
      const endpoints = monitors.flatMap(({ spec }) =>
        services
          .filter((service) => selects(spec.selector, service.metadata.labels))
          .flatMap((service) =>
            spec.endpoints.filter((e: Fields) => service.spec.ports.some((p: Fields) => p.name === e.port)),
          ),
      );
      return [workload.metadata.name, endpoints.map((e: Fields) => [e.path, e.interval])];
    });
  expect(Object.fromEntries(scraped)).toEqual({
    'lianmai-sfu': [['/metrics', '5s']],
    'lianmai-compositor': [['/metrics', '15s']],
    'lianmai-delivery': [['/metrics', '15s']],
    'lianmai-edge': [['/metrics', '15s']],
  });
});

test('the reading of PromQL finds what is wrong', async () => {
  await expect(expectToExist(['rate(lianmai_broadcast[5m])'])).rejects.toThrow();
  await expect(expectToExist(['sum(lianmai_rooms{state="x"})'])).rejects.toThrow();
  await expect(expectToExist(['sum by (room) (lianmai_rooms)'])).rejects.toThrow();
  expect(() => readPromql('sum(')).toThrow(/no PromQL/);
});
