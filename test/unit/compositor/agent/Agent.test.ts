import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { Agent, type AgentOptions } from '../../../../compositor/agent/Agent.ts';
import { PROTOCOL } from '../../../../src/contracts/ids.ts';
import { ControlClient, emptyJob } from '../../../support/broadcast/ControlClient.ts';
import { InternalServer } from '../../../support/broadcast/InternalServer.ts';
import { agentMetrics } from '../../../support/broadcast/metrics.ts';
import { eventually, gone, isRunning } from '../../../support/broadcast/processes.ts';

const ENTRY = fileURLToPath(new URL('../../../support/broadcast/fakeCompositor.ts', import.meta.url));
const AGENT = fileURLToPath(new URL('../../../support/broadcast/agentProcess.ts', import.meta.url));

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
  delete process.env.FAKE_COMPOSITOR;
});

/** `mode`: how its children misbehave (see fakeCompositor.ts). */
async function setUp(options: Partial<AgentOptions> = {}, mode = '') {
  if (mode) process.env.FAKE_COMPOSITOR = mode;
  const metrics = agentMetrics();
  const agent = await Agent.create({
    mediaIp: '127.0.0.1',
    mediaPorts: [42_000, 42_999],
    maxChildren: 2,
    verifyService: async (token) => token === 'good',
    logger: pino({ level: 'silent' }),
    entry: ENTRY,
    ...options,
    metrics,
  });
  const server = await InternalServer.listen({ '/control': agent });
  cleanup.push(() => server.close());
  cleanup.push(() => agent.close());
  const children = async (state: string) =>
    (await metrics.children.get()).values.find((v) => v.labels.state === state)?.value ?? 0;
  return { agent, metrics, server, children, connect: (token?: string) => ControlClient.connect(server.url, token) };
}

describe('who may have a compositor', () => {
  test('nobody without a service token', async () => {
    const { connect, metrics } = await setUp();
    await expect(connect('bad')).rejects.toThrow('401');
    await expect(connect('')).rejects.toThrow('401');
    expect((await metrics.refused.get()).values).toMatchObject([{ labels: { code: 'unauthorized' }, value: 2 }]);
  });

  test('a controller of another protocol is told so', async () => {
    const { connect } = await setUp();
    const client = await connect();
    client.send({ type: 'open', protocol: 3, broadcast: 'baaaaaaaaaaaa', compositor: 'caaaaaaaaaaaa', fence: 1 });
    expect(await client.message('refused')).toMatchObject({
      ...{ code: 'protocol', message: 'This node speaks protocol 1 to 2, not 3.' },
    });
    await client.closed;
  });

  test.each([
    ['not JSON', 'nonsense'],
    ['another first message', JSON.stringify({ type: 'stop' })],
    ['a malformed open', JSON.stringify({ type: 'open', protocol: 1, broadcast: '../etc' })],
  ])('%s closes the connection and takes no child', async (_, text) => {
    const { agent, connect } = await setUp();
    const client = await connect();
    client.socket.send(text);
    expect(await client.closed).toBe(1008);
    expect(agent.load).toBe(0);
  });

  test('when all compositors are in use, the next one is refused; when one ends, there is room again', async () => {
    const { agent, connect } = await setUp({ maxChildren: 1 });
    const first = await connect();
    await first.ready();
    const second = await connect();
    expect(await second.open().message('refused')).toMatchObject({ code: 'busy' });
    first.send({ type: 'stop' });
    await first.message('ended');
    await eventually(() => agent.load === 0);
    const third = await connect();
    await third.open().message('bound');
  });

  test('slots are counted: who asks for more than are left is refused, and what a broadcast costs later counts, too', async () => {
    let loads = 0;
    const { agent, metrics, connect } = await setUp({ maxChildren: 9, slots: 3, onLoad: () => loads++ });
    const first = await connect();
    expect(await first.open(1.5).message('bound')).toMatchObject({ countsSlots: true });
    expect(await (await connect()).open(1.75).message('refused')).toMatchObject({ code: 'busy' });
    await (await connect()).open(0.5).message('bound');
    expect([agent.slots, agent.used, agent.load]).toEqual([3, 2, 2]);
    const before = loads;
    first.send({ type: 'slots', slots: 2.5 });
    await eventually(() => agent.used === 3);
    expect(loads).toBeGreaterThan(before);
    expect(await (await connect()).open(0.3).message('refused')).toMatchObject({ code: 'busy' });
    first.send({ type: 'slots', slots: 1.2 });
    await eventually(() => agent.used === 1.7);
    await (await connect()).open(1.3).message('bound');
    const slots = (await metrics.slots.get()).values.map(({ labels, value }) => [labels.kind, value]);
    expect(slots).toEqual([
      ['offered', 3],
      ['used', 3],
    ]);
  });

  test('a controller of before says nothing of slots: one each', async () => {
    const { agent, connect } = await setUp({ maxChildren: 9, slots: 1.5 });
    await (await connect()).open().message('bound');
    expect(agent.used).toBe(1);
    expect(await (await connect()).open().message('refused')).toMatchObject({ code: 'busy' });
  });

  test('one that is too large for the whole agent gets it when it is empty', async () => {
    const { agent, connect } = await setUp({ slots: 1 });
    const first = await connect();
    await first.open(2.6).message('bound');
    expect(await (await connect()).open(0.3).message('refused')).toMatchObject({ code: 'busy' });
    first.socket.terminate();
    await eventually(() => agent.used === 0);
    await (await connect()).open(0.3).message('bound');
  });

  test('a draining agent refuses new ones and lets the running go on', async () => {
    const { agent, connect } = await setUp();
    const running = await connect();
    const pid = await running.ready();
    agent.drain();
    expect(agent.draining).toBe(true);
    expect(await (await connect()).open().message('refused')).toMatchObject({ code: 'draining' });
    expect(isRunning(pid)).toBe(true);
  });
});

describe('an agent that hands over', () => {
  test('says so to every controller, and is done when the last broadcast is gone', async () => {
    const { agent, connect, metrics } = await setUp();
    const clients = [await connect(), await connect()];
    for (const client of clients) await client.ready();
    const left = agent.handOver(60_000);
    for (const client of clients) expect(await client.message('draining')).toEqual({ type: 'draining', seconds: 60 });
    expect((await metrics.draining.get()).values[0]?.value).toBe(1);
    expect(await (await connect()).open().message('refused')).toMatchObject({ code: 'draining' });
    for (const client of clients) client.send({ type: 'stop' });
    expect(await left).toBe(0);
  });

  test('waits no longer than it may; what is left goes on until it closes', async () => {
    const { agent, connect } = await setUp();
    const client = await connect();
    const pid = await client.ready();
    expect(await agent.handOver(50)).toBe(1);
    expect(isRunning(pid)).toBe(true);
    await agent.close();
    expect(await client.message('ended')).toMatchObject({ reason: 'stopped' });
    await gone(pid);
  });

  test('one without broadcasts is done at once', async () => {
    const { agent } = await setUp();
    expect(await agent.handOver(60_000)).toBe(0);
  });
});

describe('a child at work', () => {
  test('is warm before it is asked for, and replaced in the pool when it is at work', async () => {
    const { connect, children } = await setUp({ warmChildren: 1 });
    await eventually(async () => (await children('warm')) === 1);
    const client = await connect();
    await client.ready();
    expect(await children('running')).toBe(1);
    await eventually(async () => (await children('warm')) === 1);
  });

  test('two are kept warm, one where there is one slot, and none where all are in use', async () => {
    const { children } = await setUp({ maxChildren: 4 });
    await eventually(async () => (await children('warm')) === 2);
    const small = await setUp({ maxChildren: 4, slots: 1 });
    await eventually(async () => (await small.children('warm')) === 1);
    const client = await small.connect();
    await client.open(0.9).message('bound');
    client.send({ type: 'slots', slots: 1 });
    await eventually(() => small.agent.used === 1);
    client.send({ type: 'job', job: emptyJob() });
    await client.message('ready');
    await eventually(async () => (await small.children('running')) === 1);
    expect([await small.children('spawning'), await small.children('warm')]).toEqual([0, 0]);
  });

  test('is spawned when none is warm', async () => {
    const { connect } = await setUp({ warmChildren: 0 });
    await (await connect()).ready();
  });

  test('gets the media address and no setting of ours', async () => {
    const { childEnvironment } = await import('../../../../compositor/agent/childProtocol.ts');
    const env = childEnvironment(
      { PATH: '/bin', LIANMAI_SECRET: 'x'.repeat(32), LIANMAI_PORT: '1' },
      { mediaIp: '10.0.0.1', mediaPorts: [42_000, 42_010], logLevel: 'debug' },
    );
    expect(env).toEqual({
      PATH: '/bin',
      LIANMAI_MEDIA_HOST: '10.0.0.1',
      LIANMAI_MEDIA_PORTS: '42000-42010',
      LIANMAI_LOG_LEVEL: 'debug',
    });
  });

  test('its messages and the controller’s are relayed', async () => {
    const { connect } = await setUp();
    const client = await connect();
    await client.ready();
    const { t0 } = await client.message('clock-ask');
    client.send({ type: 'clock', t0, t1: 1, t2: 2 });
    await client.message('stats');
    await client.message('carry');
    expect(await client.message('applied')).toMatchObject({ fromFrame: 0 });
    client.send({ type: 'stop', lastSegment: 12 });
    expect(await client.message('ended')).toMatchObject({ reason: 'stopped', lastSegment: 12 });
    await client.closed;
  });

  test('a malformed message of the controller ends the connection and so the child', async () => {
    const { connect } = await setUp();
    const client = await connect();
    const pid = await client.ready();
    client.send({ type: 'job', job: { ...emptyJob(), fence: 'high' } });
    expect(await client.closed).toBe(1008);
    await gone(pid);
  });
});

describe('how a child ends', () => {
  const ends = async (metrics: ReturnType<typeof agentMetrics>) =>
    Object.fromEntries((await metrics.ends.get()).values.map((v) => [v.labels.reason, v.value]));

  test('killed: crashed, with the signal', async () => {
    const { connect, metrics } = await setUp();
    const client = await connect();
    process.kill(await client.ready(), 'SIGKILL');
    expect(await client.message('ended')).toMatchObject({ reason: 'crashed', message: 'signal SIGKILL' });
    expect(await ends(metrics)).toEqual({ crashed: 1 });
  });

  test('by itself with an exit code: crashed', async () => {
    const { connect } = await setUp({}, 'crash-at-open');
    expect(await (await connect()).open().message('ended')).toMatchObject({
      reason: 'crashed',
      message: 'exit code 7',
    });
  });

  test('fenced is its own word', async () => {
    const { connect } = await setUp({}, 'fenced');
    const client = await connect();
    await client.open().message('bound');
    client.send({ type: 'job', job: emptyJob() });
    expect(await client.message('ended')).toMatchObject({ reason: 'fenced', message: 'a newer owner exists' });
  });

  test('the controller closes the connection: control-lost, no process left', async () => {
    const { connect, metrics } = await setUp();
    const client = await connect();
    const pid = await client.ready();
    client.socket.close();
    await gone(pid);
    await eventually(async () => (await ends(metrics))['control-lost'] === 1);
  });

  test('the connection breaks before it was ready: control-lost, no process left', async () => {
    const { connect, metrics } = await setUp();
    const client = await connect();
    const { pid } = await client.open().message('bound');
    client.socket.terminate();
    await gone(pid);
    await eventually(async () => (await ends(metrics))['control-lost'] === 1);
  });

  test.each([
    ['not warm', 'silent', { warmMs: 300 }],
    ['not bound', 'unbound', { boundMs: 300 }],
    ['not ready', 'unready', { readyMs: 300 }],
  ])('%s in time: start-timeout', async (_, mode, limits) => {
    const { connect } = await setUp({ warmChildren: 0, limits }, mode);
    const client = await connect();
    client.open();
    if (mode === 'unready') await client.message('bound');
    client.send({ type: 'job', job: emptyJob() });
    expect(await client.message('ended')).toMatchObject({ reason: 'start-timeout' });
  });

  test('no job in time: start-timeout, so that nothing is held for a controller that forgot it', async () => {
    const { connect } = await setUp({ limits: { jobMs: 200 } });
    expect(await (await connect()).open().message('ended')).toMatchObject({ reason: 'start-timeout' });
  });

  test('statistics stop: unresponsive, killed although it can not run', async () => {
    const { connect } = await setUp({ limits: { silenceMs: 400 } });
    const client = await connect();
    const pid = await client.ready();
    process.kill(pid, 'SIGSTOP');
    expect(await client.message('ended')).toMatchObject({ reason: 'unresponsive' });
    await gone(pid);
  });

  test('one that neither stops nor takes SIGTERM is killed', async () => {
    const { connect } = await setUp({ limits: { stopMs: 200, termMs: 200 } }, 'stubborn');
    const client = await connect();
    const pid = await client.ready();
    client.send({ type: 'stop' });
    expect(await client.message('ended')).toMatchObject({ reason: 'stopped', message: 'signal SIGKILL' });
    await gone(pid);
  });

  test('a program that dies at once is not started in a tight loop', async () => {
    const { agent, metrics } = await setUp({ warmChildren: 1 }, 'fatal');
    await eventually(async () => (await ends(metrics)).crashed === 2);
    // The next ones wait: nothing runs now.
    expect((await metrics.children.get()).values.every((v) => v.value === 0)).toBe(true);
    await agent.close();
  });
});

describe('a compositor whose controller is lost', () => {
  /** One at work; from now on without a controller. */
  async function orphan(options: Partial<AgentOptions> = {}, mode = '', code?: number) {
    const rig = await setUp(options, mode);
    const client = await rig.connect();
    const pid = await client.ready();
    if (code === undefined) client.socket.terminate();
    else client.socket.close(code);
    await client.closed;
    return { ...rig, pid };
  }
  const successor = (client: ControlClient, fence: number, broadcast = 'baaaaaaaaaaaa') =>
    client.send({ type: 'open', protocol: PROTOCOL, broadcast, compositor: 'cbbbbbbbbbbbb', fence });

  test('goes on for its time, and ends then', async () => {
    const { pid, metrics } = await orphan({ orphanMs: 2_000 });
    expect(isRunning(pid)).toBe(true);
    await gone(pid);
    const ends = async () => (await metrics.ends.get()).values;
    await expect.poll(ends).toMatchObject([{ labels: { reason: 'control-lost' }, value: 1 }]);
  });

  test('a controller that says that it goes leaves one, too', async () => {
    const { pid, agent } = await orphan({ orphanMs: 60_000 }, '', 1001);
    expect(isRunning(pid)).toBe(true);
    await agent.close();
    await gone(pid);
  });

  test('ends when delivery has another compositor taken', async () => {
    const { pid, metrics } = await orphan({ orphanMs: 60_000 }, 'not-taken');
    await gone(pid);
    const ends = async () => (await metrics.ends.get()).values;
    await expect.poll(ends).toMatchObject([{ labels: { reason: 'control-lost' }, value: 1 }]);
  });

  test('one with a controller puts in the shadow as long as that wants', async () => {
    const { connect } = await setUp({}, 'not-taken');
    const client = await connect();
    const pid = await client.ready();
    // Statistics come each 100 ms, and with each of them a refusal.
    await eventually(async () => client.messages.filter(({ type }) => type === 'stats').length > 20);
    expect(isRunning(pid)).toBe(true);
  });

  test('keeps its place while there is another; where there is none its broadcast gets it, by a higher fence', async () => {
    const { pid, connect, agent } = await orphan({ maxChildren: 1, orphanMs: 60_000 });
    // So that its broadcast's next controller asks here.
    await eventually(async () => agent.load === 0);
    const other = await connect();
    expect(await successor(other, 9, 'bcccccccccccc').message('refused')).toMatchObject({ code: 'busy' });
    const stale = await connect();
    expect(await successor(stale, 1).message('refused')).toMatchObject({ code: 'busy' });
    expect(isRunning(pid)).toBe(true);
    const next = await connect();
    const bound = await successor(next, 2).message('bound');
    expect(bound.pid).not.toBe(pid);
    expect(isRunning(pid)).toBe(false);
    expect(agent.load).toBe(1);
  });

  test('where there is a place both are at work, until delivery has decided', async () => {
    const { pid, connect, agent } = await orphan({ maxChildren: 2, orphanMs: 60_000 });
    const next = await connect();
    await successor(next, 2).message('bound');
    expect(isRunning(pid)).toBe(true);
    await agent.close();
  });
});

describe('close', () => {
  test('ends every child, warm or at work, and is idempotent', async () => {
    const { agent, connect, children } = await setUp();
    const client = await connect();
    const pid = await client.ready();
    await eventually(async () => (await children('warm')) >= 1);
    await Promise.all([agent.close(), agent.close()]);
    expect(isRunning(pid)).toBe(false);
    expect(await client.message('ended')).toMatchObject({ reason: 'stopped' });
    for (const state of ['spawning', 'warm', 'running', 'stopping']) expect(await children(state)).toBe(0);
  });

  test('refuses when closed', async () => {
    const { agent, connect } = await setUp();
    await agent.close();
    await expect(connect()).rejects.toThrow('503');
  });

  test('when the agent’s process is killed, its children end', { timeout: 30_000 }, async () => {
    const parent = fork(AGENT, { env: { ...process.env, FAKE_ENTRY: ENTRY } });
    cleanup.push(() => parent.kill('SIGKILL'));
    const [{ url }] = (await once(parent, 'message')) as [{ url: string }];
    const client = await ControlClient.connect(url);
    const pid = await client.ready();
    parent.kill('SIGKILL');
    await client.closed;
    await gone(pid);
  });
});
