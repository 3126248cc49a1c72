import type { PeerId } from '../contracts/ids.ts';
import type { RoomTap } from './RoomTap.ts';

/** Pure: who may be shown as speaking: seen in the program, with a microphone that is on, and heard by the scene's will. */
export function audible(room: Pick<RoomTap, 'scene' | 'people' | 'sources'>): Set<PeerId> {
  const { scene } = room.scene;
  // Of those who are here: a wish about somebody who has left silences nobody.
  const solo = room.sources().some(({ id }) => scene.sources[id]?.solo);
  const heard = (id: string): boolean => {
    const settings = scene.sources[id];
    return !settings?.muted && (!solo || settings?.solo === true);
  };
  const speakers = room
    .sources()
    .flatMap(({ id, peer, kind, paused }) => (kind === 'microphone' && !paused && heard(id) ? [peer] : []));
  const people = new Set(room.people().map(({ id }) => id));
  return new Set(speakers.filter((peer) => people.has(peer) && !scene.people[peer]?.hidden));
}
