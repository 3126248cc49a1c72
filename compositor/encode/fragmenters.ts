/** The fragmenters of a broadcast's renditions, and the silence that delivery fills holes with. */
import { AAC_FRAME_SAMPLES, audioFramesOfSegment, type Grid, partsPerSegment } from '../../src/contracts/grid.ts';
import type { AudioRendition, VideoRendition } from '../../src/contracts/job.ts';
import { Fragmenter } from '../output/Fragmenter.ts';
import { AAC_PRIMING_FRAMES, AudioEncoder } from './AudioEncoder.ts';
import type { VideoEncoder } from './VideoEncoder.ts';

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

/** One segment of silence, from an encoder of its own. */
export async function silenceOf(rendition: AudioRendition, grid: Grid): Promise<Buffer> {
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
          fragmenter.write(packet, number * AAC_FRAME_SAMPLES, AAC_FRAME_SAMPLES);
          written += 1;
        }
        packet.free();
      }
    }
    return fragmenter.cut();
  } finally {
    fragmenter.close();
    encoder.close();
  }
}
