/** A controller finds the protocol number of an agent and of a delivery node, whether it was announced or not. */
import { once } from 'node:events';
import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { CompositorLink } from '../../../src/broadcast/CompositorLink.ts';
import { DeliveryLink, type OpenOrder } from '../../../src/broadcast/DeliveryLink.ts';
import { monotonicClock } from '../../../src/common/clock.ts';
import { FakeAgent } from '../../support/broadcast/FakeAgent.ts';
import { InternalServer } from '../../support/broadcast/InternalServer.ts';

const logger = pino({ level: 'silent' });
const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
});

type Say = (message: object) => void;

/** A node that refuses all numbers but those that `speaks` names; what it was asked for, one `open` a connection, and what was said after. */
async function node(path: string, speaks: readonly number[], refusal: object, welcome: (say: Say) => void) {
  const asked: Record<string, unknown>[] = [];
  const said: Record<string, unknown>[] = [];
  const sockets = new WebSocketServer({ noServer: true });
  const server = await InternalServer.listen({
    [path]: { handleUpgrade: (request, socket, head) => sockets.handleUpgrade(request, socket, head, opened) },
  });
  cleanup.push(
    () => server.close(),
    () => {
      for (const client of sockets.clients) client.terminate();
    },
  );
  async function opened(socket: WebSocket): Promise<void> {
    const [data] = (await once(socket, 'message')) as [Buffer];
    const open = JSON.parse(String(data)) as Record<string, unknown>;
    asked.push(open);
    socket.on('message', (more: Buffer) => said.push(JSON.parse(String(more)) as Record<string, unknown>));
    const say: Say = (message) => socket.send(JSON.stringify(message));
    if (speaks.includes(Number(open.protocol))) welcome(say);
    else {
      say(refusal);
      socket.close();
    }
  }
  const hangUp = () => {
    for (const client of sockets.clients) client.terminate();
  };
  return { url: server.url, asked, said, hangUp, numbers: () => asked.map(({ protocol }) => protocol) };
}

describe('an agent', () => {
  const BOUND = {
    type: 'bound',
    ...{ ip: '127.0.0.1', port: 1, pid: 1 },
    srtpParameters: { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64: 'k'.repeat(40) },
  };
  const agent = (speaks: readonly number[]) =>
    node('/control', speaks, { type: 'refused', code: 'protocol', message: 'another one' }, (say) => say(BOUND));
  const open = async (agentUrl: string, protocol?: number) => {
    const ids = { broadcast: 'baaaaaaaaaaaa', compositor: 'caaaaaaaaaaaa', fence: 1, slots: 1 };
    const { link } = await CompositorLink.open({
      ...{ agentUrl, protocol, token: 't', ...ids, clock: monotonicClock, logger },
    });
    cleanup.push(() => link.close());
    return link.protocol;
  };

  test('that announced 1 is spoken to in 1, at once', async () => {
    const { url, numbers } = await agent([1]);
    expect(await open(url, 1)).toBe(1);
    expect(numbers()).toEqual([1]);
  });

  test('that is not announced is asked in 2, and when it refuses in 1', async () => {
    const { url, numbers } = await agent([1]);
    expect(await open(url)).toBe(1);
    expect(numbers()).toEqual([2, 1]);
  });

  test('that announced 3 understands 2', async () => {
    const { url, numbers } = await agent([2, 3]);
    expect(await open(url, 3)).toBe(2);
    expect(numbers()).toEqual([2]);
  });

  test('that refuses both is none', async () => {
    const { url, numbers } = await agent([]);
    await expect(open(url)).rejects.toMatchObject({ code: 'no-capacity' });
    expect(numbers()).toEqual([2, 1]);
  });

  test('that is full is not asked again', async () => {
    const full = new FakeAgent();
    full.refuse = true;
    const server = await InternalServer.listen({ '/control': full });
    cleanup.push(
      () => server.close(),
      () => full.close(),
    );
    let connections = 0;
    server.server.on('upgrade', () => connections++);
    await expect(open(server.url)).rejects.toMatchObject({ code: 'no-capacity' });
    expect(connections).toBe(1);
  });
});

describe('a delivery node', () => {
  const delivery = (speaks: readonly number[], code: string, answer: object = { type: 'opened' }) =>
    node('/delivery', speaks, { type: 'refused', code, message: 'not an order: protocol' }, (say) => say(answer));
  const open = async (deliveryUrl: string, protocol?: number) => {
    const order = () => ({ type: 'open', protocol: 2, broadcast: 'baaaaaaaaaaaa' }) as OpenOrder;
    const newToken = async () => 't';
    const link = await DeliveryLink.open({ deliveryUrl, protocol, newToken, order, clock: monotonicClock, logger });
    cleanup.push(() => link.close());
    return link;
  };

  test('of version 1 is not told of a compositor that stands by, neither at once nor when the connection is made anew', async () => {
    const { url, said, hangUp } = await delivery([1], 'protocol');
    const link = await open(url, 1);
    const take = { type: 'take', from: 1, fence: 1 } as const;
    const isSaid = (count: number) => vi.waitFor(() => expect(said.length).toBe(count), 5_000);
    link.send({ ...take, compositor: 'caaaaaaaaaaaa', standby: false });
    link.send({ ...take, compositor: 'cbbbbbbbbbbbb', standby: true });
    link.send({ type: 'remove-destination', id: 'daaaaaaaaaaaa' });
    await isSaid(2);
    const back = new Promise<void>((resolve) => link.once('back', resolve));
    hangUp();
    await back;
    link.send({ type: 'remove-destination', id: 'daaaaaaaaaaaa' });
    await isSaid(4);
    expect(said.map(({ type, compositor }) => [type, compositor])).toEqual([
      ...[
        ['take', 'caaaaaaaaaaaa'],
        ['remove-destination', undefined],
      ],
      ...[
        ['take', 'caaaaaaaaaaaa'],
        ['remove-destination', undefined],
      ],
    ]);
  });

  test.each(['bad-request', 'protocol'])(
    'that refuses 2 with `%s` is asked in 1, as version 1 wants it',
    async (code) => {
      const { url, numbers } = await delivery([1], code);
      await open(url);
      expect(numbers()).toEqual([2, 1]);
    },
  );

  test('that announced 1 is spoken to in 1, at once', async () => {
    const { url, numbers } = await delivery([1], 'protocol');
    await open(url, 1);
    expect(numbers()).toEqual([1]);
  });

  test('that refuses both is told to the broadcast as an error', async () => {
    const { url, numbers } = await delivery([], 'protocol');
    await expect(open(url)).rejects.toMatchObject({ code: 'internal' });
    expect(numbers()).toEqual([2, 1]);
  });

  test('that has a newer owner of the broadcast is not asked again', async () => {
    const refusal = { type: 'refused', code: 'stale-fence', message: 'another has it' };
    const { url, numbers } = await delivery([1, 2], 'protocol', refusal);
    await expect(open(url)).rejects.toMatchObject({ code: 'stale-fence' });
    expect(numbers()).toEqual([2]);
  });
});
