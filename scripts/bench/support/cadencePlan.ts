/** What happens in `npm run bench -- cadence`: a change of the scene each 2 s, and in between somebody comes, goes, mutes. Pure. */
import type { SceneInput } from '../../../src/contracts/scene.ts';
import type { Step } from '../../simulator/script.ts';

export const SCENE_EVERY_SECONDS = 2;

export interface PlannedAction {
  /** Seconds after the beginning. */
  at: number;
  peer: number;
  do: Step['do'];
}

/** Each takes turns, a second after a change of the scene; what is begun is also undone. */
const TURNS = ['leave', 'camera-off', 'mute'] as const;
const UNDONE = { leave: 'join', 'camera-off': 'camera-on', mute: 'unmute' } as const;

export function planActions(peers: number, seconds: number): PlannedAction[] {
  const actions: PlannedAction[] = [];
  const lastPair = seconds - 2 * SCENE_EVERY_SECONDS;
  for (let turn = 0; ; turn++) {
    const at = 1 + 2 * SCENE_EVERY_SECONDS * turn;
    if (at > lastPair) return actions;
    // Peer 0 is the host and stays; the others take turns in such a way that each does everything.
    const others = peers - 1;
    const peer = 1 + (turn % others);
    const round = others % TURNS.length === 0 ? Math.floor(turn / others) : 0;
    const action = TURNS[(turn + round) % TURNS.length] ?? 'mute';
    actions.push({ at, peer, do: action }, { at: at + SCENE_EVERY_SECONDS, peer, do: UNDONE[action] });
  }
}

/** Scenes in turn; `ids` are the people who are there, in the order of their seats. */
export function sceneOf(turn: number, ids: readonly string[]): SceneInput {
  const turned = ids.map((_, i) => ids[(i + turn) % ids.length] ?? '');
  const [first = '', second = ''] = turned;
  const scenes: SceneInput[] = [
    { order: turned },
    { layout: { type: 'speaker' } },
    { order: turned.toReversed(), people: { [second]: { hidden: true } } },
    { layout: { type: 'sidebar' }, pin: first },
    { order: turned, tiles: { gap: 0.01, radius: 0.06 }, transition: { type: 'cut' } },
    { layout: { type: 'split' }, order: turned },
    { sources: { [`${first}.camera`]: { hidden: true } }, order: turned },
    { layout: { type: 'pip' }, order: turned },
    { order: turned, names: false, transition: { ms: 600 } },
    {
      layout: {
        type: 'custom',
        tiles: [
          { show: 0, x: 0, y: 0, width: 0.6, height: 0.6 },
          { show: 1, x: 0.62, y: 0.05, width: 0.36, height: 0.36, radius: 0.1 },
          { show: 2, x: 0.62, y: 0.55, width: 0.36, height: 0.36, fit: 'contain' },
          { show: 3, x: 0.1, y: 0.65, width: 0.3, height: 0.3, border: { width: 0.005 } },
        ],
      },
      order: turned,
    },
    { order: turned.toReversed() },
    { layout: { type: 'spotlight' }, pin: first },
  ];
  return scenes[turn % scenes.length] ?? {};
}
