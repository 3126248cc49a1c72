/** The pure parts of `npm run bench -- room-cost`, and the clips' files. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { writeClip } from '../../../../scripts/bench/roomCost/clipFiles.ts';
import {
  median,
  missedLimits,
  type Round,
  ratio16To4,
  reportPeers,
  slopeMbPerHour,
} from '../../../../scripts/bench/roomCost/report.ts';
import { ffmpegCommand, gstreamerCommand } from '../../../../scripts/bench/roomCost/rivals.ts';
import { vp8Clip } from '../../../support/ingest/clip.ts';

const round = (cpu: number, other: number): Round => ({
  ...{ cpu, floor: other, ffmpeg: other, gstreamer: other, rssBytes: 100e6, repeatedFrames: 1 },
});

describe('report', () => {
  test('the median of an odd and an even count', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  test('ratios are those of a round, their median is told, and the largest memory', () => {
    const report = reportPeers([round(12, 10), round(30, 20), { ...round(26, 20), rssBytes: 120e6 }]);
    expect(report).toMatchObject({ cpu_s: 26, floor_cpu_s: 20, to_floor: 1.3, to_gstreamer: 1.3, rss_mb: 120 });
    expect(report.repeated_frames).toBe(3);
  });

  test('what is not there is null, and no limit is missed by it', () => {
    const report = reportPeers([{ ...round(12, 10), gstreamer: null }]);
    expect(report).toMatchObject({ gstreamer_cpu_s: null, to_gstreamer: null });
    const missed = missedLimits({ peers: { 4: report }, ratio_16_to_4: null, rss_slope_mb_per_h: null });
    expect(missed).toEqual(['to_ffmpeg']);
  });

  test('limits are those of 4 peers', () => {
    const dear = reportPeers([round(30, 10)]);
    expect(ratio16To4({ 4: reportPeers([round(10, 20)]), 16: dear })).toBe(3);
    expect(missedLimits({ peers: { 16: dear }, ratio_16_to_4: 3, rss_slope_mb_per_h: 11 })).toEqual([
      'ratio_16_to_4',
      'rss_slope_mb_per_h',
    ]);
  });

  test('a slope is read through the teeth of garbage collection, and without the beginning', () => {
    const samples = Array.from({ length: 600 }, (_, i) => ({
      atSeconds: i,
      bytes: 100e6 + (i * 36e6) / 3600 + (i % 17) * 1e6 - (i < 100 ? 50e6 : 0),
    }));
    expect(slopeMbPerHour(samples)).toBeGreaterThan(30);
    expect(slopeMbPerHour(samples)).toBeLessThan(42);
    expect(slopeMbPerHour(samples.map(({ atSeconds }) => ({ atSeconds, bytes: 1e8 })))).toBe(0);
  });
});

describe('rivals', () => {
  const files = ['a.webm', 'b.webm', 'c.webm', 'd.webm'];

  test('ffmpeg puts each clip where the grid has it', () => {
    const graph = ffmpegCommand(files, 20).args.join(' ');
    expect(graph).toContain('xstack=inputs=4:layout=0_0|640_0|0_360|640_360:fill=black');
    expect(graph).toContain('[3:v]crop=1280:720:0:0,scale=640:360:flags=area[v3]');
    expect(graph).toContain('amix=inputs=4');
    expect(graph).toContain('-frames:v 600');
  });

  test('two people are cropped as the compositor crops them; one needs no stack', () => {
    expect(ffmpegCommand(files.slice(0, 2), 20).args.join(' ')).toContain('crop=640:720:320:0,scale=640:720');
    expect(gstreamerCommand(files.slice(0, 2)).args.join(' ')).toContain('videocrop left=320 top=0 right=320 bottom=0');
    const one = ffmpegCommand(files.slice(0, 1), 20).args.join(' ');
    expect(one).not.toMatch(/xstack|amix/);
  });

  test('GStreamer has the same cells', () => {
    const words = gstreamerCommand(files).args;
    for (const cell of ['sink_3::xpos=640', 'sink_3::ypos=360', 'sink_3::width=640', 'sink_3::height=360'])
      expect(words).toContain(cell);
  });
});

test('a clip file has as many pictures and as much sound as seconds, the clip from its start again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-clips-'));
  try {
    const frames = await vp8Clip({ size: '320x180', frames: 20, gop: 10, bitrate: '100k' });
    const layer = [frames.map(({ data, keyFrame: key }) => ({ data, key }))];
    // Silence, as Opus codes it (RFC 6716: a code 0 packet of 20 ms CELT).
    const clip = { video: [layer, layer, layer], audio: [Buffer.from([0xfc, 0xff, 0xfe])] };
    const file = join(folder, 'clip.webm');
    writeClip(clip, file, 2);
    const { stdout } = await promisify(execFile)('ffprobe', [
      ...['-v', 'error', '-count_frames', '-show_entries', 'stream=codec_name,nb_read_frames', '-of', 'csv=p=0', file],
    ]);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(['vp8,60', 'opus,100']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
