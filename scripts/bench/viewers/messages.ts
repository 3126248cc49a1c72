/** What the bench and its generator say to each other (node's IPC). All times are CLOCK_MONOTONIC, ms, which all processes of a machine share. */

export interface Target {
  port: number;
  /** Of the renditions: `/live/ROOM/BROADCAST`, or the folder of the same files in nginx. */
  base: string;
  /** The playlist is asked for as it stands once part P of segment K is in it. */
  playlist: 'blocking' | 'file';
}

export interface Step {
  segment: number;
  part: number;
}

export type ToGenerator =
  /** Viewers come one after the other over `rampMs`; each begins with part `first`. */
  | { type: 'watch'; target: Target; viewers: number; rampMs: number; first: Step; partsPerSegment: number }
  /** The last byte of a part was put; with `file`, everybody may fetch it now. */
  | { type: 'put'; rendition: string; step: Step; atMs: number }
  /** Opens so many blocking requests for a part that does not come, each on a connection of its own. */
  | { type: 'park'; target: Target; requests: number; step: Step }
  /** Cuts all connections. */
  | { type: 'abort' }
  /** Results are sent, and counting begins anew. */
  | { type: 'report' };

export interface Report {
  type: 'report';
  /** From the put's last byte to a viewer's last byte, ms, sorted. */
  partMs: number[];
  /** Bytes of answers, heads included, and answers. */
  bytes: number;
  answers: number;
  /** Not 200, or cut off. */
  failures: number;
  firstFailure: string;
  viewers: number;
  /** Renditions of viewers that are some parts behind the newest one. */
  behind: number;
}

export type FromGenerator = { type: 'ready' } | { type: 'parked' } | Report;

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
