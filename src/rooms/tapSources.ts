import type { TapSource } from '../broadcast/RoomTap.ts';
import type { Peer } from './Peer.ts';

/** What people with a seat publish, as a broadcast knows it. */
export function tapSources(seated: readonly Peer[]): TapSource[] {
  return seated.flatMap((peer) =>
    peer.media.producers.map((producer) => ({
      id: `${peer.id}.${producer.appData.source}`,
      peer: peer.id,
      kind: producer.appData.source,
      since: producer.appData.since,
      producer,
      paused: producer.paused,
    })),
  );
}
