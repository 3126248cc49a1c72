/** Broadcasts that start by themselves, and recordings that begin and end while live, by the API of whole servers: one alone, and a fleet. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { BroadcastStatus } from '../../src/contracts/broadcast.ts';
import { PlaybackState } from '../../src/contracts/playback.ts';
import { RecordingList } from '../../src/contracts/recording.ts';
import { Schedule } from '../../src/contracts/schedule.ts';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';
import { WebhookReceiver } from '../support/webhooks/WebhookReceiver.ts';

/** Nothing of a test is that slow, ms. */
const poll = { timeout: 60_000 };

/** `token`: of audience `api`. */
function caller(url: () => string, token?: () => string) {
  return async (method: string, path: string, body?: unknown) => {
    const response = await fetch(url() + path, {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token()}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  };
}

describe('one server', () => {
  let server: ServerProcess;
  let hooks: WebhookReceiver;
  const call = caller(() => server.url);
  const path = (room: string) => `/v1/rooms/${room}/schedule`;
  const stateOf = async (room: string) => PlaybackState.parse((await call('GET', `/live/${room}/state.json`)).body);
  const told = (room: string) => hooks.requests.map(({ event }) => event).filter((event) => event.room === room);

  beforeAll(async () => {
    hooks = await WebhookReceiver.start();
    server = await ServerProcess.start({
      LIANMAI_WEBHOOK_URLS: hooks.url,
      LIANMAI_WEBHOOK_SECRET: 'a-secret-of-the-webhooks-of-this-test',
      LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true',
    });
  });
  afterAll(async () => {
    await server?.stop();
    await hooks?.close();
  });

  test('a schedule is set, read, changed and called off; what can not be is refused with a reason', async () => {
    expect((await call('GET', path('plans'))).status).toBe(404);
    const startsAt = Date.now() + 3_600_000;
    const first = Schedule.parse((await call('PUT', path('plans'), { startsAt, title: 'Tonight' })).body);
    expect(first).toMatchObject({ startsAt, title: 'Tonight', state: 'scheduled', destinations: [] });
    expect((await call('GET', path('plans'))).body).toEqual(first);
    expect((await stateOf('plans')).scheduled).toMatchObject({ title: 'Tonight', startsAt });
    const moved = Schedule.parse((await call('PUT', path('plans'), { startsAt: startsAt + 1 })).body);
    expect(moved).toMatchObject({ title: 'Tonight', startsAt: startsAt + 1, broadcast: first.broadcast });
    for (const wrong of [{ startsAt: Date.now() - 1 }, {}, { startsAt: Date.now() + 40 * 86_400_000 }]) {
      const { status, body } = await call('PUT', path('plans'), wrong);
      expect([status, body.error.code]).toEqual([400, 'bad-request']);
    }
    const destinations = [{ url: 'http://127.0.0.1/live/key' }];
    const refused = await call('PUT', path('plans'), { startsAt, broadcast: { destinations } });
    expect([refused.status, refused.body.error.code]).toEqual([422, 'destination-refused']);
    expect((await call('DELETE', path('plans'))).status).toBe(204);
    expect((await call('DELETE', path('plans'))).status).toBe(404);
    expect((await stateOf('plans')).scheduled).toBeNull();
    await expect
      .poll(() => told('plans').map(({ type }) => type), poll)
      .toEqual(['schedule.set', 'schedule.set', 'schedule.cancelled']);
  });

  test('viewers of a guarded broadcast are told of it only with a token', async () => {
    const broadcast = { playback: 'token' };
    await call('PUT', path('guarded'), { startsAt: Date.now() + 3_600_000, title: 'Secret', broadcast });
    expect((await stateOf('guarded')).scheduled).toBeNull();
    const { token } = (await call('POST', '/v1/rooms/guarded/play-tokens', {})).body;
    const { body } = await call('GET', `/live/~${token}/guarded/state.json`);
    expect(PlaybackState.parse(body).scheduled?.title).toBe('Secret');
    // A room that is closed is not live later on.
    expect((await call('DELETE', '/v1/rooms/guarded')).status).toBe(204);
    expect((await call('GET', path('guarded'))).status).toBe(404);
  });

  test('it survives a kill, and starts by itself in an empty room, where viewers see the slate', async () => {
    const broadcast = { video: SMALL, emptyGraceSeconds: 600 };
    const set = Schedule.parse(
      (await call('PUT', path('alone'), { startsAt: Date.now() + 3_600_000, title: 'Alone', broadcast })).body,
    );
    await server.kill();
    server = await server.again();
    expect((await call('GET', path('alone'))).body).toEqual(set);
    await call('PUT', path('alone'), { inSeconds: 1 });
    const status = async () => (await call('GET', '/v1/rooms/alone/broadcast')).body;
    await expect.poll(async () => (await status()).id, poll).toBe(set.broadcast);
    await eventually(async () => (await fetch(`${server.url}/live/alone/index.m3u8`)).ok, 'the playlist is there');
    await expect.poll(async () => (await stateOf('alone')).state, poll).toBe('live');
    expect((await call('DELETE', '/v1/rooms/alone/broadcast')).body.endReason).toBe('stopped');
    expect((await call('GET', path('alone'))).status).toBe(404);
    await expect
      .poll(() => told('alone').map(({ type }) => type), poll)
      .toEqual(expect.arrayContaining(['schedule.set', 'broadcast.starting', 'broadcast.live', 'broadcast.ended']));
  });

  test('one that can not start says why, and starts when it is scheduled anew', async () => {
    const destinations = [{ url: 'rtmp://127.0.0.1:9/live', key: 'one-key-for-two' }];
    const broadcast = { video: SMALL, destinations, emptyGraceSeconds: 600 };
    await call('PUT', path('second'), { startsAt: Date.now() + 3_600_000, broadcast });
    expect((await call('PUT', '/v1/rooms/first/broadcast', broadcast)).status).toBe(200);
    const refused = await call('POST', `${path('second')}/start`);
    expect([refused.status, refused.body.error.code]).toEqual([409, 'conflict']);
    const failed = Schedule.parse((await call('GET', path('second'))).body);
    expect(failed).toMatchObject({ state: 'failed', reason: expect.stringContaining('stream key') });
    expect((await stateOf('second')).scheduled).toBeNull();
    await expect.poll(() => told('second').at(-1)?.type, poll).toBe('schedule.failed');
    await call('DELETE', '/v1/rooms/first/broadcast');
    await call('PUT', path('second'), { startsAt: Date.now() + 3_600_000 });
    const started = await call('POST', `${path('second')}/start`);
    expect([started.status, BroadcastStatus.parse(started.body).state]).toEqual([200, 'live']);
    await call('DELETE', '/v1/rooms/second/broadcast');
  });

  test('a live broadcast is recorded on demand, twice, and both can be played', async () => {
    const room = 'taped';
    const api = new ServerApi(server.url);
    const swarm = new Swarm({ url: server.url, peers: 1, token: () => api.joinToken(room, 'host') });
    await swarm.start();
    const recording = `/v1/rooms/${room}/broadcast/recording`;
    expect((await call('PUT', recording)).body.error.code).toBe('no-broadcast');
    await api.startBroadcast(room, { video: SMALL });
    const one = BroadcastStatus.parse((await call('PUT', recording)).body);
    expect(one.recording).toMatchObject({ state: 'recording', complete: true });
    const grown = async (id: string) => {
      const all = RecordingList.parse((await call('GET', `/v1/recordings?room=${room}`)).body).recordings;
      return all.find((each) => each.id === id);
    };
    const shown = async () => {
      const text = await (await fetch(`${server.url}/live/${room}/${one.id}/v180/index.m3u8`)).text();
      return [...text.matchAll(/^(\d+)\.m4s$/gm)].length;
    };
    const before = await shown();
    await expect.poll(shown, poll).toBeGreaterThan(before + 1);
    const off = BroadcastStatus.parse((await call('DELETE', recording)).body);
    expect([off.state, off.recording?.id, off.recording?.state]).toEqual(['live', one.recording?.id, 'processing']);
    await expect.poll(async () => (await grown(one.recording?.id ?? ''))?.state, poll).toBe('finished');
    const two = BroadcastStatus.parse((await call('PUT', recording)).body);
    expect(two.recording?.id).not.toBe(one.recording?.id);
    const again = await shown();
    await expect.poll(shown, poll).toBeGreaterThan(again);
    await api.stopBroadcast(room);
    await expect.poll(async () => (await grown(two.recording?.id ?? ''))?.state, poll).toBe('finished');
    for (const id of [one.recording?.id, two.recording?.id])
      expect((await fetch(`${server.url}/recordings/${id}/program.mp4`)).status).toBe(200);
    expect((await api.broadcast(room)).recording).toMatchObject({ id: two.recording?.id, state: 'finished' });
    await swarm.stop();
  });
});

test('of two SFU nodes with Redis one starts it, also when its home is killed before the time', async () => {
  const fleet = await FleetProcesses.start({ sfus: 2, redis: true });
  try {
    const room = 'fleet-show';
    const [home, other] = fleet.sfus;
    if (!home || !other) throw new Error('there are two');
    const call = caller(
      () => other.url,
      () => fleet.token,
    );
    const startsAt = Date.now() + 3_600_000;
    const broadcast = { video: SMALL, emptyGraceSeconds: 600 };
    const first = caller(
      () => home.url,
      () => fleet.token,
    );
    const set = Schedule.parse((await first('PUT', `/v1/rooms/${room}/schedule`, { startsAt, broadcast })).body);
    // Any node answers for it.
    expect((await call('GET', `/v1/rooms/${room}/schedule`)).body).toEqual(set);
    const { inSeconds, ...moved } = { inSeconds: 5, title: 'Soon' };
    await first('PUT', `/v1/rooms/${room}/schedule`, { ...moved, inSeconds });
    await fleet.killAll(home);
    const status = async () => (await call('GET', `/v1/rooms/${room}/broadcast`)).body;
    await expect.poll(async () => (await status()).id, poll).toBe(set.broadcast);
    await expect.poll(async () => (await status()).state, poll).toBe('live');
    const back = await fleet.again(home);
    await eventually(async () => (await fleet.status(back, '/readyz')) === 200, 'it is ready');
    expect((await call('GET', `/v1/rooms/${room}/schedule`)).status).toBe(404);
    const starts = [other, back].flatMap((node) => node.logs().filter(({ msg }) => msg === 'broadcast moved'));
    expect(new Set(starts.map((line) => line.broadcast))).toEqual(new Set([set.broadcast]));
  } finally {
    await fleet.stop();
  }
});
