import { EventEmitter } from 'node:events';
import type { types as mediasoup } from 'mediasoup';
import type { ProgramMonitors, ProgramWish, RoomTap, TapSource } from '../../../src/broadcast/RoomTap.ts';
import type { SourceKind } from '../../../src/contracts/ids.ts';
import { Scene } from '../../../src/contracts/scene.ts';

/** Who looks at the program is what a test says. */
export class TestMonitors extends EventEmitter implements ProgramMonitors {
  wish: ProgramWish = { video: false, listeners: [] };
  /** What there is of the program now, in the order in which it came. */
  readonly streams: { producer: mediasoup.Producer; listener: string | null }[] = [];

  add(producer: mediasoup.Producer, listener: string | null): void {
    const stream = { producer, listener };
    this.streams.push(stream);
    producer.observer.once('close', () => this.streams.splice(this.streams.indexOf(stream), 1));
    this.emit('added');
  }

  want(video: boolean, ...listeners: string[]): void {
    this.wish = { video, listeners };
    this.emit('changed');
  }
}

/** A room that is what a test says, on a real router. */
export class TestRoom extends EventEmitter implements RoomTap {
  readonly id: string;
  router: mediasoup.Router;
  scene = { version: 1, scene: Scene.parse({}) };
  readonly monitors = new TestMonitors();
  readonly #people: { id: string; name: string }[] = [];
  readonly #sources = new Map<string, TapSource>();

  constructor(router: mediasoup.Router, id = 'demo') {
    super();
    this.router = router;
    this.id = id;
  }

  people(): { id: string; name: string }[] {
    return [...this.#people];
  }

  sources(): TapSource[] {
    return [...this.#sources.values()];
  }

  join(peer: string): void {
    this.#people.push({ id: peer, name: peer });
    this.emit('changed');
  }

  leave(peer: string): void {
    this.#people.splice(
      this.#people.findIndex((p) => p.id === peer),
      1,
    );
    for (const source of this.sources()) if (source.peer === peer) this.#sources.delete(source.id);
    this.emit('changed');
  }

  publish(peer: string, kind: SourceKind, producer: mediasoup.Producer): string {
    const id = `${peer}.${kind}`;
    this.#sources.set(id, { id, peer, kind, producer, paused: false });
    this.emit('changed');
    return id;
  }

  unpublish(id: string): void {
    this.#sources.get(id)?.producer.close();
    this.#sources.delete(id);
    this.emit('changed');
  }

  setPaused(id: string, paused: boolean): void {
    const source = this.#sources.get(id);
    if (source) source.paused = paused;
    this.emit('changed');
  }

  setScene(scene: Partial<Scene>): void {
    this.scene = { version: this.scene.version + 1, scene: { ...this.scene.scene, ...scene } };
    this.emit('changed');
  }

  /** The worker died: the people are still there, what they publish is not. */
  replaceRouter(router: mediasoup.Router): void {
    this.router = router;
    this.#sources.clear();
    this.emit('router-replaced');
    this.emit('changed');
  }

  close(): void {
    this.emit('closed');
  }
}
