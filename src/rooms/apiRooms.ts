import { AppError } from '../contracts/errors.ts';
import type { ApiRooms } from '../http/ApiRooms.ts';
import { Room } from './Room.ts';
import type { RoomRegistry } from './RoomRegistry.ts';

/** The rooms as the HTTP API asks for them. */
export function apiRooms(registry: RoomRegistry): ApiRooms {
  return {
    list: () => registry.list(),
    get: (id) => registry.get(id),
    getOrCreate: (id) => registry.getOrCreate(id),
    close: (id) => registry.close(id),
    scene: (id) => registry.scenes.get(id),
    setScene: (id, scene, ifMatch) => registry.setScene(id, scene, ifMatch),
    scenes: () => registry.scenes.entries(),
    summary: (room, broadcast) => {
      if (!(room instanceof Room)) throw new AppError('internal', undefined, { cause: new Error('a foreign room') });
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
