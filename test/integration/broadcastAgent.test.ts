/** The controller with a real agent and real child processes, which are hurt. */
import { afterEach, expect, test } from 'vitest';
import { eventually, gone, isRunning } from '../support/broadcast/processes.ts';
import { realAgent, StudioRig } from '../support/broadcast/StudioRig.ts';

const rigs: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

async function live(options: Parameters<typeof realAgent>[0] = {}) {
  const agent = await realAgent(options);
  const rig = await StudioRig.create(agent);
  rigs.push(rig);
  await rig.guest('paaaaaaaa');
  rig.sfu.streamer.start();
  const status = await rig.start();
  /** Of the children that were given the broadcast, in order. */
  const pids = () => agent.log.filter((line) => line.msg === 'compositor bound').map((line) => line.pid ?? 0);
  return { rig, agent, status, pids };
}

test('reports of the child become the broadcast’s figures', async () => {
  const { rig } = await live();
  await rig.status((s) => s.fps === 30 && s.bitrate === 1000 && s.lateFrames === 2);
  expect((await rig.metrics.frames.get()).values[0]?.value).toBeGreaterThan(0);
});

test.each([
  ['killed', 'SIGKILL', 'crashed'],
  ['stopped dead', 'SIGSTOP', 'unresponsive'],
] as const)('a child that is %s is replaced, and no process is left', async (_, signal, reason) => {
  const { rig, agent, pids } = await live({ limits: { silenceMs: 600 } });
  const [pid] = pids();
  process.kill(pid!, signal);
  await rig.status((s) => s.restarts === 1 && s.state === 'live');
  await gone(pid!);
  expect((await rig.metrics.restarts.get()).values).toMatchObject([{ labels: { reason }, value: 1 }]);
  expect((await rig.delivery.order('take', 2)).fence).toBeGreaterThan((await rig.delivery.order('take')).fence);
  expect(agent.load).toBe(1);
  await rig.broadcasts.stop('demo', 'stopped');
  await eventually(() => agent.load === 0);
});

test('a program that crashes again and again: the broadcast goes on trying', async () => {
  const { rig, pids } = await live({ warmChildren: 0 });
  process.env.FAKE_COMPOSITOR = 'crash-at-job';
  process.kill(pids()[0]!, 'SIGKILL');
  await rig.delivery.order('take', 4);
  expect(rig.broadcasts.status('demo')?.state).toBe('recovering');
  delete process.env.FAKE_COMPOSITOR;
  expect(await rig.status((s) => s.restarts >= 1 && s.state === 'live')).toMatchObject({ restarts: 1 });
});

test('the agent closes: its children end, the broadcast looks for another', async () => {
  const { rig, agent, pids } = await live();
  const [pid] = pids();
  await agent.close();
  expect(isRunning(pid!)).toBe(false);
  await rig.status((s) => s.state === 'recovering');
  expect(await rig.broadcasts.stop('demo', 'stopped')).toMatchObject({ state: 'ended' });
});
