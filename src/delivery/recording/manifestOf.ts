import { recordingIdOf } from '../../contracts/recording.ts';
import { ArchiveManifest } from '../archive/ArchiveManifest.ts';
import type { OpenOrder } from '../DeliveryBroadcast.ts';

/** Pure: of a broadcast that begins. */
export const manifestOf = (order: OpenOrder): ArchiveManifest =>
  ArchiveManifest.parse({
    version: 1,
    broadcast: order.broadcast,
    room: order.room,
    epoch: order.epoch,
    grid: order.grid,
    renditions: order.renditions,
    dvrSeconds: order.dvrSeconds,
    recording: order.record ? recordingIdOf(order.broadcast) : null,
    playback: order.playback,
    captions: order.captions,
    transcode: order.transcode,
  });
