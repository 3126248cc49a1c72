import { monotonicClock } from '../../src/common/clock.ts';
import type { DestinationOrder, DestinationStatus } from '../../src/contracts/deliveryControl.ts';
import { DeliveryStack, TestCompositor, TestController } from './deliveryStack.ts';
import type { TestClip } from './programParts.ts';

/** A destination by its id: its URL, or what else is to be said of it. */
export type Wanted = Record<string, string | (Partial<DestinationOrder> & { url: string })>;

/** A program on the clock that is pushed to destinations; ended in order by `close`. */
export class DestinationShow {
  readonly stack: DeliveryStack;
  readonly controller: TestController;
  readonly compositor: TestCompositor;
  /** The program's first segment. */
  readonly from: number;

  private constructor(stack: DeliveryStack, controller: TestController, compositor: TestCompositor) {
    this.stack = stack;
    this.controller = controller;
    this.compositor = compositor;
    this.from = controller.nextSegment;
  }

  /** Of a delivery node of its own, unless one is given. */
  static async start(
    clip: TestClip,
    wanted: Wanted,
    options: Parameters<typeof DeliveryStack.start>[0] & { stack?: DeliveryStack; room?: string } = {},
  ): Promise<DestinationShow> {
    const { stack: given, room = 'demo', ...rest } = options;
    const stack = given ?? (await DeliveryStack.start(rest));
    const destinations = Object.entries(wanted).map(([id, one]) => orderOf(id, one));
    const controller = await TestController.open(stack, { room, order: { destinations } });
    const compositor = new TestCompositor(stack, controller, clip);
    await controller.waitFor('opened');
    const show = new DestinationShow(stack, controller, compositor);
    await compositor.start(show.from);
    return show;
  }

  /** The newest status of a destination. */
  readonly status = (id: string): DestinationStatus | undefined => this.history(id).at(-1);

  /** Every status of it that was told. */
  history(id: string): DestinationStatus[] {
    return this.controller.of('destination').flatMap(({ status }) => (status.id === id ? [status] : []));
  }

  readonly until = async (id: string, matches: (status: DestinationStatus) => boolean): Promise<DestinationStatus> => {
    await this.controller.until(() => {
      const now = this.status(id);
      return now !== undefined && matches(now);
    });
    return this.status(id) as DestinationStatus;
  };

  /** How long it takes until then, ms. */
  readonly msUntil = async (id: string, matches: (status: DestinationStatus) => boolean): Promise<number> => {
    const from = monotonicClock.now();
    await this.until(id, matches);
    return monotonicClock.now() - from;
  };

  add(id: string, one: Wanted[string]): void {
    this.controller.send({ type: 'add-destination', destination: orderOf(id, one) });
  }

  /** Ends the broadcast, as its controller does. */
  async end(): Promise<void> {
    this.controller.send({ type: 'end' });
    await this.controller.waitFor('ended');
  }

  async close(): Promise<void> {
    await this.compositor.stop();
    await this.stack.close();
  }
}

function orderOf(id: string, one: Wanted[string]): DestinationOrder {
  return { id, name: id, reconnectSeconds: null, ...(typeof one === 'string' ? { url: one } : one) };
}
