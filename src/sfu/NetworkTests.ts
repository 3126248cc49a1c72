import { AppError } from '../contracts/errors.ts';
import type { MediaRouter } from './MediaRouter.ts';
import { NetworkTest } from './NetworkTest.ts';

/** Tests at a time on this node: 80 Mbit/s at most while all of them send, of which each page sends for 3 s. */
export const MAX_NETWORK_TESTS = 8;

/** The network tests of this node (next: NetworkTest.ts). They end by themselves, and with their worker. */
export class NetworkTests {
  readonly #routers: { createRouter(): Promise<MediaRouter> };
  /** With those that are being made. */
  #running = 0;

  constructor(routers: { createRouter(): Promise<MediaRouter> }) {
    this.#routers = routers;
  }

  get running(): number {
    return this.#running;
  }

  /** Throws AppError `too-many` when others test. */
  async open(): Promise<NetworkTest> {
    if (this.#running >= MAX_NETWORK_TESTS)
      throw new AppError('too-many', 'Others are testing their connection just now; try again in a few seconds.');
    this.#running++;
    const ended = (): void => {
      this.#running--;
    };
    try {
      return new NetworkTest(await this.#routers.createRouter(), ended);
    } catch (error) {
      ended();
      throw error;
    }
  }
}
