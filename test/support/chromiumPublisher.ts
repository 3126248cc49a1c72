/** Runs in Chromium: joins a room and sends the fake camera, with the real mediasoup-client. */
import { Device } from 'mediasoup-client';
import { io } from 'socket.io-client';

interface Extension {
  uri: string;
  direction: string;
}
interface Transceiver {
  getHeaderExtensionsToNegotiate(): Extension[];
  setHeaderExtensionsToNegotiate(extensions: Extension[]): void;
}

/** Has Chromium offer abs-capture-time, which breaks layer switching unless the server takes it away. */
function offerAbsCaptureTime(): void {
  const { prototype } = (
    globalThis as never as { RTCPeerConnection: { prototype: { addTransceiver(...args: unknown[]): Transceiver } } }
  ).RTCPeerConnection;
  const { addTransceiver } = prototype;
  prototype.addTransceiver = function (...args) {
    const transceiver = addTransceiver.apply(this, args);
    const extensions = transceiver.getHeaderExtensionsToNegotiate();
    for (const e of extensions) if (e.uri.endsWith('/abs-capture-time')) e.direction = 'sendrecv';
    transceiver.setHeaderExtensionsToNegotiate(extensions);
    return transceiver;
  };
}

const LAYERS = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000, scalabilityMode: 'L1T2' },
  { scaleResolutionDownBy: 2, maxBitrate: 500_000, scalabilityMode: 'L1T2' },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000, scalabilityMode: 'L1T2' },
];
const SVC = [{ maxBitrate: 2_000_000, scalabilityMode: 'L3T3_KEY' }];
/** Where the bandwidth estimate begins, kbit/s, enough for all layers: from libwebrtc's own 300 the largest comes after ten seconds. */
const START_BITRATE_KBIT = 2500;

export type PublishedCodec = 'VP8' | 'VP9' | 'AV1' | 'the first';

interface Publisher {
  /**
   * VP8 in three simulcast layers, VP9 and AV1 in one stream of three spatial and temporal layers; `the first`: what the
   * browser takes by itself. Answers the RTP parameters as JSON.
   */
  publishCamera(token: string, codec: PublishedCodec): Promise<string>;
  /** As the studio does (client/studio/session/MediaLink.ts), but what the microphone hears is sent as it is. */
  publishMicrophone(token: string): Promise<string>;
}

interface Tracks {
  navigator: { mediaDevices: { getUserMedia(constraints: object): Promise<{ getTracks(): never[] }> } };
}

async function capture(constraints: object): Promise<never> {
  const stream = await (globalThis as never as Tracks).navigator.mediaDevices.getUserMedia(constraints);
  const [track] = stream.getTracks();
  return track as never;
}

/** Joins, and has a transport to send `source` by. */
async function join(token: string, source: 'camera' | 'microphone') {
  const socket = io({ transports: ['websocket'], auth: { token, protocol: 1 } });
  const call = async (event: string, payload: object): Promise<never> => {
    const answer = await socket.timeout(20_000).emitWithAck(event, payload);
    if (!answer.ok) throw new Error(`${event}: ${answer.error.message}`);
    return answer.data as never;
  };
  const { routerRtpCapabilities } = (await call('join', {})) as { routerRtpCapabilities: never };
  const device = await Device.factory();
  await device.load({ routerRtpCapabilities });
  const transport = device.createSendTransport(await call('transport:create', { direction: 'send' }));
  transport.on('connect', ({ dtlsParameters }, done, failed) => {
    call('transport:connect', { transportId: transport.id, dtlsParameters }).then(done, failed);
  });
  transport.on('produce', ({ rtpParameters }, done, failed) => {
    call('producer:create', { transportId: transport.id, source, rtpParameters }).then(
      ({ producerId }: { producerId: string }) => done({ id: producerId }),
      failed,
    );
  });
  return { device, transport };
}

(globalThis as unknown as { publisher: Publisher }).publisher = {
  async publishCamera(token, codec) {
    offerAbsCaptureTime();
    const { device, transport } = await join(token, 'camera');
    const producer = await transport.produce({
      track: await capture({ video: { width: 1280, height: 720, frameRate: 30 } }),
      ...(codec === 'the first'
        ? {}
        : {
            codec: device.rtpCapabilities.codecs?.find((c) => c.mimeType === `video/${codec}`) as never,
            encodings: codec === 'VP8' ? LAYERS : SVC,
            codecOptions: { videoGoogleStartBitrate: START_BITRATE_KBIT },
          }),
    });
    return JSON.stringify(producer.rtpParameters);
  },

  async publishMicrophone(token) {
    const { transport } = await join(token, 'microphone');
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const producer = await transport.produce({
      track: await capture({ audio: plain }),
      codecOptions: { opusFec: true, opusDtx: true, opusStereo: false },
    });
    return JSON.stringify(producer.rtpParameters);
  },
};
