/** Pure: which of the people with a seat a producer belongs to. */
import type { SpeakerLevel } from '../broadcast/RoomTap.ts';
import type { PeerId } from '../contracts/ids.ts';
import type { ProducerLevel } from '../sfu/MediaRouter.ts';
import type { Peer } from './Peer.ts';

function senderOf(seated: readonly Peer[], producerId: string): PeerId[] {
  const sender = seated.find((peer) => peer.media.producers.some((producer) => producer.id === producerId));
  return sender ? [sender.id] : [];
}

export function speakerLevels(seated: readonly Peer[], levels: readonly ProducerLevel[]): SpeakerLevel[] {
  return levels.flatMap(({ producerId, dbov }) => senderOf(seated, producerId).map((peer) => ({ peer, dbov })));
}

export function speakerIds(seated: readonly Peer[], producerIds: readonly string[]): PeerId[] {
  return [...new Set(producerIds.flatMap((id) => senderOf(seated, id)))];
}
