/**
 * Tests the way to the media server before one joins. In: a token. Out: by which ways it is reached, how far it is, and how much gets through
 * (next: verdict.ts). Over a socket of its own, so that joining meanwhile is not held up; the server's side is src/sfu/NetworkTest.ts.
 */
import { Device, type types } from 'mediasoup-client';
import type { IceServer, NetworkOpenAnswer, NetworkWay } from '../../../../src/contracts/signaling.ts';
import { ProblemError, problemOf, problemOfCode } from '../../../shared/problems.ts';
import { SignalingClient } from '../../session/SignalingClient.ts';
import { UploadMeter } from './UploadMeter.ts';
import { bestWay, type Findings, type Reach } from './verdict.ts';

/** Longer than ICE needs over a bad line; a blocked way gives no answer at all, ms. */
const REACH_LIMIT_MS = 6_000;
/** How long the socket may take, ms. */
const CONNECT_LIMIT_MS = 10_000;

/** What is done just now. */
export type Step = 'connecting' | 'ways' | 'upload';

interface Way {
  transport: types.Transport;
  channel: types.DataProducer;
}

const isTurn = ({ urls }: IceServer): boolean => [urls].flat().some((url) => /^turns?:/.test(url));

export class NetworkProbe {
  readonly #signaling: SignalingClient;
  readonly #onStep: (step: Step) => void;
  readonly #transports: types.Transport[] = [];
  readonly #ended = new AbortController();
  #device: Device | undefined;

  constructor({ room, token, onStep }: { room: string; token: string; onStep: (step: Step) => void }) {
    this.#signaling = new SignalingClient(room, token);
    this.#onStep = onStep;
  }

  /** Once. Throws ProblemError; `too-many` when others test, or one did so too often. */
  async run(): Promise<Findings> {
    try {
      this.#onStep('connecting');
      this.#device = await Device.factory().catch((cause: unknown) => {
        throw new ProblemError('no-webrtc', '', { cause });
      });
      await this.#connect();
      return await this.#test();
    } catch (error) {
      const { code, detail } = problemOf(error);
      throw new ProblemError(code, detail, { cause: error });
    } finally {
      if (this.#signaling.socket.connected) await this.#signaling.request('network:close', {}).catch(() => undefined);
      this.close();
    }
  }

  async #test(): Promise<Findings> {
    this.#onStep('ways');
    const servers = new Set<string>();
    const tried = new Map<NetworkWay, Way | null>();
    // One after the other is asked for, and all are waited for together.
    const udp = await this.#open('udp', servers);
    const tcp = await this.#open('tcp', servers);
    const [byUdp, byTcp] = await Promise.all([this.#reach(udp), this.#reach(tcp)]);
    tried.set('udp', byUdp).set('tcp', byTcp);
    if (!byUdp && !byTcp && udp.iceServers.some(isTurn))
      tried.set('relay', await this.#reach(await this.#open('relay', servers), 'relay'));
    const ways: Findings['ways'] = {};
    for (const [way, found] of tried) ways[way] = { reached: found !== null };
    const best = bestWay({ ways });
    const uploadBps = await this.#upload(best === null ? null : (tried.get(best) ?? null));
    // Only now: ICE has measured each way a few times.
    for (const [way, found] of tried) ways[way] = await reachOf(found);
    return { ways, uploadBps, limitBps: UploadMeter.limitBps, servers: [...servers] };
  }

  /** Bits a second by this way; null: there is none, or it could not be measured. */
  async #upload(way: Way | null): Promise<number | null> {
    if (!way) return null;
    this.#onStep('upload');
    const meter = new UploadMeter(() => this.#signaling.request('network:received', {}));
    return meter.measure(way.channel, this.#ended.signal);
  }

  #connect(): Promise<void> {
    const { socket } = this.#signaling;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new ProblemError('server-unreachable')), CONNECT_LIMIT_MS);
      const end = (act: () => void): void => {
        clearTimeout(timer);
        act();
      };
      socket.once('connect', () => end(resolve));
      socket.on('connect_error', (error) => {
        const code = (error as { data?: { code?: unknown } }).data?.code;
        // Without a code it is the network's error, and socket.io tries again by itself.
        if (typeof code !== 'string' || this.#signaling.asksOlder(code)) return;
        const problem = problemOfCode(code, error.message);
        end(() => reject(new ProblemError(problem.code, problem.detail)));
      });
      socket.connect();
    });
  }

  async #open(way: NetworkWay, servers: Set<string>): Promise<NetworkOpenAnswer> {
    const answer = await this.#signaling.request('network:open', { way });
    for (const { protocol, address, ip, port } of answer.transport.iceCandidates)
      servers.add(`${String(protocol).toUpperCase()} ${String(address ?? ip)}:${String(port)}`);
    if (this.#device && !this.#device.loaded)
      await this.#device.load({ routerRtpCapabilities: answer.routerRtpCapabilities as types.RtpCapabilities });
    return answer;
  }

  /** null: nothing came back in time. Without `policy` the server is to be reached as it is: no TURN server takes part. */
  async #reach({ transport: options, iceServers }: NetworkOpenAnswer, policy?: 'relay'): Promise<Way | null> {
    const transport = this.#device?.createSendTransport({
      ...options,
      ...(policy ? { iceServers, iceTransportPolicy: policy } : {}),
    } as unknown as types.TransportOptions);
    if (!transport) return null;
    this.#transports.push(transport);
    transport.on('connect', ({ dtlsParameters }, callback, errback) => {
      this.#signaling
        .request('network:connect', { transportId: transport.id, dtlsParameters: dtlsParameters as never })
        .then(() => callback(), errback);
    });
    transport.on('producedata', ({ sctpStreamParameters }, callback, errback) => {
      const { streamId, ...rest } = sctpStreamParameters;
      if (streamId === undefined) return errback(new Error('a data channel without an id'));
      this.#signaling
        .request('network:send', { transportId: transport.id, sctpStreamParameters: { streamId, ...rest } })
        .then(({ dataProducerId }) => callback({ id: dataProducerId }), errback);
    });
    const channel = await this.#opened(transport);
    return channel ? { transport, channel } : null;
  }

  /** A data channel that is open; null: it does not get so far in time. */
  async #opened(transport: types.Transport): Promise<types.DataProducer | null> {
    const { promise: failed, resolve: fail } = Promise.withResolvers<null>();
    const timer = setTimeout(() => fail(null), REACH_LIMIT_MS);
    this.#ended.signal.addEventListener('abort', () => fail(null));
    transport.on('connectionstatechange', (state) => {
      if (state === 'failed' || state === 'closed') fail(null);
    });
    // Unordered and never sent again: a lost packet is lost to the measurement, too.
    const open = transport.produceData({ ordered: false, maxRetransmits: 0 }).then(
      (channel) =>
        new Promise<types.DataProducer>((resolve) => {
          if (channel.readyState === 'open') resolve(channel);
          else channel.once('open', () => resolve(channel));
        }),
    );
    const channel = await Promise.race([open, failed]).finally(() => clearTimeout(timer));
    // One that is given up later ends with its transport.
    open.catch(() => undefined);
    return channel;
  }

  /** Ends the test. Idempotent. */
  close(): void {
    this.#ended.abort();
    for (const transport of this.#transports) transport.close();
    this.#signaling.close();
  }
}

async function reachOf(way: Way | null): Promise<Reach> {
  if (!way) return { reached: false };
  const rttMs = await rttOf(way.transport);
  return { reached: true, ...(rttMs === undefined ? {} : { rttMs }) };
}

/** There and back, ms, as ICE has measured it; undefined: not yet. */
async function rttOf(transport: types.Transport): Promise<number | undefined> {
  const stats = (await transport.getStats()).values() as Iterable<RTCIceCandidatePairStats>;
  for (const { type, state, currentRoundTripTime } of stats)
    if (type === 'candidate-pair' && state === 'succeeded' && currentRoundTripTime !== undefined)
      return currentRoundTripTime * 1_000;
  return undefined;
}
