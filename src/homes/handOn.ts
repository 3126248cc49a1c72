import type { RoomRegistry } from '../rooms/RoomRegistry.ts';
import type { SignalingServer } from '../signaling/SignalingServer.ts';
import type { SfuHomes } from './SfuHomes.ts';

export interface HandsOn {
  homes: SfuHomes | undefined;
  rooms: RoomRegistry | undefined;
  signaling: SignalingServer | undefined;
  /** Comes first: after it no broadcast of ours is live any more, here or at all. */
  broadcasts: () => Promise<void>;
}

/**
 * The end of an SFU node in a fleet, in order: it takes nothing new; its broadcasts go; its rooms may be at home elsewhere; their people are
 * told to come again, which they can at once.
 */
export async function handOn({ homes, rooms, signaling, broadcasts }: HandsOn): Promise<void> {
  homes?.drain();
  await broadcasts();
  await homes?.release();
  await signaling?.move();
  await rooms?.closeAll('moved');
}
