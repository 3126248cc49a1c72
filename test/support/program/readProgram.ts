/**
 * Reads a recorded program: pictures → tiles → who is where and which frame of theirs is shown; sound → beeps; both → lip-sync.
 * What comes in is a file (or two: video and audio) or a URL that libavformat reads; `HlsRecorder.ts` makes the files of an HLS program.
 */
import { CLIPS } from '../../../scripts/simulator/clip/frameCode.ts';
import type { Cell } from '../../../src/layout/grid.ts';
import { type Decoded, type DecodeOptions, decodeMedia } from './decodeMedia.ts';
import { type Picture, readTile, readTiles, type TileReading } from './readTile.ts';
import { type AvOffset, avOffsets, type CounterRun, counterRun, flashes, type Sighting } from './timeline.ts';
import { type Beep, findBeeps } from './tones.ts';

export interface ProgramFrame {
  /** Presentation time, seconds. */
  at: number;
  tiles: TileReading[];
}

export interface PeerReading {
  clip: number;
  sightings: Sighting[];
  counters: CounterRun;
  flashes: number[];
  beeps: Beep[];
  offsets: AvOffset[];
}

export interface ProgramReading {
  width: number;
  height: number;
  frames: ProgramFrame[];
  /** Presentation times of the video packets, in order. */
  videoTimes: number[];
  keyFrames: number[];
  audioPackets: { at: number; duration: number }[];
  /** Every peer that was seen, by its clip's number. */
  peers: Map<number, PeerReading>;
}

export interface ReadProgramOptions extends Omit<DecodeOptions, 'onPicture'> {
  /** One file or URL with both, or the video's and the audio's. */
  inputs: readonly string[];
  /** Where the tiles are; found out from the picture when absent. */
  cells?: readonly Cell[];
  /** Called with each picture as well: to look at something else in it. It is gone when the call returns. */
  onPicture?: (picture: Picture, at: number) => void;
}

export async function readProgram({ inputs, cells, onPicture, ...rest }: ReadProgramOptions): Promise<ProgramReading> {
  const frames: ProgramFrame[] = [];
  let likely = 0;
  const look = (picture: Picture, at: number) => {
    const tiles = cells ? cells.map((cell) => readTile(picture, cell)) : readTiles(picture, likely);
    if (tiles.length > 0) likely = tiles.length;
    frames.push({ at, tiles });
    onPicture?.(picture, at);
  };
  const parts: Decoded[] = [];
  for (const input of inputs) parts.push(await decodeMedia(input, { ...rest, onPicture: look }));
  const video = parts.find((part) => part.video)?.video;
  const audio = parts.find((part) => part.audio)?.audio;
  frames.sort((a, b) => a.at - b.at);
  const peers = new Map<number, PeerReading>();
  for (let clip = 0; clip < CLIPS; clip++) {
    const sightings = sightingsOf(frames, clip);
    if (sightings.length === 0) continue;
    const flashTimes = flashes(sightings);
    const beeps = audio ? findBeeps(audio.sound, clip) : [];
    peers.set(clip, {
      ...{ clip, sightings, beeps },
      counters: counterRun(sightings),
      flashes: flashTimes,
      offsets: avOffsets(flashTimes, beeps),
    });
  }
  return {
    width: video?.width ?? 0,
    height: video?.height ?? 0,
    frames,
    videoTimes: video?.packets.map((packet) => packet.at).sort((a, b) => a - b) ?? [],
    keyFrames: video?.keyFrames ?? [],
    audioPackets: audio?.packets ?? [],
    peers,
  };
}

function sightingsOf(frames: readonly ProgramFrame[], clip: number): Sighting[] {
  return frames.flatMap(({ at, tiles }) => {
    const tile = tiles.find((t) => t.code?.clip === clip);
    return tile?.code ? [{ at, counter: tile.code.counter, flash: tile.flash }] : [];
  });
}
