/** SRT destinations whose server refuses, is not there, hangs, or whose own process is killed, with ffmpeg (libsrt) as the server. */
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { monotonicClock } from '../../src/common/clock.ts';
import type { DestinationStatus } from '../../src/contracts/deliveryControl.ts';
import { childrenOf } from '../support/childProcesses.ts';
import { DestinationShow, type Wanted } from '../support/DestinationShow.ts';
import { TestClip } from '../support/programParts.ts';
import { freeUdpPort, SrtListener } from '../support/SrtListener.ts';

const [ONE, TWO, THREE] = ['dsrt00001', 'dsrt00002', 'dsrt00003'] as const;
const live = (s: DestinationStatus): boolean => s.state === 'live';
const reconnecting = (s: DestinationStatus): boolean => s.state === 'reconnecting';

let clip: TestClip;
beforeAll(async () => {
  clip = await TestClip.make();
});
afterAll(() => clip.close());

async function listener({ onTestFinished }: TestContext, options = ''): Promise<SrtListener> {
  const started = await SrtListener.start(options);
  onTestFinished(() => started.close());
  return started;
}

async function show({ onTestFinished }: TestContext, wanted: Wanted) {
  const started = await DestinationShow.start(clip, wanted);
  onTestFinished(() => started.close());
  return started;
}

test('a child that is killed: the server hears the end at once, so that it never has two', async (context) => {
  const server = await listener(context);
  const { until } = await show(context, { [ONE]: `${server.url}?streamid=key` });
  await until(ONE, live);
  const [child] = (await childrenOf(process.pid)).filter((p) => p.command.includes('pipe:0'));
  const killedAt = monotonicClock.now();
  process.kill(child?.pid ?? 0, 'SIGKILL');
  await server.ended();
  // By its idle time it would be 5 s.
  expect(monotonicClock.now() - killedAt).toBeLessThan(3000);
  server.run();
  await until(ONE, (s) => live(s) && s.connects === 2);
});

test.concurrent('a wrong passphrase and a server that is not there are told as such; the right one goes on beside them', async (context) => {
  const secret = await listener(context, 'passphrase=0123456789&pbkeylen=16');
  const good = await listener(context);
  const { until, status } = await show(context, {
    [ONE]: `${secret.url}?passphrase=9876543210&pbkeylen=16`,
    [TWO]: `srt://127.0.0.1:${await freeUdpPort()}?streamid=x`,
    [THREE]: `${good.url}?streamid=publish:key`,
  });
  const [refused, absent] = await Promise.all([until(ONE, reconnecting), until(TWO, reconnecting), until(THREE, live)]);
  expect(refused).toMatchObject({ cause: 'refused', reason: 'the passphrase is wrong', connects: 0 });
  expect(absent).toMatchObject({ cause: 'unreachable', reason: 'the server refused the connection', connects: 0 });
  expect(status(THREE)).toMatchObject({ state: 'live', connects: 1 });
});

test.concurrent('servers that die and hang are noticed, and the stream is back when they are; the one that runs on has one caller', async (context) => {
  const [mortal, hanging, good] = await Promise.all([listener(context), listener(context), listener(context)]);
  const started = await show(context, {
    [ONE]: `${mortal.url}?streamid=one`,
    [TWO]: `${hanging.url}?streamid=two`,
    [THREE]: `${good.url}?streamid=three`,
  });
  const { msUntil, until, status } = started;
  await Promise.all([ONE, TWO, THREE].map((id) => until(id, live)));
  const back = async (server: SrtListener, id: string): Promise<void> => {
    await server.close();
    server.run();
    await until(id, (s) => live(s) && s.connects === 2);
  };
  await Promise.all([
    (async () => {
      await mortal.close();
      expect(await msUntil(ONE, reconnecting)).toBeLessThan(5000);
      expect(started.history(ONE).find(reconnecting)).toMatchObject({
        cause: 'closed',
        reason: 'the server is not there any more',
      });
      await back(mortal, ONE);
    })(),
    (async () => {
      hanging.hang();
      expect(await msUntil(TWO, reconnecting)).toBeLessThan(10_000);
      expect(started.history(TWO).find(reconnecting)?.cause).toBe('hung');
      await back(hanging, TWO);
    })(),
  ]);
  expect(status(THREE)).toMatchObject({ state: 'live', connects: 1 });
  expect(good.starts).toBe(1);
  expect(started.controller.of('gap')).toEqual([]);
});
