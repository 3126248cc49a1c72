import type { RoomTap } from '../broadcast/RoomTap.ts';
import { AppError } from '../contracts/errors.ts';
import type { RoomHomes } from '../directory/RoomHomes.ts';
import type { ApiRooms } from '../http/ApiRooms.ts';
import { Room } from './Room.ts';
import type { RoomRegistry } from './RoomRegistry.ts';

/** The rooms as the HTTP API asks for them. */
export function apiRooms(registry: RoomRegistry, homes: Pick<RoomHomes, 'isOwn' | 'known'>): ApiRooms {
  return {
    list: () => registry.list(),
    get: (id) => registry.get(id),
    getOrCreate: (id) => registry.getOrCreate(id),
    close: (id) => registry.close(id),
    scene: (id) => registry.scenes.get(id),
    setScene: (id, scene, ifMatch) => registry.setScene(id, scene, ifMatch),
    invitations: registry.invitations,
    captions: registry.captions,
    // What is kept here of a room that is at home elsewhere is not how it is now.
    scenes: () => registry.scenes.entries().filter(([room]) => homes.isOwn(room) || homes.known(room) === null),
    health: (room) => ours(room).health.view,
    summary: (tap, broadcast) => {
      const room = ours(tap);
      return {
        id: room.id,
        createdAt: room.createdAt,
        peers: room.summaryPeers(),
        scene: room.scene,
        broadcast,
      };
    },
  };
}

function ours(room: RoomTap): Room {
  if (!(room instanceof Room)) throw new AppError('internal', undefined, { cause: new Error('a foreign room') });
  return room;
}
