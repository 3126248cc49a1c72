/** What a page asks to test its network before it joins; part of the table in handlers.ts (next: sfu/NetworkTest.ts). */
import type { types as mediasoup } from 'mediasoup';
import { AppError } from '../contracts/errors.ts';
import type { NetworkTest } from '../sfu/NetworkTest.ts';
import type { HandlerTable, Session } from './handlers.ts';

type NetworkEvent = Extract<keyof HandlerTable, `network:${string}`>;

/** The one that runs, or a new one. Throws AppError `too-many`. */
async function testOf(session: Session): Promise<NetworkTest> {
  if (session.networkTest && !session.networkTest.closed) return session.networkTest;
  if (!session.networkTests.take()) throw new AppError('too-many');
  const test = await session.registry.networkTests.open();
  session.networkTest = test;
  if (session.closed) test.close();
  return test;
}

function running({ networkTest }: Session): NetworkTest {
  if (!networkTest) throw new AppError('not-found', 'You have no test that runs.');
  return networkTest;
}

export const NETWORK_HANDLERS: Pick<HandlerTable, NetworkEvent> = {
  'network:open': {
    needs: 'nothing',
    handle: async (session, { way }) => {
      const test = await testOf(session);
      const { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters } = await test.open(way);
      return {
        transport: {
          id,
          iceParameters: { ...iceParameters },
          iceCandidates: iceCandidates.map((candidate) => ({ ...candidate })),
          dtlsParameters: { ...dtlsParameters },
          sctpParameters: { ...sctpParameters },
        },
        routerRtpCapabilities: { ...test.rtpCapabilities },
        iceServers: [...session.registry.iceServers],
      };
    },
  },
  'network:connect': {
    needs: 'nothing',
    handle: async (session, { transportId, dtlsParameters }) => {
      await running(session).connect(transportId, dtlsParameters as mediasoup.DtlsParameters);
      return {};
    },
  },
  'network:send': {
    needs: 'nothing',
    handle: async (session, { transportId, sctpStreamParameters }) => {
      const { id } = await running(session).send(transportId, sctpStreamParameters as mediasoup.SctpStreamParameters);
      return { dataProducerId: id };
    },
  },
  'network:received': { needs: 'nothing', handle: (session) => running(session).received() },
  'network:close': {
    needs: 'nothing',
    handle: (session) => {
      session.networkTest?.close();
      return {};
    },
  },
};
