import { beforeEach, describe, expect, test, vi } from 'vitest';
import { formatDecibels } from '../../../client/shared/format.ts';
import { type Problem, ProblemError } from '../../../client/shared/problems.ts';
import {
  inOrder,
  sourceIn,
  withMoved,
  withPerson,
  withPin,
  withSource,
} from '../../../client/studio/room/scene/edits.ts';
import { CHOICES, choicesFor, isGhost, preview } from '../../../client/studio/room/scene/previews.ts';
import { SceneEditor } from '../../../client/studio/session/SceneEditor.ts';
import { Layout, Scene, type VersionedScene } from '../../../src/contracts/scene.ts';
import type { PeerInfo } from '../../../src/contracts/signaling.ts';
import { arrange } from '../../../src/layout/tiles.ts';

const plain = Scene.parse({});
const [ANN, BOB, EVE] = ['pann00000', 'pbob00000', 'peve00000'];
const peer = (id: string, kinds: PeerInfo['sources'][number]['kind'][] = ['camera', 'microphone']): PeerInfo => ({
  id,
  name: id.slice(1, 4),
  role: 'host',
  seated: true,
  asking: false,
  presence: 'here',
  sources: kinds.map((kind) => ({ kind, producerId: kind, paused: false })),
});
const peers = [peer(ANN), peer(BOB), peer(EVE)];

describe('edits', () => {
  test('move one place up or down, among those who are there; the ends stay', () => {
    const down = withMoved(plain, peers, ANN, 1);
    expect(down.order).toEqual([BOB, ANN, EVE]);
    expect(inOrder(down, peers).map((p) => p.id)).toEqual([BOB, ANN, EVE]);
    expect(withMoved(down, peers, BOB, -1)).toBe(down);
    expect(withMoved({ ...plain, order: ['pgone0000', EVE] }, peers, EVE, 1).order).toEqual([ANN, EVE, BOB]);
  });

  test('an entry that says nothing any more is left out, others stay', () => {
    const id = `${ANN}.microphone`;
    const muted = withSource({ ...plain, sources: { other: sourceIn(plain, '') } }, id, { muted: true });
    expect(sourceIn(muted, id)).toEqual({ volumeDb: 0, muted: true, solo: false, hidden: false });
    expect(Object.keys(withSource(muted, id, { muted: false }).sources)).toEqual(['other']);
    const named = withPerson(Scene.parse({ people: { [ANN]: { name: 'Anna' } } }), ANN, { hidden: true });
    expect(named.people[ANN]).toMatchObject({ name: 'Anna', hidden: true });
    expect(withPerson(named, ANN, { hidden: false }).people[ANN]?.name).toBe('Anna');
    expect(withPin(plain, ANN).pin).toBe(ANN);
  });

  test('every result is a scene of the contract', () => {
    const scene = withPerson(withSource(withMoved(plain, peers, ANN, 1), `${BOB}.microphone`, { volumeDb: -60 }), EVE, {
      hidden: true,
    });
    expect(Scene.parse(scene)).toEqual(scene);
  });

  test.each([
    [-60, '−60 dB'],
    [0, '0 dB'],
    [12, '+12 dB'],
  ])('%i dB is read as %s', (db, text) => {
    expect(formatDecibels(db)).toBe(text);
  });
});

describe('previews', () => {
  test('every layout but custom is there, and custom where it is the present one', () => {
    expect(CHOICES.map((c) => c.type)).toEqual(
      Layout.options.map((o) => o.shape.type.value).filter((type) => type !== 'custom'),
    );
    const custom = Layout.parse({ type: 'custom', tiles: [{ show: 0, x: 0, y: 0, width: 1, height: 1 }] });
    expect(choicesFor(custom).at(-1)).toBe(custom);
    const left = Layout.parse({ type: 'sidebar', side: 'left' });
    expect(choicesFor(left)).toHaveLength(CHOICES.length);
    expect(choicesFor(left)).toContain(left);
  });

  test('one person alone: the layouts look different, with people who might come', () => {
    const looks = CHOICES.map((layout) =>
      JSON.stringify(arrange(preview(plain, layout, [peer(ANN)]), 1280, 720).map(({ cell }) => cell)),
    );
    expect(new Set(looks).size).toBe(looks.length);
    const three = arrange(preview(plain, { type: 'grid' }, peers), 1280, 720);
    expect(three.some((tile) => isGhost(tile.peer))).toBe(false);
  });

  test('somebody who shares a screen does not make all choices the screen layout', () => {
    const sharing = [peer(ANN, ['camera', 'screen']), peer(BOB), peer(EVE)];
    const cells = (type: 'grid' | 'screen') => arrange(preview(plain, { type }, sharing), 1280, 720).map((t) => t.cell);
    expect(cells('grid')).not.toEqual(cells('screen'));
    expect(arrange(preview(plain, { type: 'screen' }, sharing), 1280, 720).some((t) => isGhost(t.peer))).toBe(false);
  });
});

/** A room's scene on a server, with somebody else who may be first. */
class Server {
  now: VersionedScene = { version: 1, scene: plain };
  readonly sets: number[] = [];
  readonly refusals: Problem[] = [];
  /** Each is done before the next `set` is looked at. */
  readonly others: (() => void)[] = [];
  readonly editor = new SceneEditor({
    set: async (scene, ifMatch) => {
      this.sets.push(ifMatch);
      this.others.shift()?.();
      if (ifMatch !== this.now.version) throw new ProblemError('stale-version');
      this.put(scene);
      return this.now;
    },
    onRefused: (problem) => this.refusals.push(problem),
  });

  put(scene: Scene): void {
    this.now = { version: this.now.version + 1, scene };
    this.editor.changed(this.now);
  }
}

describe('SceneEditor', () => {
  let server: Server;
  const captions = (text: string) => (scene: Scene) => ({ ...scene, captions: text });

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    server.editor.joined(server.now);
    return () => vi.useRealTimers();
  });

  test('shows an edit at once and sends it; another host’s change is taken over', async () => {
    server.editor.edit(captions('mine'));
    expect(server.editor.scene.value?.captions).toBe('mine');
    await vi.runAllTimersAsync();
    expect(server.now).toMatchObject({ version: 2, scene: { captions: 'mine' } });
    server.put({ ...server.now.scene, names: false });
    expect(server.editor.scene.value).toMatchObject({ captions: 'mine', names: false });
  });

  test('when another was first, only the own edit is done again, on the newest', async () => {
    server.others.push(() => server.put({ ...plain, background: '#ff0000', captions: 'theirs' }));
    server.editor.edit(captions('mine'));
    await vi.runAllTimersAsync();
    expect(server.sets).toEqual([1, 2]);
    expect(server.now.scene).toMatchObject({ background: '#ff0000', captions: 'mine' });
    expect(server.refusals).toEqual([]);
  });

  test('once: whoever is late twice is told so, and sees what the room has', async () => {
    const other = () => server.put({ ...server.now.scene, captions: `theirs ${server.now.version}` });
    server.others.push(other, other);
    server.editor.edit(captions('mine'));
    await vi.runAllTimersAsync();
    expect(server.sets).toEqual([1, 2]);
    expect(server.refusals.map((p) => p.code)).toEqual(['stale-version']);
    expect(server.editor.scene.value?.captions).toBe('theirs 2');
  });

  test('a slider that is dragged: some sets a second, the last value wins', async () => {
    for (let i = 0; i < 100; i++) {
      server.editor.edit(captions(`value ${i}`));
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.runAllTimersAsync();
    expect(server.now.scene.captions).toBe('value 99');
    expect(server.sets.length).toBeLessThanOrEqual(12);
    expect(server.refusals).toEqual([]);
  });

  test('an older scene that comes late is not shown; a server with a new life is', () => {
    server.editor.changed({ version: 9, scene: captions('new')(plain) });
    server.editor.changed({ version: 8, scene: captions('old')(plain) });
    expect(server.editor.scene.value?.captions).toBe('new');
    server.editor.joined({ version: 1, scene: plain });
    expect(server.editor.scene.value?.captions).toBe('');
    server.editor.joined(null);
    expect(server.editor.scene.value).toBeNull();
    server.editor.edit(captions('nobody asked'));
    expect(server.sets).toEqual([]);
  });
});
