import { expect, test } from 'vitest';
import { Scene } from '../../../src/contracts/scene.ts';
import { SceneStore } from '../../../src/rooms/SceneStore.ts';

const red = Scene.parse({ background: '#ff0000' });

test('a room that nobody has set has the default scene at version 1', () => {
  const store = new SceneStore();
  expect(store.get('demo')).toEqual({ version: 1, scene: Scene.parse({}) });
  expect(store.entries()).toEqual([]);
});

test('set whole, by who has seen the present version', () => {
  const store = new SceneStore();
  expect(store.set('demo', red, 1)).toEqual({ version: 2, scene: red });
  expect(() => store.set('demo', red, 1)).toThrow('The scene is at version 2, not 1.');
  expect(store.set('demo', Scene.parse({}), 2).version).toBe(3);
  store.forget('demo');
  expect(store.get('demo').version).toBe(1);
});

test('when there are too many, the one that was changed longest ago is forgotten', () => {
  const store = new SceneStore({ capacity: 2 });
  store.set('a', red, 1);
  store.set('b', red, 1);
  store.set('a', red, 2);
  store.set('c', red, 1);
  expect(store.entries().map(([room]) => room)).toEqual(['a', 'c']);
});
