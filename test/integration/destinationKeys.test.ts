/** A stream key has one connection, whoever asks for it; and a destination may be tried for a settable time only. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DestinationStatus } from '../../src/contracts/deliveryControl.ts';
import { DestinationShow } from '../support/DestinationShow.ts';
import { TestClip } from '../support/programParts.ts';
import { RtmpServer } from '../support/rtmpServer.ts';

const [ONE, TWO, THREE] = ['dkeys0001', 'dkeys0002', 'dkeys0003'] as const;
const live = (s: DestinationStatus): boolean => s.state === 'live';
const failed = (s: DestinationStatus): boolean => s.state === 'failed';

let clip: TestClip;
let server: RtmpServer;
beforeAll(async () => {
  clip = await TestClip.make();
  server = await RtmpServer.start();
});
afterAll(async () => {
  await server.close();
  clip.close();
});

test.concurrent('two broadcasts of a node with one stream key: the second is refused with a sentence, and gets it when the first has ended', async ({
  onTestFinished,
}) => {
  const first = await DestinationShow.start(clip, { [ONE]: `${server.url}/shared?signature=a` });
  onTestFinished(() => first.close());
  await first.until(ONE, live);
  const stack = first.stack;
  const second = await DestinationShow.start(clip, { [TWO]: `${server.url}/shared?signature=b` }, { stack, room: 'b' });
  onTestFinished(() => second.compositor.stop());
  const refused = await second.until(TWO, failed);
  expect(refused).toMatchObject({ cause: 'in-use', connects: 0, retryAt: null });
  expect(refused.reason).toContain('another destination of this server has the stream key');
  expect(first.status(ONE)).toMatchObject({ state: 'live', connects: 1 });
  // Asked for again while the first is being ended: it waits for that, and is not refused.
  first.controller.send({ type: 'end' });
  await first.controller.sync();
  second.add(THREE, `${server.url}/shared`);
  await second.until(THREE, live);
  expect(first.status(ONE)?.state).toBe('stopped');
  expect(server.publishes('shared')).toBe(2);
  expect(server.mostPublishers('shared')).toBe(1);
});

test.concurrent('a settable time: is tried for so long, has then failed for good, and the key is free', async ({
  onTestFinished,
}) => {
  const gone = await RtmpServer.start();
  const url = `${gone.url}/key`;
  await gone.kill();
  onTestFinished(() => gone.close());
  const show = await DestinationShow.start(clip, { [ONE]: { url, reconnectSeconds: 3 } });
  onTestFinished(() => show.close());
  await show.until(ONE, (s) => s.state === 'reconnecting');
  const ms = await show.msUntil(ONE, failed);
  expect(ms).toBeGreaterThan(2000);
  expect(ms).toBeLessThan(4500);
  expect(show.status(ONE)).toMatchObject({ cause: 'unreachable', reason: 'the server refused the connection' });
  await gone.run();
  show.add(TWO, url);
  await show.until(TWO, live);
  expect(show.status(ONE)?.state).toBe('failed');
  // The time counts from when it was lost.
  show.add(THREE, { url: `${gone.url}/other`, reconnectSeconds: 0 });
  await show.until(THREE, live);
  await gone.kill();
  await show.until(THREE, failed);
  await show.until(TWO, (s) => s.state === 'reconnecting');
});
