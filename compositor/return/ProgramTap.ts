import type { CodecParameters, Packet } from 'node-av';
import type { PeerId } from '../../src/contracts/ids.ts';
import type { MixMinus } from '../compose/MixMinus.ts';

/** What the pipeline shows of its program while it makes it. ProgramReturn.ts is one. */
export interface ProgramTap {
  /** Once, before the first frame: how the largest rendition is encoded. The parameters are the taker's to free. */
  begin(fps: number, parameters: CodecParameters): void;
  /** One frame of it; `pts` is its number on the grid. The packet is good until this returns. */
  video(packet: Packet): void;
  /** Who listens; read anew for each block of sound. */
  readonly listeners: ReadonlyMap<PeerId, MixMinus>;
}
