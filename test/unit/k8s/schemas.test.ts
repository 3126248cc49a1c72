/** Every manifest is valid against the schemas of Kubernetes and of the operators, unknown fields refused; every overlay builds. */
import { describe, expect, test } from 'vitest';
import { type Fields, type Manifest, OVERLAYS, overlay, readYaml, sourceFiles } from '../../support/k8s/manifests.ts';
import { mistakesIn } from '../../support/k8s/schemas.ts';

const nameOf = ({ kind, metadata }: Manifest): string => `${kind}/${metadata.name}`;

async function allMistakes(manifests: readonly Manifest[]): Promise<string[]> {
  const found = await Promise.all(
    manifests.map(async (m) => (await mistakesIn(m)).map((mistake) => `${nameOf(m)} ${mistake}`)),
  );
  return found.flat();
}

test('the files of k8s/ hold valid objects only', async () => {
  const files = sourceFiles();
  expect(files.length).toBeGreaterThan(12);
  for (const { file, manifests } of files)
    expect({ file, mistakes: await allMistakes(manifests) }).toEqual({ file, mistakes: [] });
});

describe.each(OVERLAYS)('overlay %s', (name) => {
  test('builds, and what is built is valid', async () => {
    const manifests = overlay(name);
    expect(manifests.length).toBeGreaterThan(20);
    expect(await allMistakes(manifests)).toEqual([]);
  });

  test('no object is there twice, and all are in the namespace lianmai', () => {
    const manifests = overlay(name);
    const names = manifests.map(nameOf);
    expect(names.filter((n, i) => names.indexOf(n) !== i)).toEqual([]);
    const outside = manifests.filter((m) => m.metadata.namespace !== 'lianmai').map((m) => m.kind);
    expect(outside.sort()).toEqual(['ClusterRole', 'ClusterRoleBinding', 'Namespace']);
  });
});

/** Paths of all objects in a value whose fields are named by the schema: not labels, quantities or other maps with free keys. */
function objectPaths(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  const free = ['labels', 'annotations', 'matchLabels', 'requests', 'limits', 'data'].includes(path.at(-1) ?? '');
  const selectorOfService = path.join('.') === 'spec.selector' || path.join('.').endsWith('triggers.0.metadata');
  if (free || selectorOfService) return [];
  const below = Object.entries(value).flatMap(([key, field]) => objectPaths(field, [...path, key]));
  return Array.isArray(value) ? below : [path, ...below];
}

describe('the check itself', () => {
  const kinds = new Map(OVERLAYS.flatMap((name) => overlay(name)).map((m) => [`${m.apiVersion} ${m.kind}`, m]));

  test('knows every kind that is used', () => {
    expect(kinds.size).toBeGreaterThan(15);
  });

  test.each([...kinds])('%s: a field that does not exist is found wherever it is put', async (_, manifest) => {
    const paths = objectPaths(manifest).filter(
      (path) => manifest.kind !== 'Service' || path.join('.') !== 'spec.selector',
    );
    expect(paths.length).toBeGreaterThan(1);
    for (const path of paths) {
      const broken = structuredClone(manifest) as Fields;
      const place = path.reduce<Fields>((at, key) => at[key], broken);
      place.misspelt = 1;
      expect(await mistakesIn(broken as Manifest)).toEqual([`/${[...path, 'misspelt'].join('/')}: unknown field`]);
    }
  });

  test('finds wrong types, missing fields and a key that is given twice', async () => {
    const deployment = kinds.get('apps/v1 Deployment')!;
    const broken = structuredClone(deployment) as Manifest;
    broken.spec.template.spec.containers[0].ports[0].containerPort = 'http';
    delete broken.spec.selector;
    const mistakes = (await mistakesIn(broken)).join('\n');
    expect(mistakes).toMatch(/containerPort: /);
    expect(mistakes).toMatch(/selector/);
    expect(() => readYaml('a: 1\na: 2\n')).toThrow(/unique/);
  });
});
