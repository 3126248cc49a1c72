import { describe, expect, test } from 'vitest';
import { AppError, type ErrorCode } from '../../../../src/contracts/errors.ts';
import { PlayGate } from '../../../../src/delivery/http/PlayGate.ts';
import { Tokens } from '../../../../src/tokens/Tokens.ts';

const refused = (code: ErrorCode) => expect.objectContaining({ code });
const tokens = Tokens.create([]);
const play = (room: string, seconds = 60) => tokens.sign({ aud: 'play', sub: 'ann', room }, seconds);

function gateOf() {
  let verified = 0;
  const gate = new PlayGate({
    verifyPlay: async (token) => {
      verified += 1;
      const { claims, expiresAt } = await tokens.verifyPlay(token);
      return { room: claims.room, expiresAt };
    },
    verifyService: async (token) => {
      if (token !== 'of-a-node') throw new AppError('unauthorized');
    },
  });
  return { gate, verified: () => verified };
}

describe('playback tokens', () => {
  test('one for the room is let in, and verified once', async () => {
    const { gate, verified } = gateOf();
    const token = await play('demo');
    for (let i = 0; i < 5; i++) gate.allow(await gate.admit({ token, room: 'demo' }), 'token');
    expect(verified()).toBe(1);
  });

  test('one for another room is forbidden, remembered or not', async () => {
    const { gate } = gateOf();
    const token = await play('demo');
    await expect(gate.admit({ token, room: 'other' })).rejects.toEqual(refused('forbidden'));
    await gate.admit({ token, room: 'demo' });
    await expect(gate.admit({ token, room: 'other' })).rejects.toEqual(refused('forbidden'));
  });

  test('an expired one is refused, even one that was let in before', async () => {
    let now = 1_000_000;
    const expiresAt = now + 10_000;
    const gate = new PlayGate({
      verifyPlay: async () => {
        if (now >= expiresAt) throw new AppError('unauthorized');
        return { room: 'demo', expiresAt };
      },
      verifyService: async () => undefined,
      wallClock: () => now,
    });
    const access = await gate.admit({ token: 't', room: 'demo' });
    expect(gate.lifeSeconds(access)).toBe(10);
    now += 9_999;
    await gate.admit({ token: 't', room: 'demo' });
    now += 1;
    await expect(gate.admit({ token: 't', room: 'demo' })).rejects.toEqual(refused('unauthorized'));
    const token = await play('demo', -60);
    await expect(gateOf().gate.admit({ token, room: 'demo' })).rejects.toEqual(refused('unauthorized'));
  });

  test('made for another purpose it is refused by name', async () => {
    const { gate } = gateOf();
    const token = await tokens.sign({ aud: 'join', sub: 'ann', room: 'demo', role: 'host' }, 60);
    await expect(gate.admit({ token, room: 'demo' })).rejects.toEqual(refused('wrong-audience'));
    await expect(gate.admit({ token: 'x', room: 'demo' })).rejects.toEqual(refused('unauthorized'));
  });
});

describe('without a playback token', () => {
  test('an open broadcast is anybody’s, one with tokens is not', async () => {
    const { gate } = gateOf();
    const access = await gate.admit({ room: 'demo' });
    gate.allow(access, 'open');
    expect(() => gate.allow(access, 'token')).toThrow(refused('unauthorized'));
    expect(gate.lifeSeconds(access)).toBe(Number.POSITIVE_INFINITY);
  });

  test('another node may have all; credentials of others are worth nothing', async () => {
    const { gate } = gateOf();
    expect(await gate.admit({ authorization: 'Bearer of-a-node', room: 'demo' })).toBe('node');
    expect(await gate.admit({ authorization: 'Bearer of-a-thief', room: 'demo' })).toBe('anybody');
    expect(await gate.admit({ authorization: 'Basic YTpi', room: 'demo' })).toBe('anybody');
    gate.allow('node', 'token');
  });
});
