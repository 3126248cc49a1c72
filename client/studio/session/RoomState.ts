import { computed, signal } from '@preact/signals';
import type { BroadcastStatus } from '../../../src/contracts/broadcast.ts';
import type { Schedule } from '../../../src/contracts/schedule.ts';
import type { JoinAnswer, PeerInfo, ServerToClient } from '../../../src/contracts/signaling.ts';
import type { RemoteTrack } from './MediaLink.ts';

/** What is known of the room, as signals. Only StudioSession writes here. */
export class RoomState {
  readonly selfId = signal('');
  readonly peers = signal<ReadonlyMap<string, PeerInfo>>(new Map());
  readonly broadcast = signal<BroadcastStatus | null>(null);
  /** The next broadcast, when it starts by itself. */
  readonly schedule = signal<Schedule | null>(null);
  readonly speakers = signal<readonly string[]>([]);
  readonly remote = signal<readonly RemoteTrack[]>([]);
  /** Server's wall clock minus ours, ms. */
  readonly clockOffset = signal(0);

  readonly self = computed(() => this.peers.value.get(this.selfId.value));
  readonly seated = computed(() => [...this.peers.value.values()].filter((peer) => peer.seated));
  /** Who asked first is first. */
  readonly asking = computed(() =>
    [...this.peers.value.values()]
      .filter((peer) => peer.asking && !peer.seated)
      .sort((a, b) => (a.askedAt ?? 0) - (b.askedAt ?? 0)),
  );
  readonly onAir = computed(() => isOnAir(this.broadcast.value));

  joined(answer: JoinAnswer): void {
    this.peers.value = new Map([answer.self, ...answer.peers].map((peer) => [peer.id, peer]));
    this.selfId.value = answer.self.id;
    this.broadcast.value = answer.broadcast;
    this.schedule.value = answer.schedule ?? null;
    this.clockOffset.value = answer.serverTime - Date.now();
  }

  readonly events: Pick<
    ServerToClient,
    'peer:joined' | 'peer:updated' | 'peer:left' | 'speakers' | 'broadcast:status' | 'schedule:changed'
  > = {
    'peer:joined': (peer) => this.#put(peer),
    'peer:updated': (peer) => this.#put(peer),
    'peer:left': ({ peerId }) => {
      const peers = new Map(this.peers.value);
      if (peers.delete(peerId)) this.peers.value = peers;
    },
    speakers: ({ peerIds }) => {
      this.speakers.value = peerIds;
    },
    'broadcast:status': (status) => {
      this.broadcast.value = status;
    },
    'schedule:changed': ({ schedule }) => {
      this.schedule.value = schedule;
    },
  };

  #put(peer: PeerInfo): void {
    this.peers.value = new Map(this.peers.value).set(peer.id, peer);
  }
}

/** Whether the broadcast runs, in whatever condition. */
export function isOnAir(broadcast: BroadcastStatus | null): boolean {
  if (!broadcast) return false;
  return broadcast.state !== 'ended' && broadcast.state !== 'failed';
}
