/**
 * What a compositor puts before its first part: the init segment, and one segment of slate or silence in the broadcast's
 * own encoding, from encoders of its own with the same settings. Delivery fills holes with it.
 */
import type { Packet } from 'node-av';
import { AAC_FRAME_SAMPLES, audioFramesOfSegment, type Grid, partsPerSegment } from '../../src/contracts/grid.ts';
import type { AudioRendition, EncoderSettings, VideoRendition } from '../../src/contracts/job.ts';
import { Canvas, type Sprite } from '../compose/Canvas.ts';
import { Fragmenter } from '../output/Fragmenter.ts';
import { AAC_PRIMING_FRAMES, AudioEncoder } from './AudioEncoder.ts';
import { VideoEncoder } from './VideoEncoder.ts';

export interface Preface {
  init: Buffer;
  slate: Buffer;
}

/** The fragmenter of a rendition, ready for the first part of `firstSegment`. */
export function videoFragmenter(
  encoder: VideoEncoder,
  rendition: VideoRendition,
  grid: Grid,
  firstSegment: number,
): Fragmenter {
  return new Fragmenter({
    parameters: encoder.parameters(),
    bitrate: rendition.bitrate,
    timeBase: grid.fps,
    firstSequence: 1 + firstSegment * partsPerSegment(grid),
  });
}

export function audioFragmenter(
  encoder: AudioEncoder,
  rendition: AudioRendition,
  grid: Grid,
  firstSegment: number,
): Fragmenter {
  return new Fragmenter({
    parameters: encoder.parameters(),
    bitrate: rendition.bitrate,
    timeBase: grid.sampleRate,
    firstSequence: 1 + firstSegment * partsPerSegment(grid),
  });
}

export async function videoPreface(
  rendition: VideoRendition,
  grid: Grid,
  settings: EncoderSettings,
  slate: Sprite,
): Promise<Preface> {
  const encoder = await VideoEncoder.create(rendition, grid, settings);
  const fragmenter = videoFragmenter(encoder, rendition, grid, 0);
  const canvas = new Canvas(rendition.width, rendition.height);
  try {
    canvas.blit(slate, 0, 0);
    for (let frame = 0; frame < grid.framesPerSegment; frame++) {
      for (const packet of await encoder.encode(canvas.frame, frame)) write(fragmenter, packet, frame, 1);
    }
    return { init: fragmenter.init, slate: fragmenter.cut() };
  } finally {
    fragmenter.close();
    encoder.close();
    canvas.close();
  }
}

export async function audioPreface(rendition: AudioRendition, grid: Grid): Promise<Preface> {
  const encoder = await AudioEncoder.create(rendition, grid.sampleRate);
  const fragmenter = audioFragmenter(encoder, rendition, grid, 0);
  const silence = new Float32Array(AAC_FRAME_SAMPLES);
  try {
    const { count } = audioFramesOfSegment(grid, 0);
    // The encoder holds back a frame or two: it is fed until the last wanted one has come out.
    let written = 0;
    for (let frame = -AAC_PRIMING_FRAMES; written < count; frame++) {
      for (const packet of encoder.encode(frame, silence, silence)) {
        const number = Number(packet.pts) / AAC_FRAME_SAMPLES;
        if (number >= 0 && number < count) {
          write(fragmenter, packet, number * AAC_FRAME_SAMPLES, AAC_FRAME_SAMPLES);
          written += 1;
        } else packet.free();
      }
    }
    return { init: fragmenter.init, slate: fragmenter.cut() };
  } finally {
    fragmenter.close();
    encoder.close();
  }
}

function write(fragmenter: Fragmenter, packet: Packet, at: number, duration: number): void {
  fragmenter.write(packet, at, duration);
  packet.free();
}
