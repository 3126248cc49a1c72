import { EventEmitter } from 'node:events';
import type { types as mediasoup } from 'mediasoup';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Forwarder, type Offer } from '../../../src/rooms/Forwarder.ts';
import type { Endpoint } from '../../../src/sfu/Endpoint.ts';
import { FakeLink } from '../../support/FakeLink.ts';

/** As far as a Forwarder looks at one. */
class Consumer {
  readonly kind = 'video';
  readonly rtpParameters = {};
  closed = false;
  readonly id: string;
  readonly #onClose: (consumer: Consumer) => void;
  constructor(id: string, onClose: (consumer: Consumer) => void) {
    this.id = id;
    this.#onClose = onClose;
  }
  close(): void {
    this.closed = true;
    this.#onClose(this);
  }
}

/** An endpoint whose worker answers when the test says so. */
function setUp() {
  const endpoint = Object.assign(new EventEmitter(), {
    receiver: { rtpCapabilities: {} },
    asked: [] as ((answer: Consumer) => void)[],
    consume: (): Promise<Consumer> => new Promise((resolve) => endpoint.asked.push(resolve)),
  });
  const link = new FakeLink();
  const forwarder = new Forwarder(endpoint as unknown as Endpoint, () => link, pino({ level: 'silent' }));
  const consumers: Consumer[] = [];
  const answer = async (): Promise<Consumer> => {
    const consumer = new Consumer(`c${consumers.length}`, (closed) => endpoint.emit('consumer-closed', closed));
    consumers.push(consumer);
    endpoint.asked.shift()?.(consumer);
    await new Promise(setImmediate);
    return consumer;
  };
  return { endpoint, forwarder, answer };
}

const producer = { id: 'picture', paused: false } as mediasoup.Producer;
const picture: Offer = { peerId: 'paaaaaaaa', source: 'program', producer };

test('the program that is not wanted any more when the worker has answered is not offered', async () => {
  const { endpoint, forwarder, answer } = setUp();
  forwarder.syncProgram([picture]);
  forwarder.syncProgram([]);
  expect((await answer()).closed).toBe(true);
  forwarder.syncProgram([picture]);
  expect(endpoint.asked).toHaveLength(1);
  expect((await answer()).closed).toBe(false);
});

test('who wants it again while the worker is asked gets it once', async () => {
  const { endpoint, forwarder, answer } = setUp();
  forwarder.syncProgram([picture]);
  forwarder.syncProgram([]);
  forwarder.syncProgram([picture]);
  expect(endpoint.asked).toHaveLength(1);
  const consumer = await answer();
  expect(consumer.closed).toBe(false);
  forwarder.syncProgram([picture]);
  expect(endpoint.asked).toHaveLength(0);
  forwarder.syncProgram([]);
  expect(consumer.closed).toBe(true);
});

test('what people send is no matter of wishes for the program', async () => {
  const { forwarder, answer } = setUp();
  forwarder.sync([{ ...picture, source: 'camera' }]);
  const camera = await answer();
  forwarder.syncProgram([]);
  expect(camera.closed).toBe(false);
});
