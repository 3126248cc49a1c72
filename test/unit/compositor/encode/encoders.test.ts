import type { Frame } from 'node-av';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { Canvas } from '../../../../compositor/compose/Canvas.ts';
import { AudioEncoder } from '../../../../compositor/encode/AudioEncoder.ts';
import { audioFragmenter, videoFragmenter } from '../../../../compositor/encode/fragmenters.ts';
import { openVideoEncoders } from '../../../../compositor/encode/openVideoEncoders.ts';
import { PictureScaler } from '../../../../compositor/encode/PictureScaler.ts';
import { sortRenditions } from '../../../../compositor/encode/ProgramEncoder.ts';
import { VideoEncoder } from '../../../../compositor/encode/VideoEncoder.ts';
import { RenditionWriter } from '../../../../compositor/output/RenditionWriter.ts';
import { AAC_FRAME_SAMPLES, audioFramesOfPart } from '../../../../src/contracts/grid.ts';
import { CollectingSink, jobOf } from '../../../support/pipelineHarness.ts';

const job = jobOf([]);
const { video, audio } = sortRenditions(job.renditions);
const openVideo = () => VideoEncoder.create(video, job.grid, job.encoder);
const openAudio = () => AudioEncoder.create(audio, 48_000);

/** Box types and sizes at one level. */
function boxes(bytes: Buffer): string[] {
  const types: string[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at))
    types.push(bytes.toString('latin1', at + 4, at + 8));
  return types;
}

describe('encoders', () => {
  test('init segments are byte-equal, wherever on the grid and whatever was encoded before', async () => {
    const encoders = [await openVideo(), await openVideo()] as const;
    const canvas = new Canvas(video.width, video.height);
    for (const packet of await encoders[1].encode(canvas.frame, 600)) packet.free();
    const [one, two] = [
      videoFragmenter(encoders[0], video, job.grid, 0),
      videoFragmenter(encoders[1], video, job.grid, 20),
    ];
    expect(boxes(one.init)).toEqual(['ftyp', 'moov']);
    expect(two.init.equals(one.init)).toBe(true);
    for (const closable of [one, two, ...encoders, canvas]) closable.close();

    const sound = [await openAudio(), await openAudio()] as const;
    const [three, four] = [
      audioFragmenter(sound[0], audio, job.grid, 0),
      audioFragmenter(sound[1], audio, job.grid, 7),
    ];
    expect(four.init.equals(three.init)).toBe(true);
    for (const closable of [three, four, ...sound]) closable.close();
  });

  test('one packet a frame, an IDR frame at each segment and nowhere else', async () => {
    const encoder = await openVideo();
    const canvas = new Canvas(video.width, video.height);
    const keys: number[] = [];
    for (let n = 25; n < 65; n++) {
      // Cuts: where x264 would like a key frame.
      canvas.fill({ x: 0, y: 0, width: video.width, height: video.height }, [n % 7 === 0 ? 200 : 40, 128, 128]);
      const packets = await encoder.encode(canvas.frame, n);
      expect(packets.map((packet) => [Number(packet.pts), Number(packet.dts)])).toEqual([[n, n]]);
      if (packets[0]?.isKeyframe) keys.push(n);
      packets[0]?.free();
    }
    // The first one of an encoder is one anyway.
    expect(keys).toEqual([25, 30, 60]);
    encoder.close();
    encoder.close();
    await expect(encoder.encode(canvas.frame, 65)).rejects.toThrow('closed');
    canvas.close();
  });

  test('AAC packets carry the label of the samples they decode to', async () => {
    const encoder = await openAudio();
    const silence = new Float32Array(AAC_FRAME_SAMPLES);
    const labels: number[] = [];
    for (let m = 92; m < 102; m++) {
      for (const packet of encoder.encode(m, silence, silence)) {
        labels.push(Number(packet.pts) / AAC_FRAME_SAMPLES);
        packet.free();
      }
    }
    expect(labels).toEqual(Array.from({ length: labels.length }, (_, i) => 91 + i));
    expect(labels.length).toBeGreaterThanOrEqual(8);
    encoder.close();
    encoder.close();
    expect(() => encoder.encode(102, silence, silence)).toThrow('closed');
  });

  test('a program has video renditions with different names, and a0; the largest is the canvas', () => {
    const small = { ...video, id: 'v180', width: 320, height: 180 };
    expect(sortRenditions([small, audio, video])).toEqual({ video, videos: [video, small], audio });
    for (const wrong of [
      [audio, audio],
      [video, video, audio],
      [video, small],
      [video, audio, audio],
    ])
      expect(() => sortRenditions(wrong)).toThrow('different names, and a0');
  });
});

describe('openVideoEncoders', () => {
  const logger = pino({ level: 'silent' });
  const grid = job.grid;
  // No test machine has a graphics card; should one have it, there is nothing to fall back from.
  const wanted = { ...job.encoder, codec: 'h264_nvenc' as const };

  test('libx264 stands in for an encoder that cannot be opened, in all renditions, with the same init segment as ever', async () => {
    const small = { ...video, id: 'v180', width: 320, height: 180 };
    const { settings, encoders } = await openVideoEncoders(
      [video, small],
      { grid, encoder: { ...wanted, fallback: true } },
      logger,
    );
    expect(settings.codec).toBe('libx264');
    expect(encoders).toHaveLength(2);
    const plain = await openVideo();
    const [one, other] = [plain, encoders[0]!].map((encoder) => videoFragmenter(encoder, video, grid, 0));
    expect(one!.init.equals(other!.init)).toBe(true);
    for (const closable of [one!, other!, plain, ...encoders]) closable.close();
  });

  test.each(['h264_nvenc', 'h264_vaapi', 'h264_qsv'] as const)(
    '%s as the broadcast has it already: refused',
    async (codec) => {
      await expect(openVideoEncoders([video], { grid, encoder: { ...wanted, codec } }, logger)).rejects.toThrow(
        `encoded with ${codec}, which cannot be opened here`,
      );
    },
  );
});

describe('PictureScaler', () => {
  test('colours stay, in the other size; what is not fresh is not scaled again; refuses when closed', async () => {
    const canvas = new Canvas(640, 360);
    const scaler = new PictureScaler(canvas, { width: 426, height: 240 });
    const fill = (color: [number, number, number]) => {
      canvas.begin();
      canvas.fill({ x: 0, y: 0, width: 640, height: 360 }, color);
    };
    const colorOf = (frame: Frame) => (frame.data ?? []).slice(0, 3).map((plane) => plane[plane.length >> 1]);
    fill([180, 90, 60]);
    const scaled = await scaler.scale(canvas.frame);
    expect([scaled.width, scaled.height, colorOf(scaled)]).toEqual([426, 240, [180, 90, 60]]);
    fill([50, 128, 128]);
    expect(colorOf(await scaler.scale(canvas.frame, false))).toEqual([180, 90, 60]);
    expect(colorOf(await scaler.scale(canvas.frame, true))).toEqual([50, 128, 128]);
    scaler.close();
    scaler.close();
    await expect(scaler.scale(canvas.frame)).rejects.toThrow('closed');
    canvas.close();
  });
});

describe('RenditionWriter', () => {
  test('audio parts have the frames that start in them, and what comes before the first is left out', async () => {
    const sink = new CollectingSink();
    const encoder = await openAudio();
    const fragmenter = audioFragmenter(encoder, audio, job.grid, 3);
    const writer = new RenditionWriter({ rendition: audio, grid: job.grid, fragmenter, sink, firstSegment: 3 });
    const first = audioFramesOfPart(job.grid, 3, 0).first;
    expect(writer.first).toBe(first);
    expect(writer.lastSegment).toBeNull();
    const silence = new Float32Array(AAC_FRAME_SAMPLES);
    for (let m = first - 8; writer.lastSegment !== 3; m++) {
      for (const packet of encoder.encode(m, silence, silence))
        writer.write(packet, Number(packet.pts) / AAC_FRAME_SAMPLES);
    }
    expect(sink.parts.map((part) => [part.segment, part.part, part.endMs])).toEqual([
      [3, 0, expect.closeTo(3333.3, 0)],
      [3, 1, expect.closeTo(3666.7, 0)],
      [3, 2, 4000],
    ]);
    for (const { data } of sink.parts) expect(boxes(data)).toEqual(['moof', 'mdat']);
    // mfhd: moof header, box header, version and flags, then the sequence number; it counts over the whole broadcast.
    expect(sink.parts.map(({ data }) => data.readUInt32BE(20))).toEqual([10, 11, 12]);
    expect(writer.bytes).toBe(sink.parts.reduce((sum, { data }) => sum + data.length, 0));
    writer.close();
    writer.close();
    for (const packet of encoder.encode(500, silence, silence)) writer.write(packet, 500);
    expect(sink.parts).toHaveLength(3);
    encoder.close();
  });

  test('a hole in the grid is a fault, not a hole in the program', async () => {
    const encoder = await openVideo();
    const canvas = new Canvas(video.width, video.height);
    const fragmenter = videoFragmenter(encoder, video, job.grid, 0);
    const writer = new RenditionWriter({
      rendition: video,
      grid: job.grid,
      fragmenter,
      sink: new CollectingSink(),
      firstSegment: 0,
    });
    for (const packet of await encoder.encode(canvas.frame, 0)) writer.write(packet, 0);
    const [packet] = await encoder.encode(canvas.frame, 2);
    expect(() => packet && writer.write(packet, 2)).toThrow('expected 1');
    for (const closable of [writer, encoder, canvas]) closable.close();
    expect(() => fragmenter.cut()).toThrow('closed');
  });
});
