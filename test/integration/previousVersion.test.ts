/**
 * In the middle of an upgrade: nodes of the version before (test/support/previousVersion.ts) work along with those of today, either way round.
 * Real processes; agents are found in Redis, where they announce their protocol number, the delivery node is not announced.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FleetProcesses, type FleetRole, SMALL } from '../support/FleetProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { NOT_SAID, PREVIOUS_VERSION } from '../support/previousVersion.ts';
import { eventually, type ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'upgrade';
const OLD = { NODE_OPTIONS: PREVIOUS_VERSION };
const NEW = { NODE_OPTIONS: '' };

let fleet: FleetProcesses;
let follower: PlaylistFollower | undefined;

/** `old`: the roles of the version before. */
async function start(old: readonly FleetRole[]): Promise<void> {
  fleet = await FleetProcesses.start({ redis: true, roleEnv: Object.fromEntries(old.map((role) => [role, OLD])) });
  // Who comes is of today: a server that does not speak that is asked again in its own protocol.
  await fleet.person(ROOM);
}

async function stop(): Promise<void> {
  follower?.close();
  await fleet?.stop();
}

/** Until it is in Redis with this protocol number. */
const announces = (server: ServerProcess, protocol: number): Promise<void> =>
  eventually(async () => {
    const entry = await fleet.redis?.ask((client) => client.hget(`lianmai:entry:node:${server.internalUrl}`, 'data'));
    return JSON.parse(entry ?? '{}').protocol === protocol;
  }, `an agent announces protocol ${protocol}`);

async function goLive(): Promise<PlaylistFollower> {
  const { playlist } = await fleet.api.startBroadcast(ROOM, { video: SMALL });
  const followed = await PlaylistFollower.start(`${fleet.delivery.url}${playlist}`);
  follower = followed;
  await followed.until(({ newest }) => newest >= 1, 'the program');
  await expectUndisturbed();
  return followed;
}

async function expectUndisturbed(): Promise<void> {
  const { state, restarts } = await fleet.api.broadcast(ROOM);
  expect([state, restarts]).toEqual(['live', 0]);
}

/** Of the protocol numbers, what the SFU node's log says that it has found out. */
const foundOut = (): string[] =>
  fleet.sfu
    .logs()
    .map(({ msg }) => msg)
    .filter((msg) => msg.includes('older protocol'));

async function endsInOrder(): Promise<void> {
  await fleet.api.stopBroadcast(ROOM);
  await follower?.until(({ ended }) => ended, 'the end');
  for (const { output } of [fleet.sfu, fleet.delivery, ...fleet.agents]) {
    const lines = output.join('\n');
    expect(lines).not.toContain(NOT_SAID);
    expect(lines).not.toMatch(/sent a malformed message/);
  }
}

describe('an SFU node of today, with an agent and a delivery node of the version before', () => {
  beforeAll(() => start(['compositor', 'delivery']));
  afterAll(stop);

  test('a room goes live in their protocol: the agent has announced it, delivery is asked again when it refuses', async () => {
    await announces(fleet.compositor, 1);
    await goLive();
    expect(foundOut()).toEqual(['delivery speaks an older protocol']);
  });

  test('an agent of today takes the broadcast over, without a hole', async () => {
    const followed = follower as PlaylistFollower;
    const { compositor } = fleet;
    await announces(await fleet.add('compositor', NEW), 2);
    expect(await compositor.stop('SIGTERM')).toBe(0);
    const { newest } = followed;
    await followed.until((now) => now.newest >= newest + 2, 'the program of the other agent');
    expect([followed.gaps, followed.backwards, followed.discontinuities, followed.inits.size]).toEqual([[], [], 0, 1]);
    await expectUndisturbed();
  });

  test('it ends in order, and nobody has said a word that the version before does not know', endsInOrder);
});

describe('an SFU node of the version before, with an agent and a delivery node of today', () => {
  beforeAll(() => start(['sfu']));
  afterAll(stop);

  test('a room goes live in its protocol, and people of today come in', async () => {
    await announces(fleet.compositor, 2);
    await goLive();
    expect(foundOut()).toEqual([]);
  });

  test('it ends in order, and nobody has said a word that the version before does not know', endsInOrder);
});
