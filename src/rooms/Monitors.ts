/**
 * Who of a room's people looks at the program itself or listens to it. In: their wishes (signalling), and the program's producers while there are any
 * (broadcast/ReturnFeed.ts); out: consumers, by each one's Forwarder. A wish is part of a media connection and ends with it.
 */
import type { types as mediasoup } from 'mediasoup';
import type { ProgramMonitors, ProgramWish } from '../broadcast/RoomTap.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { PeerId } from '../contracts/ids.ts';
import type { ProgramSource } from '../contracts/programReturn.ts';
import type { Forwarder } from './Forwarder.ts';
import type { Peer } from './Peer.ts';

interface Stream {
  producer: mediasoup.Producer;
  listener: PeerId | null;
}

export class Monitors extends TypedEmitter<{ changed: [] }> implements ProgramMonitors {
  /** Who may have it: the people with a seat. */
  readonly #seated: () => readonly Peer[];
  readonly #streams = new Set<Stream>();
  #wish: ProgramWish = { video: false, listeners: [] };

  constructor(seated: () => readonly Peer[]) {
    super();
    this.#seated = seated;
  }

  get wish(): ProgramWish {
    return this.#wish;
  }

  add(producer: mediasoup.Producer, listener: PeerId | null): void {
    if (producer.closed) return;
    const stream = { producer, listener };
    this.#streams.add(stream);
    producer.observer.once('close', () => this.#streams.delete(stream));
    this.look();
  }

  /** Wishes, seats or connections may be others. */
  look(): void {
    const wish: ProgramWish = { video: false, listeners: [] };
    for (const { id, media } of this.#seated()) {
      const { forwarder } = media;
      if (!forwarder) continue;
      wish.video ||= forwarder.program.video;
      if (forwarder.program.sound) wish.listeners.push(id);
      this.#give(forwarder, id);
    }
    wish.listeners.sort();
    const same = wish.video === this.#wish.video && wish.listeners.join() === this.#wish.listeners.join();
    this.#wish = wish;
    if (!same) this.emit('changed');
  }

  #give(forwarder: Forwarder, peerId: PeerId): void {
    const { video, sound } = forwarder.program;
    const mine = [...this.#streams].filter(({ listener }) =>
      listener === null ? video : sound && listener === peerId,
    );
    forwarder.syncProgram(
      mine.map(({ producer }) => ({ peerId, producer, source: producer.appData.source as ProgramSource })),
    );
  }
}
