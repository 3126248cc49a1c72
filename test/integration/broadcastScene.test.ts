/** The frame that an answer about a scene names, and who speaks in jobs, over the life of a broadcast and its compositors. */
import { afterEach, describe, expect, test } from 'vitest';
import { Scene, type SceneInput } from '../../src/contracts/scene.ts';
import { FakeAgent } from '../support/broadcast/FakeAgent.ts';
import { StudioRig } from '../support/broadcast/StudioRig.ts';

const ANNA = 'paaaaaaaa';
const BERT = 'pbbbbbbbb';
const rigs: StudioRig[] = [];
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

async function live() {
  const rig = await StudioRig.create(new FakeAgent());
  rigs.push(rig);
  await rig.guest(ANNA);
  await rig.guest(BERT);
  const status = await rig.start();
  const compositor = await rig.agent.compositor();
  return { rig, status, compositor };
}

/** As the room does it: set, told as a change, then applied. */
function setScene(rig: StudioRig, scene: SceneInput): Promise<number | null> {
  rig.room.setScene(Scene.parse(scene));
  return rig.broadcasts.applyScene('demo');
}

describe('the frame that is named', () => {
  test('is that of the only job with this scene', async () => {
    const { rig, compositor } = await live();
    const fromFrame = await setScene(rig, { captions: 'one' });
    const { fromFrame: next } = await compositor.job((j) => j.scene.captions === 'one');
    expect(next).toBe(fromFrame);
    await setScene(rig, { captions: 'two' });
    await compositor.job((j) => j.scene.captions === 'two');
    expect(compositor.all('job').filter(({ job }) => job.scene.captions === 'one')).toHaveLength(1);
  });

  test('of a scene that is nothing new is the frame from which it has held', async () => {
    const { rig, compositor } = await live();
    const first = await setScene(rig, { captions: 'one' });
    await compositor.job((j) => j.scene.captions === 'one');
    const jobs = compositor.all('job').length;
    expect(await setScene(rig, { captions: 'one' })).toBe(first);
    await setScene(rig, { captions: 'two' });
    await compositor.job((j) => j.scene.captions === 'two');
    expect(compositor.all('job')).toHaveLength(jobs + 1);
  });

  test('while the compositor is being replaced: that of its successor', async () => {
    const { rig, compositor } = await live();
    compositor.cut();
    await rig.status((s) => s.state === 'recovering');
    const fromFrame = await setScene(rig, { captions: 'meanwhile' });
    const successor = await rig.agent.compositor(2);
    const first = successor.all('job').find(({ job }) => job.scene.captions === 'meanwhile')?.job;
    expect(first?.fromFrame).toBe(fromFrame);
    expect(first?.compositor).toBe(successor.all('job')[0]?.job.compositor);
  });

  test('of a room that is not live, or not any more: none', async () => {
    const { rig } = await live();
    await rig.broadcasts.stop('demo', 'stopped');
    expect(await setScene(rig, { captions: 'too late' })).toBeNull();
  });
});

describe('who speaks', () => {
  const speak = (rig: StudioRig, ...levels: [string, number][]) =>
    rig.room.emit(
      'levels',
      levels.map(([peer, dbov]) => ({ peer, dbov })),
    );

  test('is marked; nothing is sent where the scene shows no marks', async () => {
    const { rig, compositor } = await live();
    speak(rig, [ANNA, -30]);
    const marked = await compositor.job((j) => j.speaking.length === 1);
    expect(marked).toMatchObject({ speaking: [ANNA], active: null });
    await compositor.job((j) => j.fromFrame > marked.fromFrame && j.speaking.length === 0);
    await setScene(rig, { marks: { speaking: false } });
    await compositor.job((j) => !j.scene.marks.speaking);
    const { length } = compositor.all('job');
    speak(rig, [BERT, -30]);
    await setScene(rig, { marks: { speaking: false }, captions: 'end' });
    await compositor.job((j) => j.scene.captions === 'end');
    expect(compositor.all('job').slice(length)).toMatchObject([{ job: { speaking: [], scene: { captions: 'end' } } }]);
  });

  test('is active in the speaker layout, and in the same way for a successor', async () => {
    const { rig, compositor } = await live();
    await setScene(rig, { layout: { type: 'speaker' } });
    speak(rig, [BERT, -30]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    speak(rig, [BERT, -30]);
    await compositor.job((j) => j.active === BERT);
    compositor.cut();
    await rig.status((s) => s.state === 'recovering');
    const successor = await rig.agent.compositor(2);
    expect((await successor.message('job')).job.active).toBe(BERT);
    rig.room.leave(BERT);
    await successor.job((j) => j.active === null && j.peers.length === 1);
  });
});
