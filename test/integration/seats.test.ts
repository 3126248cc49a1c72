/** A host's word about people, at a whole server, by the sockets that pages have; and what of it the next process still knows. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { InvitationAnswer, InvitationList } from '../../src/contracts/invitations.ts';
import { jpegOf } from '../support/jpegOf.ts';
import { RtcPeer, RtcTransport } from '../support/RtcPeer.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { SignalingClient } from '../support/SignalingClient.ts';

const ROOM = 'people';
let server: ServerProcess;
let host: SignalingClient;
const clients: SignalingClient[] = [];

async function connect(token: string): Promise<SignalingClient> {
  const client = await SignalingClient.connect(server.url, { token, protocol: 2 });
  clients.push(client);
  return client;
}
const tokenFor = (role: 'host' | 'cohost' | 'audience', name: string) =>
  new ServerApi(server.url).joinToken(ROOM, role, name);

async function enter(role: 'host' | 'cohost' | 'audience', name: string): Promise<SignalingClient> {
  const client = await connect(await tokenFor(role, name));
  await client.join();
  return client;
}

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.url}/v1/rooms/${ROOM}/${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

beforeAll(async () => {
  server = await ServerProcess.start();
  host = await enter('host', 'Hanna');
});
afterAll(async () => {
  for (const client of clients) client.close();
  await server?.stop();
});

describe('the queue', () => {
  test('askers know their place; the host sees them, and says no with a reason', async () => {
    const [first, second] = [await enter('audience', 'First'), await enter('audience', 'Second')];
    await first.call('seat:request');
    await second.call('seat:request');
    expect(await second.next('seat:place')).toEqual({ place: 2, waiting: 2 });
    await first.call('seat:withdraw');
    expect(await second.next('seat:place')).toEqual({ place: 1, waiting: 1 });
    await host.call('seat:decline', { peerId: second.id, reason: 'Not today' });
    expect(await second.next('seat:declined')).toEqual({ reason: 'Not today' });
    expect(await host.refusal('seat:decline', { peerId: second.id, reason: 'x'.repeat(201) })).toBe('bad-request');
  });

  test('pictures of who asks reach the host: JPEGs of 320x180, of at most 40 kB, few', async () => {
    const asker = await enter('audience', 'Pia');
    const picture = jpegOf(320, 180);
    expect(await asker.refusal('seat:preview', { picture })).toBe('conflict');
    await asker.call('seat:request');
    await asker.call('seat:preview', { picture });
    const shown = await host.next('seat:preview');
    expect([shown.peerId, Buffer.from(shown.picture as Uint8Array)]).toEqual([asker.id, Buffer.from(picture)]);
    expect(await asker.refusal('seat:preview', { picture: jpegOf(1280, 720) })).toBe('bad-request');
    const others = await enter('audience', 'Quinn');
    await others.call('seat:request');
    const large = new Uint8Array(40_001);
    large.set(picture);
    expect(await others.refusal('seat:preview', { picture: large })).toBe('too-large');
    expect(await others.refusal('seat:preview', { picture: 'text' })).toBe('bad-request');
    // A hundred at once: the bucket lets three through and as many as there were seconds meanwhile.
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        others.call('seat:preview', { picture }).then(
          () => 'ok',
          (e) => e.code,
        ),
      ),
    );
    expect(answers).toContain('too-many');
  });
});

describe('somebody with a seat', () => {
  test('is silenced by a host, and told; only they can speak again', async () => {
    const guest = await enter('cohost', 'Gus');
    const sending = await RtcTransport.open(guest, 'send');
    const peer = new RtcPeer(sending);
    const { producerId } = await guest.call('producer:create', {
      ...{ transportId: sending.id, source: 'microphone', rtpParameters: peer.microphoneParameters },
    });
    expect(await guest.refusal('seat:mute', { peerId: host.id })).toBe('forbidden');
    await host.call('seat:mute', { peerId: guest.id });
    expect(await guest.next('seat:muted')).toEqual({ source: 'microphone' });
    const paused = (is: boolean) => host.next('peer:updated', (p) => p.id === guest.id && p.sources[0]?.paused === is);
    await paused(true);
    await guest.call('producer:resume', { producerId });
    await paused(false);
    await sending.stop();
    guest.close();
  });

  test('is named a host, and is one with the token that it got, at its next coming, too', async () => {
    const guest = await enter('cohost', 'Nora');
    expect(await guest.refusal('peer:host', { peerId: guest.id })).toBe('forbidden');
    await host.call('peer:host', { peerId: guest.id });
    const { role, token } = await guest.next('role:changed');
    expect(role).toBe('host');
    await guest.call('invitation:list');
    guest.close();
    const again = await connect(token);
    expect((await again.join({ resume: guest.id })).self).toMatchObject({ id: guest.id, role: 'host' });
    await again.call('leave');
  });
});

describe('invitations', () => {
  test('the API makes, lists and revokes them; each lets one person in', async () => {
    const made = await call('POST', 'invitations', { name: 'Ina', expiresInSeconds: 600 });
    expect(made.status).toBe(201);
    const { id, token } = InvitationAnswer.parse(made.body);
    const listed = InvitationList.parse((await call('GET', 'invitations')).body);
    expect(listed.invitations).toMatchObject([{ id, role: 'cohost', name: 'Ina' }]);
    const guest = await connect(token);
    expect((await guest.join()).self).toMatchObject({ name: 'Ina', role: 'cohost', seated: true });
    expect((await call('DELETE', `invitations/${id}`)).status).toBe(204);
    expect((await call('DELETE', `invitations/${id}`)).status).toBe(404);
    // Who is here may come back, nobody else may by their link; once gone it is over.
    const other = await connect(token);
    expect(await other.refusal('join')).toBe('unauthorized');
    await (await connect(token)).join({ resume: guest.id });
    await host.call('peer:remove', { peerId: guest.id });
    await expect(connect(token)).rejects.toMatchObject({ code: 'removed' });
    const unused = await host.call('invitation:create', { role: 'audience' });
    await host.call('invitation:revoke', { id: unused.id });
    await expect(connect(unused.token)).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe('somebody who was removed', () => {
  test('hears why, is gone, and is refused with every token of theirs; after a restart, too', async () => {
    const token = await tokenFor('cohost', 'Eve');
    const eve = await connect(token);
    await eve.join();
    const keptToken = await tokenFor('cohost', 'Kim');
    const kept = await connect(keptToken);
    await kept.join();
    await host.call('seat:program', { peerId: kept.id, on: false });
    await host.call('peer:remove', { peerId: eve.id, reason: 'Be kind' });
    expect(await eve.next('left')).toMatchObject({ reason: 'removed', words: 'Be kind' });
    await eve.next('disconnect');
    await expect(connect(token)).rejects.toMatchObject({ code: 'removed' });
    await server.kill();
    server = await server.again();
    await expect(connect(token)).rejects.toMatchObject({ code: 'removed' });
    // Who was in the green room is not on air all of a sudden.
    const { self } = await (await connect(keptToken)).join();
    expect(self).toMatchObject({ id: kept.id, seated: true, offProgram: true });
  });
});
