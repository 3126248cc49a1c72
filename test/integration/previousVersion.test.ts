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

interface Upgrade {
  what: string;
  /** Those of the version before. */
  old: FleetRole[];
  /** What the SFU node's log says of the protocol numbers that it has found out. */
  found: string[];
}

const UPGRADES: Upgrade[] = [
  {
    what: 'an SFU node of today, with an agent and a delivery node of the version before',
    old: ['compositor', 'delivery'],
    // The agent has announced its number.
    found: ['delivery speaks an older protocol'],
  },
  { what: 'an SFU node of the version before, with an agent and a delivery node of today', old: ['sfu'], found: [] },
];

describe.each(UPGRADES)('$what', ({ old, found }) => {
  let fleet: FleetProcesses;
  let follower: PlaylistFollower;

  beforeAll(async () => {
    fleet = await FleetProcesses.start({
      redis: true,
      roleEnv: Object.fromEntries(old.map((role) => [role, OLD])),
    });
    // Its page is of today: a server that does not speak that is asked again in its own protocol.
    await fleet.person(ROOM);
  });

  afterAll(async () => {
    follower?.close();
    await fleet?.stop();
  });

  const announced = async (server: ServerProcess): Promise<number> => {
    const entry = await fleet.redis?.ask((client) => client.hget(`lianmai:entry:node:${server.internalUrl}`, 'data'));
    return JSON.parse(entry ?? '{}').protocol;
  };
  const foundOut = (): string[] =>
    fleet.sfu
      .logs()
      .map(({ msg }) => msg)
      .filter((msg) => msg.includes('older protocol'));

  test('a room goes live, in the protocol of the version before', async () => {
    await eventually(async () => (await announced(fleet.compositor)) === (old.includes('compositor') ? 1 : 2), 'there');
    const { playlist } = await fleet.api.startBroadcast(ROOM, { video: SMALL });
    follower = await PlaylistFollower.start(`${fleet.delivery.url}${playlist}`);
    await follower.until(({ newest }) => newest >= 2, 'the program');
    expect(foundOut()).toEqual(found);
    const { state, restarts } = await fleet.api.broadcast(ROOM);
    expect([state, restarts]).toEqual(['live', 0]);
  });

  test('an agent of the other version takes the broadcast over, without a hole', async () => {
    const [before] = fleet.agents;
    const after = await fleet.add('compositor', old.includes('compositor') ? NEW : OLD);
    await eventually(
      async () => (await announced(after)) === (old.includes('compositor') ? 2 : 1),
      'the other one is there',
    );
    expect(await before?.stop('SIGTERM')).toBe(0);
    const { newest } = follower;
    await follower.until((now) => now.newest >= newest + 2, 'the program of the other agent');
    expect([follower.gaps, follower.backwards, follower.discontinuities, follower.inits.size]).toEqual([[], [], 0, 1]);
    const { state, restarts } = await fleet.api.broadcast(ROOM);
    expect([state, restarts]).toEqual(['live', 0]);
  });

  test('it ends in order, and nobody has said a word that the version before does not know', async () => {
    await fleet.api.stopBroadcast(ROOM);
    await follower.until(({ ended }) => ended, 'the end');
    for (const { output } of [fleet.sfu, fleet.delivery, ...fleet.agents]) {
      const lines = output.join('\n');
      expect(lines).not.toContain(NOT_SAID);
      expect(lines).not.toMatch(/sent a malformed message/);
    }
  });
});
