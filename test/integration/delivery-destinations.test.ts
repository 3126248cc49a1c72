/** Destinations of a delivery node: each test has a node and servers of its own, and mostly waits for segments; so they run side by side. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { newId } from '../../src/common/ids.ts';
import { childrenOf, isAlive, type ProcessInfo } from '../support/childProcesses.ts';
import { DestinationShow, type Wanted } from '../support/DestinationShow.ts';
import { type DeliveryStack, TestCompositor } from '../support/deliveryStack.ts';
import { packetsOf, uneven } from '../support/flvPackets.ts';
import { GRID, TestClip } from '../support/programParts.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { freeUdpPort } from '../support/SrtListener.ts';
import { TlsFront } from '../support/TlsFront.ts';

const FRAME = 1 / GRID.fps;
const [ONE, TWO, THREE] = ['destination1', 'destination2', 'destination3'] as const;
let clip: TestClip;
beforeAll(async () => {
  clip = await TestClip.make();
});
afterAll(() => clip.close());

/** Closed at the test's end. */
async function show(
  { onTestFinished }: TestContext,
  ...[urls, options]: [Wanted, Parameters<typeof DestinationShow.start>[2]?]
): Promise<DestinationShow> {
  const started = await DestinationShow.start(clip, urls, options);
  onTestFinished(() => started.close());
  return started;
}

async function rtmpServer({ onTestFinished }: TestContext): Promise<RtmpServer> {
  const server = await RtmpServer.start();
  onTestFinished(() => server.close());
  return server;
}

/** The ffmpegs of one node: its data folder, where their secrets are, is in their argument lists. */
async function relaysOf({ dataDir }: DeliveryStack): Promise<ProcessInfo[]> {
  const children = await childrenOf(process.pid);
  return children.filter(({ command }) => command.includes('pipe:0') && command.includes(dataDir));
}

describe.concurrent('rtmp', () => {
  test('the program arrives whole, under the right name, and no secret is to be seen anywhere', async (context) => {
    const server = await rtmpServer(context);
    const { stack, controller, until } = await show(context, {
      [ONE]: `${server.url}/inst/KEY-s3cret?token=t0p5ecret&x=1`,
    });
    expect(await until(ONE, (s) => s.state === 'live')).toMatchObject({
      target: `${server.url}/inst`,
      connects: 1,
      reason: '',
      droppedGops: 0,
    });
    const [child] = await relaysOf(stack);
    expect(child?.command).toContain('-c copy');
    const files = await readdir(stack.dataDir, { recursive: true });
    await controller.until(() => controller.of('part').length > 20);
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    const call = await server.waitFor((c) => c.call === 'publish_done');
    expect(call).toMatchObject({ app: 'live/inst', name: 'KEY-s3cret', tcUrl: `${server.url}/inst` });
    expect(call.fields).toMatchObject({ token: 't0p5ecret', x: '1' });
    const seen = [child?.command, files.join(), JSON.stringify(controller.reports), stack.log.join('')].join('\n');
    expect(seen).not.toMatch(/s3cret|t0p5ecret/);
    expect(files.filter((f) => f.endsWith('.ffpreset'))).toEqual([]);
    expect(await relaysOf(stack)).toEqual([]);
  });

  test('times are those of the grid, without a hole, from the first key frame to the end', async (context) => {
    const server = await rtmpServer(context);
    const { controller, from, until } = await show(context, { [ONE]: `${server.url}/key` });
    await until(ONE, (s) => s.state === 'live');
    await controller.until(() => controller.of('part').length > 14);
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    const done = await server.waitFor((c) => c.call === 'record_done');
    const { video, audio, startsWithKey } = await packetsOf(done.fields.path ?? '');
    expect(startsWithKey).toBe(true);
    expect(video[0]).toBeCloseTo(from * 2, 2);
    expect(video.length).toBeGreaterThanOrEqual(13 * GRID.framesPerPart);
    expect(uneven(video, FRAME)).toEqual([]);
    expect(uneven(audio, 1024 / 48_000)).toEqual([]);
  });

  test('a child that is killed is back with a key frame; neither HLS nor the other destination notice', async (context) => {
    const server = await rtmpServer(context);
    const { stack, controller, status, until } = await show(context, {
      [ONE]: `${server.url}/one`,
      [TWO]: `${server.url}/two`,
    });
    await Promise.all([until(ONE, (s) => s.state === 'live'), until(TWO, (s) => s.state === 'live')]);
    const relays = await relaysOf(stack);
    expect(relays).toHaveLength(2);
    // Which of the two is whose is not in the argument list: the first that was started is the first in the order.
    const victim = relays.sort((a, b) => a.pid - b.pid)[0];
    process.kill(victim?.pid ?? 0, 'SIGKILL');
    await controller.until(() => status(ONE)?.connects === 2 || status(TWO)?.connects === 2);
    const [killed, other] = status(ONE)?.connects === 2 ? ['one', TWO] : ['two', ONE];
    expect(status(other)).toMatchObject({ state: 'live', connects: 1 });
    expect(controller.of('gap')).toEqual([]);
    await controller.until(() => controller.of('part').length > 20);
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    await server.waitFor((c) => c.call === 'record_done' && c.name === killed);
    const recordings = (await server.recordings()).filter((f) => f.includes(`/${killed}-`));
    for (const file of recordings) {
      const { video, startsWithKey } = await packetsOf(file);
      expect(startsWithKey).toBe(true);
      expect(uneven(video, FRAME)).toEqual([]);
    }
    expect(server.publishes(killed)).toBe(2);
  });

  test('a server that dies and comes back', async (context) => {
    const server = await rtmpServer(context);
    const { until } = await show(context, { [ONE]: `${server.url}/key` });
    await until(ONE, (s) => s.state === 'live');
    await server.kill();
    const gone = await until(ONE, (s) => s.state === 'reconnecting' && s.reason.includes('refused the connection'));
    expect(gone.connects).toBe(1);
    await server.run();
    expect(await until(ONE, (s) => s.state === 'live')).toMatchObject({ connects: 2 });
  });

  test('a server that hangs is noticed, and the connection made anew when it is back', async (context) => {
    const server = await rtmpServer(context);
    const { controller, until } = await show(context, { [ONE]: `${server.url}/key` });
    await until(ONE, (s) => s.state === 'live');
    server.hang();
    await until(ONE, (s) => s.state === 'reconnecting');
    server.resume();
    expect(await until(ONE, (s) => s.state === 'live')).toMatchObject({ connects: 2 });
    expect(controller.of('gap')).toEqual([]);
  });

  test('a key that is turned away is said so, and tried again', async (context) => {
    const server = await rtmpServer(context);
    server.denied.add('wrongkey');
    const { status, until } = await show(context, { [ONE]: `${server.url}/wrongkey` });
    const refused = await until(ONE, (s) => s.state === 'reconnecting');
    expect(refused.reason).not.toBe('');
    expect(refused.reason).not.toContain('wrongkey');
    expect(refused.connects).toBe(0);
    server.denied.clear();
    await until(ONE, (s) => s.state === 'live');
    expect(status(ONE)?.connects).toBe(1);
  });

  test('a hole of the program is held with slate and silence on the same connection', async (context) => {
    const server = await rtmpServer(context);
    const { stack, controller, compositor, until } = await show(context, { [ONE]: `${server.url}/key` });
    await until(ONE, (s) => s.state === 'live');
    await compositor.stop();
    await controller.waitFor('late', (l) => l.count >= 3);
    const second = new TestCompositor(stack, controller, clip, 2);
    context.onTestFinished(() => second.stop());
    const resumed = controller.nextSegment + 1;
    await second.start(resumed);
    await controller.waitFor('part', (p) => p.segment === resumed + 1);
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    const done = await server.waitFor((c) => c.call === 'record_done');
    expect(server.publishes('key')).toBe(1);
    const { video, audio } = await packetsOf(done.fields.path ?? '');
    expect(video.at(-1)).toBeGreaterThan((resumed + 1) * 2);
    expect(uneven(video, FRAME)).toEqual([]);
    expect(uneven(audio, 1024 / 48_000)).toEqual([]);
  });

  test('a destination is added to the running program and taken away again', async (context) => {
    const server = await rtmpServer(context);
    const started = await show(context, {});
    const { controller, until } = started;
    await controller.waitFor('part');
    const id = newId('d');
    started.add(id, `${server.url}/late`);
    await until(id, (s) => s.state === 'live');
    controller.send({ type: 'remove-destination', id });
    await server.waitFor((c) => c.call === 'publish_done');
    await until(id, (s) => s.state === 'stopped');
  });
});

describe.concurrent('rtmps', () => {
  test('certificates are checked; with a good one the program arrives', async (context) => {
    const server = await rtmpServer(context);
    const tls = await TlsFront.start(server.port);
    context.onTestFinished(() => tls.close());
    const { until } = await show(context, { [ONE]: `rtmps://localhost:${tls.port}/live/key` });
    expect((await until(ONE, (s) => s.state === 'reconnecting')).reason).toContain('certificate');
    tls.trust();
    await until(ONE, (s) => s.state === 'live');
    expect(tls.names.at(-1)).toBe('localhost');
    expect((await server.waitFor((c) => c.call === 'publish')).tcUrl).toMatch(/^rtmps:\/\/localhost:\d+\/live$/);
  });
});

describe.concurrent('srt', () => {
  test('an encrypted push with a stream id', async (context) => {
    const port = await freeUdpPort();
    const url = `srt://127.0.0.1:${port}`;
    const listener = spawn('ffprobe', [
      ...['-v', 'error', '-show_entries', 'packet=codec_type,dts_time', '-of', 'csv=p=0'],
      ...['-read_intervals', '%+6', `${url}?mode=listener&passphrase=0123456789&pbkeylen=16`],
    ]);
    context.onTestFinished(() => void listener.kill('SIGKILL'));
    let out = '';
    listener.stdout.on('data', (chunk) => {
      out += chunk;
    });
    const { stack, controller, until } = await show(context, {
      [ONE]: `${url}?streamid=publish:s3cretid&passphrase=0123456789&pbkeylen=16&latency=120`,
    });
    expect(await until(ONE, (s) => s.state === 'live')).toMatchObject({ target: url });
    const [child] = await relaysOf(stack);
    expect([child?.command, stack.log.join(), JSON.stringify(controller.reports)].join()).not.toMatch(
      /s3cretid|0123456789/,
    );
    await once(listener, 'close');
    expect(out).toContain('video');
    expect(out).toContain('audio');
  });
});

describe.concurrent('what can not be', () => {
  test('a destination that the policy refuses fails alone, without a child', async (context) => {
    const server = await rtmpServer(context);
    const { destinationPolicy } = await import('../../src/delivery/destinationPolicy.ts');
    const strict = destinationPolicy({ allowPrivate: false });
    const lenient = destinationPolicy({ allowPrivate: true });
    const policy = (url: string) => (url.includes('/refused') ? strict(url) : lenient(url));
    const urls = { [ONE]: `${server.url}/good`, [TWO]: `${server.url}/refused`, [THREE]: 'file:///etc/passwd' };
    const { until } = await show(context, urls, { destinationPolicy: policy });
    expect((await until(TWO, (s) => s.state === 'failed')).reason).toContain('not at a public address');
    expect(await until(THREE, (s) => s.state === 'failed')).toMatchObject({ target: '(refused)', connects: 0 });
    await until(ONE, (s) => s.state === 'live');
  });

  test('a server that takes the connection and says nothing', async (context) => {
    const sockets = new Set<Socket>();
    const mute = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    context.onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    const { until } = await show(context, {
      [ONE]: `rtmp://127.0.0.1:${(mute.address() as AddressInfo).port}/live/key`,
    });
    expect(await until(ONE, (s) => s.state === 'reconnecting')).toMatchObject({
      connects: 0,
      reason: 'the server did not accept the stream in time',
    });
  });

  test('an ffmpeg that is not there', async (context) => {
    const server = await rtmpServer(context);
    const { controller, until } = await show(
      context,
      { [ONE]: `${server.url}/key` },
      { ffmpegPath: '/nonexistent/ffmpeg' },
    );
    expect((await until(ONE, (s) => s.state === 'reconnecting')).reason).toMatch(/ffmpeg/i);
    await controller.waitFor('part', (p) => p.part === 5);
    expect(controller.of('gap')).toEqual([]);
  });
});

test.concurrent('a process that is killed leaves no ffmpeg behind', async (context) => {
  const server = await rtmpServer(context);
  const script = fileURLToPath(new URL('../support/deliveryWithDestination.ts', import.meta.url));
  const owner = spawn(process.execPath, [script, `${server.url}/key`], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.onTestFinished(() => void owner.kill('SIGKILL'));
  await once(createInterface({ input: owner.stdout }), 'line');
  const children = (await childrenOf(owner.pid ?? 0)).filter((p) => p.command.includes('pipe:0'));
  expect(children).toHaveLength(1);
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  await expect.poll(() => children.some((p) => isAlive(p.pid)), { timeout: 20_000 }).toBe(false);
});
