/**
 * Whether somebody's media would get here, and how much of it: a transport for each way, without media, on which data is sent
 * for a few seconds. In: parsed parameters of a client. Out: mediasoup's answers and how many bytes came. It has a router of
 * its own, so that no room feels it, on a worker whose ports are those of the rooms (owner: NetworkTests.ts).
 */
import type { types as mediasoup } from 'mediasoup';
import { AppError } from '../contracts/errors.ts';
import type { NetworkWay } from '../contracts/signaling.ts';
import type { MediaRouter } from './MediaRouter.ts';
import { toMediaError } from './mediaErrors.ts';

/** ICE gives up on UDP after some seconds, then 3 s of data: whoever takes longer has gone, ms. */
export const TEST_LIFE_MS = 20_000;
/** How often is looked at what came, ms. */
const LOOK_EVERY_MS = 250;
/** A page sends 3 s at 10 Mbit/s at most (client/studio/door/network/NetworkProbe.ts); more than this ends the test, bytes. */
export const TEST_MAX_BYTES = 6_000_000;
/** Larger messages are nobody's of ours, bytes. */
const MAX_MESSAGE_BYTES = 16_384;

/** What each way offers to ICE; `relay` is the client's own restriction to a TURN server, which reaches any candidate. */
const PROTOCOLS = {
  udp: { enableUdp: true, enableTcp: false },
  tcp: { enableUdp: false, enableTcp: true },
  relay: { enableUdp: true, enableTcp: true },
} as const satisfies Record<NetworkWay, object>;

export class NetworkTest {
  readonly #media: MediaRouter;
  readonly #transports = new Map<NetworkWay, mediasoup.WebRtcTransport>();
  readonly #onClosed: () => void;
  readonly #life: NodeJS.Timeout;
  readonly #look: NodeJS.Timeout;
  /** Of the ways that data may be sent by; of which a client uses one. */
  readonly #data: mediasoup.DataProducer[] = [];
  #closed = false;

  /** `onClosed` is called once. */
  constructor(media: MediaRouter, onClosed: () => void) {
    this.#media = media;
    this.#onClosed = onClosed;
    this.#life = setTimeout(() => this.close(), TEST_LIFE_MS);
    this.#look = setInterval(() => {
      this.received().catch(() => this.close());
    }, LOOK_EVERY_MS);
    media.once('closed', () => this.close());
    if (media.closed) this.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  get rtpCapabilities(): mediasoup.RtpCapabilities {
    return this.#media.router.rtpCapabilities;
  }

  /** Once for each way; throws AppError `conflict`. */
  async open(way: NetworkWay): Promise<mediasoup.WebRtcTransport> {
    this.#assertOpen();
    if (this.#transports.has(way)) throw new AppError('conflict', 'This way is being tested already.');
    try {
      const transport = await this.#media.router.createWebRtcTransport({
        webRtcServer: this.#media.webRtcServer,
        ...PROTOCOLS[way],
        enableSctp: true,
        maxReceiveMessageSize: MAX_MESSAGE_BYTES,
        appData: { way },
      });
      if (this.#closed) transport.close();
      this.#assertOpen();
      this.#transports.set(way, transport);
      return transport;
    } catch (error) {
      throw toMediaError(error);
    }
  }

  async connect(transportId: string, dtlsParameters: mediasoup.DtlsParameters): Promise<void> {
    const transport = this.#transport(transportId);
    if (transport.appData.connecting) throw new AppError('conflict', 'This transport is connected already.');
    transport.appData.connecting = true;
    try {
      await transport.connect({ dtlsParameters });
    } catch (error) {
      throw toMediaError(error);
    }
  }

  /** The client's data channel on this transport. */
  async send(
    transportId: string,
    sctpStreamParameters: mediasoup.SctpStreamParameters,
  ): Promise<mediasoup.DataProducer> {
    const transport = this.#transport(transportId);
    if (transport.appData.sending) throw new AppError('conflict', 'Data is sent by this transport already.');
    transport.appData.sending = true;
    try {
      const data = await transport.produceData({ sctpStreamParameters });
      this.#data.push(data);
      return data;
    } catch (error) {
      throw toMediaError(error);
    }
  }

  /** What has come by all data channels, bytes, and when that was looked at, ms of this process's clock. */
  async received(): Promise<{ bytes: number; atMs: number }> {
    this.#assertOpen();
    try {
      const stats = await Promise.all(this.#data.map((data) => data.getStats()));
      const bytes = stats.flat().reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
      if (bytes > TEST_MAX_BYTES) throw new AppError('too-large', 'That is more than a test needs.');
      return { bytes, atMs: performance.now() };
    } catch (error) {
      throw toMediaError(error);
    }
  }

  #transport(id: string): mediasoup.WebRtcTransport {
    this.#assertOpen();
    for (const transport of this.#transports.values()) if (transport.id === id) return transport;
    throw new AppError('not-found', 'You have no such transport.');
  }

  #assertOpen(): void {
    if (this.#closed) throw new AppError('conflict', 'This test is over; begin another one.');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#life);
    clearInterval(this.#look);
    for (const [way, transport] of this.#transports)
      this.#media.metrics.networkTests.inc({ way, reached: String(transport.dtlsState === 'connected') });
    this.#media.close();
    this.#onClosed();
  }
}
