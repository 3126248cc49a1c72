/** docs/scene.md: each example is a scene, and every field that there is, is explained. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Layout, Scene } from '../../../src/contracts/scene.ts';

const text = readFileSync(new URL('../../../docs/scene.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/^```json\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '');
const sent = [...text.matchAll(/-d '(\{.*\})'/g)].map((match) => match[1] ?? '');

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(4);
  expect(sent.length).toBeGreaterThan(0);
});

describe.each([...examples, ...sent])('%s', (example) => {
  test('is a scene', () => {
    expect(Scene.safeParse(JSON.parse(example))).toMatchObject({ success: true });
  });
});

describe('is complete', () => {
  const explained = (name: string): boolean => new RegExp(`[\`{ ,]${name}[\`}:, ]`).test(text);

  test('every field of the schema, at any depth', () => {
    const names = new Set<string>();
    JSON.stringify(z.toJSONSchema(Scene, { io: 'input' }), (key, value) => {
      if (key === 'properties') for (const name of Object.keys(value)) names.add(name);
      return value;
    });
    expect(names.size).toBeGreaterThan(40);
    expect([...names].filter((name) => !explained(name))).toEqual([]);
  });

  test('every layout, and the table has every field of the scene with its default', () => {
    expect(Layout.options.map((o) => o.shape.type.value).filter((type) => !text.includes(`| \`${type}\` |`))).toEqual(
      [],
    );
    const rows = new Map([...text.matchAll(/^\| `(\w+)` \|([^|]*)\|/gm)].map((m) => [m[1] ?? '', m[2]?.trim() ?? '']));
    for (const [name, value] of Object.entries(Scene.parse({}))) {
      const cell = rows.get(name);
      expect(cell, name).toBeDefined();
      if (cell) expect(JSON.parse(cell.replaceAll('`', '')), name).toEqual(value);
    }
  });
});
