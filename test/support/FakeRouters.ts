import { TypedEmitter } from '../../src/common/TypedEmitter.ts';
import type { RouterSource } from '../../src/rooms/RoomRouter.ts';
import type { MediaRouter, MediaRouterEvents } from '../../src/sfu/MediaRouter.ts';

/** A MediaRouter without a worker, for tests of rooms in which no media flows. */
export class FakeMediaRouter extends TypedEmitter<MediaRouterEvents> {
  readonly router = { rtpCapabilities: { codecs: [], headerExtensions: [] } };
  closed = false;

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.emit('closed');
  }

  /** As if its worker had died. */
  die(): void {
    this.emit('died');
    this.close();
  }
}

export class FakeRouters implements RouterSource {
  readonly made: FakeMediaRouter[] = [];
  /** The next calls fail with these. */
  readonly failures: Error[] = [];

  async createRouter(): Promise<MediaRouter> {
    const failure = this.failures.shift();
    if (failure) throw failure;
    const router = new FakeMediaRouter();
    this.made.push(router);
    return router as unknown as MediaRouter;
  }
}
