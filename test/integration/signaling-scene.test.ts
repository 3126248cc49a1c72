import { afterAll, beforeAll, expect, test } from 'vitest';
import { Scene } from '../../src/contracts/scene.ts';
import { SignalingStack } from '../support/SignalingStack.ts';

let stack: SignalingStack;
beforeAll(async () => {
  stack = await SignalingStack.create({ workers: 1 });
});
afterAll(() => stack.close());

const scene = Scene.parse({ layout: { type: 'speaker' }, lowerThird: { title: '连麦' } });

test('a host sets the scene; hosts and co-hosts are told, and have it in their answer to join', async () => {
  const ann = await stack.join({ sub: 'ann', room: 'scene' });
  const bob = await stack.join({ sub: 'bob', room: 'scene', role: 'cohost' });
  const eve = await stack.join({ sub: 'eve', room: 'scene', role: 'audience' });
  expect([ann, bob, eve].map((c) => c.joined.scene?.version ?? null)).toEqual([1, 1, null]);
  expect(await ann.call('scene:set', { scene, ifMatch: 1 })).toEqual({ version: 2, scene, fromFrame: null });
  expect(await ann.next('scene:changed')).toEqual({ version: 2, scene });
  expect(await bob.next('scene:changed')).toEqual({ version: 2, scene });
  expect(eve.events.some((e) => e.name === 'scene:changed')).toBe(false);
  const late = await stack.join({ sub: 'late', room: 'scene', role: 'cohost' });
  expect(late.joined.scene).toEqual({ version: 2, scene });
  for (const client of [ann, bob, eve, late]) client.close();
});

test('the second of two hosts who change at once is told the newest scene before the refusal', async () => {
  const [ann, bob] = await Promise.all(['ann', 'bob'].map((sub) => stack.join({ sub, room: 'two' })));
  if (!ann || !bob) throw new Error('nobody');
  await ann.call('scene:set', { scene, ifMatch: 1 });
  expect(await bob.refusal('scene:set', { scene: {}, ifMatch: 1 })).toBe('stale-version');
  expect(bob.events.at(-1)).toMatchObject({ name: 'scene:changed', arg: { version: 2 } });
  ann.close();
  bob.close();
});

test('co-hosts may not; a scene of another form is refused, by the place of the mistake', async () => {
  const ann = await stack.join({ sub: 'ann', room: 'bad' });
  const bob = await stack.join({ sub: 'bob', room: 'bad', role: 'cohost' });
  expect(await bob.refusal('scene:set', { scene: {}, ifMatch: 1 })).toBe('forbidden');
  const refused = async (payload: unknown) => {
    const error = await ann.call('scene:set', payload).then(
      () => undefined,
      (e: Error) => e,
    );
    return error?.message ?? 'not refused';
  };
  expect(await refused({ scene: { transition: { ms: -1 } }, ifMatch: 1 })).toContain('scene.transition.ms');
  expect(await refused({ scene: { layout: { type: 'spiral' } }, ifMatch: 1 })).toContain('scene.layout.type');
  expect(await refused({ scene: {} })).toContain('ifMatch');
  expect(await refused({ scene: { logo: { image: 'a'.repeat(64) } }, ifMatch: 1 })).toContain('logo.image');
  expect(stack.registry.get('bad')?.scene.version).toBe(1);
  ann.close();
  bob.close();
});
