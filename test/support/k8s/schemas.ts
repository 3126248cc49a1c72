/**
 * Whether an object is one that a Kubernetes API server takes with `--validate=strict`. The packages of kubernetes-models hold the validators
 * that ajv has compiled from the API's OpenAPI document (Kubernetes 1.36) and from the operators' CRDs. They let unknown fields pass;
 * a field that a validator never looks at is one that the schema does not know, and so is found by looking on.
 */
import type { Manifest } from './manifests.ts';

interface Validate {
  (data: unknown): boolean;
  errors?: { instancePath: string; message?: string; keyword: string; params: unknown }[] | null;
}

/** API group and version → the package, and what its schemas' names begin with. */
const GROUPS: Record<string, { from: string; prefix: string }> = {
  v1: { from: 'kubernetes-models', prefix: 'IoK8sApiCoreV1' },
  'apps/v1': { from: 'kubernetes-models', prefix: 'IoK8sApiAppsV1' },
  'autoscaling/v2': { from: 'kubernetes-models', prefix: 'IoK8sApiAutoscalingV2' },
  'policy/v1': { from: 'kubernetes-models', prefix: 'IoK8sApiPolicyV1' },
  'networking.k8s.io/v1': { from: 'kubernetes-models', prefix: 'IoK8sApiNetworkingV1' },
  'rbac.authorization.k8s.io/v1': { from: 'kubernetes-models', prefix: 'IoK8sApiRbacV1' },
  'monitoring.coreos.com/v1': {
    from: '@kubernetes-models/prometheus-operator',
    prefix: 'ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1',
  },
  'keda.sh/v1alpha1': { from: '@kubernetes-models/keda', prefix: 'ComGithubKedacoreKedaV2ApisKedaV1alpha1' },
};

/** What is wrong with the object, a line each with the path of the field; nothing: it is valid. */
export async function mistakesIn(manifest: Manifest): Promise<string[]> {
  const group = GROUPS[manifest.apiVersion];
  if (!group) return [`apiVersion: no schema for ${manifest.apiVersion}`];
  // By its place in the package: not every package exports its schemas by name.
  const schema = new URL(`_schemas/${group.prefix}${manifest.kind}.js`, import.meta.resolve(group.from));
  const { validate } = (await import(schema.href)) as { validate: Validate };
  const unseen = new Set<string>();
  validate(watched(manifest, '', unseen));
  const wrong = (validate.errors ?? []).map(
    (e) => `${e.instancePath || '/'}: ${e.message ?? e.keyword} ${JSON.stringify(e.params)}`,
  );
  return [...wrong, ...[...unseen].map((path) => `${path}: unknown field`)];
}

/** The same value, which takes each field's path off `unseen` when the field is read. */
function watched(value: unknown, path: string, unseen: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const inner = new Map<string, unknown>();
  for (const [key, field] of Object.entries(value)) {
    const fieldPath = `${path}/${key}`;
    if (!Array.isArray(value)) unseen.add(fieldPath);
    inner.set(key, watched(field, fieldPath, unseen));
  }
  return new Proxy(value, {
    get(target, key) {
      if (typeof key !== 'string' || !inner.has(key)) return Reflect.get(target, key);
      unseen.delete(`${path}/${key}`);
      return inner.get(key);
    },
  });
}
