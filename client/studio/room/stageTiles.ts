/** Who stands on the stage: everybody with a seat, whatever the scene hides or makes large in the program. Pure. */
import type { SourceKind } from '../../../src/contracts/ids.ts';
import type { PeerInfo } from '../../../src/contracts/signaling.ts';
import type { Cell } from '../../../src/layout/grid.ts';
import type { RemoteTrack } from '../session/MediaLink.ts';

export interface StageTile {
  key: string;
  peerId: string;
  name: string;
  self: boolean;
  source: 'camera' | 'screen';
  /** null: a placeholder for a person without a picture. */
  track: MediaStreamTrack | null;
  consumerId: string | null;
  muted: boolean;
  away: boolean;
  /** It is not in the program. */
  offProgram?: boolean;
}

export interface OwnTracks {
  camera: MediaStreamTrack | null;
  screen: MediaStreamTrack | null;
  muted: boolean;
}

/** A tile for each screen and camera, or a placeholder, of each seated person, in the order in which they are given. */
export function stageTiles(
  seated: readonly PeerInfo[],
  selfId: string,
  own: OwnTracks,
  remote: readonly RemoteTrack[],
): StageTile[] {
  return seated.flatMap((peer) => {
    const self = peer.id === selfId;
    const picture = (source: 'camera' | 'screen') => {
      if (self) return { track: own[source], consumerId: null };
      const found = remote.find((r) => r.peerId === peer.id && r.source === source && !r.paused);
      return { track: found?.track ?? null, consumerId: found?.consumerId ?? null };
    };
    const base = {
      peerId: peer.id,
      name: peer.name,
      self,
      muted: self ? own.muted : !sends(peer, 'microphone'),
      away: peer.presence === 'away',
      ...(peer.offProgram ? { offProgram: true } : {}),
    };
    const tile = (source: 'camera' | 'screen'): StageTile => ({
      ...base,
      key: `${peer.id}.${source}`,
      source,
      ...picture(source),
    });
    const screen = tile('screen');
    const camera = tile('camera');
    if (!screen.track) return [camera];
    return camera.track ? [screen, camera] : [screen];
  });
}

/** Whether a peer sends something of this kind right now. */
export const sends = (peer: PeerInfo, kind: SourceKind): boolean =>
  peer.sources.some((source) => source.kind === kind && !source.paused);

/** No wider than cameras are: a wider cell would cut off heads. */
const WIDEST = 16 / 9;

/** The part of a cell that a tile takes: all of it, or its middle where it is too wide. */
export function fitTile(cell: Cell): Cell {
  const width = Math.min(cell.width, Math.round(cell.height * WIDEST));
  return { ...cell, x: cell.x + Math.round((cell.width - width) / 2), width };
}
