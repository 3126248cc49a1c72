/** docs/layouts.md is what its script writes, and its examples are scenes. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { layoutsPage } from '../../../scripts/layouts/page.ts';
import { Layout, Scene } from '../../../src/contracts/scene.ts';

const text = readFileSync(new URL('../../../docs/layouts.md', import.meta.url), 'utf8');

test('the page is as `npm run layouts` writes it', () => {
  expect(text).toBe(layoutsPage());
});

test('every layout has its section, and every example is a scene', () => {
  for (const { shape } of Layout.options) expect(text).toContain(`\n## ${shape.type.value}\n`);
  const blocks = [...text.matchAll(/^```json\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '');
  const besides = [...text.matchAll(/<br><br>`(\{.*\})` \|$/gm)].map((match) => match[1] ?? '');
  expect(blocks.length).toBeGreaterThanOrEqual(Layout.options.length);
  expect(besides.length).toBeGreaterThan(8);
  for (const example of [...blocks, ...besides]) {
    const scene = JSON.parse(example.replaceAll('ASSET-ID', 'a'.repeat(64)));
    expect(Scene.safeParse(scene), example).toMatchObject({ success: true });
  }
});
