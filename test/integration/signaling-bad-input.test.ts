import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../src/common/Secret.ts';
import { requestGuard } from '../../src/http/requestGuard.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { absurdRtpParameters, type CameraParameters } from '../support/absurdRtpParameters.ts';
import { RtcPeer, RtcTransport } from '../support/RtcPeer.ts';
import { rawOutcome } from '../support/rawSocket.ts';
import type { CallError, SignalingClient } from '../support/SignalingClient.ts';
import { SignalingStack } from '../support/SignalingStack.ts';

const tokens = Tokens.create([new Secret('s'.repeat(32))]);
const foreign = Tokens.create([new Secret('f'.repeat(32))]);
const guard = requestGuard({ open: true, allowedOrigins: [] });

let stack: SignalingStack;
/** Ann sends a camera to Bob all the time; after each attack frames still have to come. */
let ann: SignalingClient;
let bob: SignalingClient;
let sending: RtcTransport;
let receiving: RtcTransport;
let camera: RtcPeer;
/** The attacker: a co-host of the same room with a right to everything a co-host may. */
let eve: SignalingClient;
let workerPid: number | undefined;
const secrets: string[] = [];

async function tokenOf(
  sub: string,
  role: 'host' | 'cohost' | 'audience',
  room = 'demo',
  seconds = 600,
): Promise<string> {
  const token = await tokens.sign({ aud: 'join', sub, role, room }, seconds);
  secrets.push(token);
  return token;
}

async function joined(sub: string, role: 'host' | 'cohost' | 'audience', room = 'demo'): Promise<SignalingClient> {
  const client = await stack.client(await tokenOf(sub, role, room));
  await client.join();
  return client;
}

/** The error code that a connection is refused with. */
const refusedWith = (token: unknown, options = {}): Promise<string> =>
  stack.client(token, options).then(
    () => 'let in',
    (error: CallError) => error.code ?? error.message,
  );

beforeAll(async () => {
  stack = await SignalingStack.create({
    verifyJoin: (token) => tokens.verify(token, 'join'),
    checkRequest: guard,
  });
  ann = await joined('ann', 'host');
  bob = await joined('bob', 'cohost');
  sending = await RtcTransport.open(ann, 'send');
  camera = new RtcPeer(sending);
  await ann.call('producer:create', {
    transportId: sending.id,
    source: 'camera',
    rtpParameters: camera.cameraParameters,
  });
  camera.start();
  receiving = await RtcTransport.open(bob, 'recv');
  await bob.call('consumer:start', { transportId: receiving.id, rtpCapabilities: bob.joined.routerRtpCapabilities });
  const { id } = await bob.next('consumer:new');
  await bob.call('consumer:resume', { consumerId: id });
  workerPid = stack.pool.pids[0];
});

beforeEach(async () => {
  eve = await joined('eve', 'cohost');
});

/** Nothing is lost for anybody else: same worker, same people, and the picture goes on. */
afterEach(async () => {
  eve.close();
  const before = receiving.received.length;
  await expect.poll(() => receiving.received.length, { timeout: 20_000 }).toBeGreaterThan(before + 5);
  expect(stack.pool.pids).toEqual([workerPid]);
  expect(ann.socket.connected && bob.socket.connected).toBe(true);
  expect(ann.events.some((e) => e.name === 'media:reset')).toBe(false);
});

afterAll(async () => {
  camera?.stop();
  await sending?.stop();
  await receiving?.stop();
  await stack?.close();
});

describe('who is let in', () => {
  test('nobody without a token', async () => {
    for (const token of [undefined, null, '', 7, {}, [], { toString: 'x' }]) {
      expect(await refusedWith(token)).toBe('unauthorized');
    }
  });

  test('nobody with an expired token', async () => {
    expect(await refusedWith(await tokenOf('mallory', 'host', 'demo', -3600))).toBe('unauthorized');
  });

  test('nobody with a foreign token', async () => {
    const token = await foreign.sign({ aud: 'join', sub: 'mallory', role: 'host', room: 'demo' }, 600);
    secrets.push(token);
    expect(await refusedWith(token)).toBe('unauthorized');
    expect(await refusedWith(`${'a'.repeat(100_000)}.b.c`)).toBe('unauthorized');
  });

  test('nobody with a token of another audience', async () => {
    const token = await tokens.sign({ aud: 'api', sub: 'mallory' }, 600);
    secrets.push(token);
    expect(await refusedWith(token)).toBe('wrong-audience');
  });

  test('no client of another protocol', async () => {
    for (const protocol of [0, 3, 99])
      expect(await refusedWith(await tokenOf('old', 'host'), { protocol })).toBe('bad-request');
  });

  test('no page of another origin, no foreign Host header', async () => {
    const token = await tokenOf('mallory', 'host');
    expect(await refusedWith(token, { headers: { origin: 'https://evil.example' } })).toBe('websocket error');
    expect(await refusedWith(token, { headers: { host: 'evil.example' } })).toBe('websocket error');
    expect(await refusedWith(token, { headers: { origin: 'null' } })).toBe('websocket error');
  });

  test('room ids with ../, NUL, 10 kB do not get into a token, and a hand-made one is not let in', async () => {
    for (const room of ['../demo', 'demo\0', 'x'.repeat(10_240), 'Demo', '', '%2e%2e']) {
      await expect(tokens.sign({ aud: 'join', sub: 'mallory', role: 'host', room }, 600)).rejects.toThrow();
      await expect(stack.registry.getOrCreate(room)).rejects.toMatchObject({ code: 'bad-request' });
      expect(stack.registry.get(room)).toBeUndefined();
    }
  });
});

describe('what the client claims', () => {
  test('a role, room or identity in the payload counts for nothing', async () => {
    const viewer = await stack.client(await tokenOf('viewer', 'audience'));
    const answer = await viewer.call('join', { role: 'host', room: 'other', identity: 'ann', sub: 'ann', name: 'V' });
    expect(answer).toMatchObject({ room: 'demo', self: { role: 'audience', seated: false, name: 'V' } });
    expect(await viewer.refusal('transport:create', { direction: 'send' })).toBe('no-seat');
    expect(await viewer.refusal('broadcast:start', {})).toBe('forbidden');
    expect(await viewer.refusal('seat:grant', { peerId: answer.self.id })).toBe('forbidden');
    viewer.close();
  });

  test('another peer is not resumed', async () => {
    const thief = await stack.client(await tokenOf('thief', 'host'));
    const answer = await thief.call('join', { resume: ann.id });
    expect(answer.self.id).not.toBe(ann.id);
    thief.close();
  });

  test('a co-host is no host', async () => {
    for (const [event, payload] of [
      ['broadcast:start', {}],
      ['broadcast:stop', {}],
      ['seat:take', { peerId: ann.id }],
      ['seat:grant', { peerId: ann.id }],
      ['seat:decline', { peerId: ann.id }],
      ['destination:add', { url: 'rtmp://live.example/app/key' }],
      ['destination:remove', { id: 'dabcdefgh' }],
    ] as const) {
      expect(await eve.refusal(event, payload)).toBe('forbidden');
    }
    expect(stack.broadcasts.calls).toEqual([]);
  });
});

describe('messages', () => {
  test('a 2 MB event ends its sender only', async () => {
    eve.socket.emit('join', { name: 'x'.repeat(2 * 1024 * 1024) }, () => {});
    expect(await eve.next('disconnect')).toMatch(/transport/);
  });

  test('10,000-deep JSON is answered, or ends its sender only', async () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const deepObject = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
    for (const json of [deep, deepObject]) {
      for (const packet of [
        `421["join",${json}]`,
        `422["producer:create",{"transportId":"x","source":"camera","rtpParameters":${json}}]`,
        `423["consumer:start",{"transportId":"x","rtpCapabilities":{"codecs":${json}}}]`,
        `424[${json}]`,
        `42${json}`,
      ]) {
        await rawOutcome(stack.url, await tokenOf('deep', 'audience'), packet);
      }
      // In the token's place, before anybody is let in.
      expect(await rawOutcome(stack.url, undefined, undefined, `40{"token":${json}}`)).toBe('refused');
    }
  });

  test('what is no socket.io packet ends its sender only', async () => {
    for (const packet of [
      '42',
      '42{',
      '4',
      '9',
      '45-["join"]',
      '451-["join",{"_placeholder":true,"num":0}]',
      '42["disconnect"]',
      '4299999999999999999999["join",{}]',
    ]) {
      await rawOutcome(stack.url, await tokenOf('odd', 'audience'), packet);
    }
  });

  test('an unknown event, and names of an object’s own, are refused', async () => {
    for (const event of ['nothing', '__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(await eve.refusal(event)).toBe('bad-request');
    }
  });

  test('an event without an ack is ignored', async () => {
    eve.socket.emit('transport:create', { direction: 'send' });
    eve.socket.emit('leave');
    eve.socket.emit('seat:request', 'x', 'y');
    expect((await eve.call('transport:create', { direction: 'send' })).id).toBeTypeOf('string');
  });

  test('payloads of another form are refused', async () => {
    for (const payload of [null, 7, 'x', [], { direction: 'both' }, { direction: { send: 1 } }, Buffer.alloc(10)]) {
      expect(await eve.refusal('transport:create', payload)).toBe('bad-request');
    }
    for (const name of ['', '\0', 'x'.repeat(65), 'a\u2028b', 7]) {
      const other = await stack.client(await tokenOf('names', 'audience'));
      expect(await other.refusal('join', { name })).toBe('bad-request');
      other.close();
    }
  });

  test('a flood is refused, then ended', async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => eve.refusal('producer:pause', { producerId: 'x' })),
    );
    expect(new Set(answers)).toEqual(new Set(['not-found', 'too-many']));
    for (let i = 0; i < 3_000; i++) eve.socket.emit('producer:pause', {}, () => {});
    expect(await eve.next('disconnect')).toBe('io server disconnect');
  });
});

describe('media parameters', () => {
  test('dtlsParameters with no fingerprints', async () => {
    const { id: transportId } = await eve.call('transport:create', { direction: 'send' });
    for (const dtlsParameters of [
      {},
      { role: 'client' },
      { role: 'client', fingerprints: [] },
      { role: 'client', fingerprints: null },
      { role: 'client', fingerprints: [{}] },
      { role: 'client', fingerprints: [{ algorithm: 'sha-256' }] },
      { role: 'client', fingerprints: [{ algorithm: 'md5', value: '00:11' }] },
      { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: 'x'.repeat(100_000) }] },
      { role: 'boss', fingerprints: [{ algorithm: 'sha-256', value: 'AA' }] },
    ]) {
      expect(await eve.refusal('transport:connect', { transportId, dtlsParameters })).toBe('bad-request');
    }
  });

  test('produce with foreign or absurd RTP parameters', async () => {
    const { id: transportId } = await eve.call('transport:create', { direction: 'send' });
    const good = new RtcPeer(sending).cameraParameters as CameraParameters;
    for (const [what, rtpParameters] of absurdRtpParameters(good)) {
      const code = await eve.refusal('producer:create', { transportId, source: 'camera', rtpParameters });
      expect([what, code]).toEqual([what, expect.stringMatching(/^(bad-media|bad-request)$/)]);
    }
    // After all that the same transport still works.
    const { producerId } = await eve.call('producer:create', {
      transportId,
      source: 'camera',
      rtpParameters: { ...good, encodings: [{ ssrc: 77 }] },
    });
    expect(producerId).toBeTypeOf('string');
  });

  test('an SSRC that another producer of the transport has', async () => {
    const { id: transportId } = await eve.call('transport:create', { direction: 'send' });
    const rtpParameters = { ...(new RtcPeer(sending).cameraParameters as object), encodings: [{ ssrc: 5 }] };
    await eve.call('producer:create', { transportId, source: 'camera', rtpParameters });
    expect(await eve.refusal('producer:create', { transportId, source: 'screen', rtpParameters })).toBe('bad-media');
    expect(await eve.refusal('producer:create', { transportId, source: 'camera', rtpParameters })).toBe('conflict');
  });

  test('absurd RTP capabilities', async () => {
    const { id: transportId } = await eve.call('transport:create', { direction: 'recv' });
    for (const rtpCapabilities of [
      { codecs: 'all' },
      { codecs: [{ kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, parameters: { a: [1] } }] },
      { codecs: Array.from({ length: 1_000 }, () => ({ kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 })) },
      { headerExtensions: [{ kind: 'video', uri: 'x', preferredId: -1 }] },
    ]) {
      expect(await eve.refusal('consumer:start', { transportId, rtpCapabilities })).toBe('bad-request');
    }
    await eve.call('consumer:start', { transportId, rtpCapabilities: {} });
    await eve.call('consumer:start', {
      transportId,
      rtpCapabilities: {
        codecs: [{ kind: 'audio', mimeType: 'video/VP8', clockRate: 90_000, preferredPayloadType: 1 }],
        headerExtensions: [{ kind: 'video', uri: 'urn:nobody', preferredId: 1 }],
      },
    });
  });

  test('a size of nonsense', async () => {
    for (const size of [{ width: -1, height: 1 }, { width: 1e9, height: 1 }, { width: Number.NaN, height: 0 }, {}]) {
      expect(await eve.refusal('consumer:size', { consumerId: 'x', ...size })).toBe('bad-request');
    }
  });

  test('connecting twice', async () => {
    const { id: transportId } = await eve.call('transport:create', { direction: 'send' });
    const dtlsParameters = { role: 'client', fingerprints: sending.dtls.localParameters.fingerprints };
    await eve.call('transport:connect', { transportId, dtlsParameters });
    expect(await eve.refusal('transport:connect', { transportId, dtlsParameters })).toBe('conflict');
  });
});

describe('ids', () => {
  test('of another peer and of another room are not found', async () => {
    const far = await joined('far', 'host', 'far');
    const transport = await far.call('transport:create', { direction: 'send' });
    const producerId = ann.joined.self.id && stack.registry.get('demo')?.sources()[0]?.producer.id;
    const consumerId = bob.events.find((e) => e.name === 'consumer:new')?.arg as { id: string };
    const dtlsParameters = { role: 'client', fingerprints: sending.dtls.localParameters.fingerprints };
    const rtpParameters = camera.cameraParameters;
    for (const transportId of [transport.id, sending.id, receiving.id, 'x']) {
      expect(await eve.refusal('transport:connect', { transportId, dtlsParameters })).toBe('not-found');
      expect(await eve.refusal('transport:restart-ice', { transportId })).toBe('not-found');
      expect(await eve.refusal('producer:create', { transportId, source: 'camera', rtpParameters })).toBe('not-found');
      expect(await eve.refusal('consumer:start', { transportId, rtpCapabilities: {} })).toBe('not-found');
    }
    expect(producerId).toBeTypeOf('string');
    for (const event of ['producer:pause', 'producer:resume', 'producer:close']) {
      expect(await eve.refusal(event, { producerId })).toBe('not-found');
    }
    for (const event of ['consumer:pause', 'consumer:resume']) {
      expect(await eve.refusal(event, { consumerId: consumerId.id })).toBe('not-found');
    }
    expect(await eve.refusal('consumer:size', { consumerId: consumerId.id, width: 0, height: 0 })).toBe('not-found');
    expect(await far.refusal('seat:take', { peerId: bob.id })).toBe('not-found');
    expect(await far.refusal('seat:grant', { peerId: bob.id })).toBe('not-found');
    far.close();
  });

  test('a receiving transport does not send, and the other way round', async () => {
    const send = await eve.call('transport:create', { direction: 'send' });
    const recv = await eve.call('transport:create', { direction: 'recv' });
    const rtpParameters = camera.cameraParameters;
    expect(await eve.refusal('producer:create', { transportId: recv.id, source: 'camera', rtpParameters })).toBe(
      'bad-request',
    );
    expect(await eve.refusal('consumer:start', { transportId: send.id, rtpCapabilities: {} })).toBe('bad-request');
  });

  test('nothing is done before join', async () => {
    const early = await stack.client(await tokenOf('early', 'host'));
    expect(await early.refusal('transport:create', { direction: 'send' })).toBe('conflict');
    expect(await early.refusal('broadcast:start', {})).toBe('conflict');
    await early.join();
    expect(await early.refusal('join', {})).toBe('conflict');
    early.close();
  });
});

test('garbage instead of HTTP ends its sender only', async () => {
  const { port } = new URL(stack.url);
  const socket = connect(Number(port), '127.0.0.1');
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  socket.end(
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: \0\0\r\n\r\n',
  );
  socket.resume();
  await ended;
});

test('no token is in any log line', () => {
  const log = stack.log.join('');
  expect(log.length).toBeGreaterThan(1_000);
  for (const token of secrets) expect(log.includes(token)).toBe(false);
});
