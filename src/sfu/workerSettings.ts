import type { Config } from '../config.ts';

/** Pure: what mediasoup's workers take from the settings. */
export const workerSettings = ({ sfuWorkers, rtcHost, announcedAddress, rtcPort }: Config) => ({
  workers: Math.max(1, sfuWorkers),
  listenIp: rtcHost,
  ...(announcedAddress ? { announcedAddress } : {}),
  basePort: rtcPort,
});
