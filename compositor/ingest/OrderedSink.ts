import type { RtpPacket } from './rtpPacket.ts';

/** What SourceReceiver.ts hands its packets to: VideoFrames.ts or AudioPackets.ts. */
export interface OrderedSink {
  /** The next packet in order of sequence numbers. */
  write(packet: RtpPacket, nowMs: number): void;
  /** `count` packets are lost for good, just before the next one written. */
  lost(count: number, nowMs: number): void;
  /** A packet came that has to wait for the hole before it. */
  ahead(packet: RtpPacket): void;
  /**
   * When the hole at the front is to be given up, program time in ms. `sinceMs`: when it was found; `next`: the first
   * packet behind it.
   */
  giveUpAtMs(sinceMs: number, next: RtpPacket, nowMs: number): number;
  /** Called each 10 ms while there is a hole, else each 100 ms. `holeSinceMs`: null where there is none. */
  tick(nowMs: number, holeSinceMs: number | null): void;
}

/** What a sink asks of the time line and the playout delay of its source. */
export interface Timing {
  unwrap(timestamp: number): number;
  /** Program time at which `rtp` (unwrapped) is to be seen or heard, ms. */
  playoutMs(rtp: number, nowMs: number): number;
  /** What was captured at `rtp` is complete now. */
  complete(rtp: number, nowMs: number): void;
}
