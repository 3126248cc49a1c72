/** A process of its own with a delivery node that pushes to `argv[2]`: prints its ffmpeg's pid when it is live, and goes on. */
import { DeliveryStack, TestCompositor, TestController } from './deliveryStack.ts';
import { TestClip } from './programParts.ts';

const [, , url = ''] = process.argv;
const clip = await TestClip.make();
const stack = await DeliveryStack.start();
const controller = await TestController.open(stack, {
  order: { destinations: [{ id: 'dorphanprobe', name: 'probe', url, reconnectSeconds: null }] },
});
await controller.waitFor('opened');
await new TestCompositor(stack, controller, clip).start(controller.nextSegment);
await controller.waitFor('destination', ({ status }) => status.state === 'live');
process.stdout.write('live\n');
