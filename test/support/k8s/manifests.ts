/** The manifests as a cluster gets them: what `kubectl kustomize` makes of an overlay. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const K8S = fileURLToPath(new URL('../../../k8s', import.meta.url));
export const OVERLAYS = ['dev', 'prod', 'keda'] as const;
export type Overlay = (typeof OVERLAYS)[number];

// biome-ignore lint/suspicious/noExplicitAny: its form is what the schemas are asked about (schemas.ts).
export type Fields = Record<string, any>;

export interface Manifest extends Fields {
  apiVersion: string;
  kind: string;
  metadata: Fields & { name: string };
}

/** All documents of a YAML text; throws on a mistake in it, a key given twice among them. */
export function readYaml(text: string): Fields[] {
  return parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
    const [mistake] = [...document.errors, ...document.warnings];
    if (mistake) throw mistake;
    return document.toJS() as Fields;
  });
}

const built = new Map<Overlay, Manifest[]>();

export function overlay(name: Overlay): Manifest[] {
  const known = built.get(name);
  if (known) return known;
  // What newer ones warn of (k8s/base/kustomization.yaml) goes to stderr.
  const text = execFileSync('kubectl', ['kustomize', join(K8S, 'overlays', name)], { encoding: 'utf8', stdio: 'pipe' });
  const manifests = readYaml(text) as Manifest[];
  built.set(name, manifests);
  return manifests;
}

/** Every YAML file below k8s/ that holds objects, not instructions for kustomize or patches. */
export function sourceFiles(): { file: string; manifests: Manifest[] }[] {
  return readdirSync(K8S, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml') && !file.endsWith('kustomization.yaml'))
    .map((file) => ({ file, manifests: readYaml(readFileSync(join(K8S, file), 'utf8')) as Manifest[] }))
    .filter(({ manifests }) => manifests.every((m) => m.kind !== undefined && !isPatch(m)));
}

/** A patch for a workload has no selector of its own. */
const isPatch = (manifest: Manifest): boolean =>
  ['Deployment', 'StatefulSet'].includes(manifest.kind) && manifest.spec?.selector === undefined;

export const named = (manifests: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = manifests.filter((m) => m.kind === kind && m.metadata.name === name);
  if (found.length !== 1) throw new Error(`${found.length} objects are called ${kind}/${name}`);
  return found[0]!;
};

/** Deployments and StatefulSets. */
export const workloads = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.filter((m) => m.kind === 'Deployment' || m.kind === 'StatefulSet');

export const podOf = (workload: Manifest): Fields => workload.spec.template.spec;
export const labelsOf = (workload: Manifest): Record<string, string> => workload.spec.template.metadata.labels;
export const containersOf = (workload: Manifest): Fields[] => [
  ...(podOf(workload).initContainers ?? []),
  ...podOf(workload).containers,
];

/** Whether a label selector (matchLabels, matchExpressions) chooses these labels. */
export function selects(selector: Fields, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    (matchExpressions as Fields[]).every(({ key, operator, values = [] }) => {
      const there = values.includes(labels[key]);
      if (operator === 'In') return there;
      if (operator === 'NotIn') return !there;
      throw new Error(`the tests do not know the operator ${operator}`);
    })
  );
}

/** The environment that a container begins with: the ConfigMaps' variables, then its own; of what is not a plain value, its source. */
export function environmentOf(container: Fields, manifests: readonly Manifest[]): Record<string, string | Fields> {
  const shared = ((container.envFrom ?? []) as Fields[]).map(
    ({ configMapRef }) => named(manifests, 'ConfigMap', configMapRef.name).data as Record<string, string>,
  );
  const own = ((container.env ?? []) as Fields[]).map(({ name, value, valueFrom }) => [name, value ?? valueFrom]);
  return Object.assign({}, ...shared, Object.fromEntries(own));
}
