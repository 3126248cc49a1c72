/**
 * The command lines of the other ways to make the same program from files, with the encoder's settings of
 * compositor/encode/VideoEncoder.ts. Pure. A static graph: neither could take in or let go of a person.
 *
 * Both play in real time (`-re`, `sync=true`), decode each picture of 720p, scale it to the cell that the grid gives it, mix all
 * sound to 48 kHz stereo, and encode as many frames as the compositor did. Both decode, scale and encode with one thread each.
 */
import { gridLayout, type Placement, place } from '../../../src/layout/grid.ts';

/** The program of a broadcast that was started without a wish. */
export const PROGRAM = { width: 1280, height: 720, fps: 30, gop: 60, videoKbps: 2500, audioKbps: 128 } as const;
/** The clips' top layer. */
const SOURCE = { width: 1280, height: 720 } as const;

const placements = (peers: number): Placement[] =>
  gridLayout(peers, PROGRAM.width, PROGRAM.height).map((cell) => place('cover', SOURCE.width, SOURCE.height, cell));

export interface Command {
  program: string;
  args: string[];
}

/** ffmpeg: `xstack` and `amix`. */
export function ffmpegCommand(files: readonly string[], seconds: number): Command {
  const { width, height, fps, gop, videoKbps, audioKbps } = PROGRAM;
  const all = placements(files.length);
  // libswscale's area average is what the compositor scales down with; it is cheaper than ffmpeg's default, bicubic.
  const cells = all.map(({ source, target }, i) => {
    const crop = `crop=${source.width}:${source.height}:${source.x}:${source.y}`;
    return `[${i}:v]${crop},scale=${target.width}:${target.height}:flags=area[v${i}]`;
  });
  const pads = (letter: string) => files.map((_, i) => (letter === 'v' ? `[v${i}]` : `[${i}:a]`)).join('');
  const layout = all.map(({ target }) => `${target.x}_${target.y}`).join('|');
  const stack = files.length > 1 ? `xstack=inputs=${files.length}:layout=${layout}:fill=black,` : '';
  const graph = [
    ...cells,
    `${pads('v')}${stack}pad=${width}:${height}:0:0:black[video]`,
    `${pads('a')}${files.length > 1 ? `amix=inputs=${files.length}:normalize=0,` : ''}aresample=48000[audio]`,
  ];
  return {
    program: 'ffmpeg',
    args: [
      ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-nostats', '-filter_complex_threads', '1'],
      ...files.flatMap((file) => ['-re', '-threads', '1', '-i', file]),
      ...['-filter_complex', graph.join(';'), '-map', '[video]', '-map', '[audio]'],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-profile:v', 'main', '-threads', '1'],
      ...['-b:v', `${videoKbps}k`, '-maxrate', `${videoKbps}k`, '-bufsize', `${videoKbps}k`, '-g', String(gop)],
      ...['-bf', '0', '-qmin', '12', '-pix_fmt', 'yuv420p', '-r', String(fps)],
      ...['-x264-params', `keyint=${gop}:min-keyint=${gop}:scenecut=0:open-gop=0`],
      ...[
        '-c:a',
        'aac',
        '-b:a',
        `${audioKbps}k`,
        '-ac',
        '2',
        '-frames:v',
        String(seconds * fps),
        '-t',
        String(seconds),
      ],
      ...['-f', 'mp4', '-movflags', '+frag_keyframe+empty_moov+default_base_moof', '-y', '/dev/null'],
    ],
  };
}

/** Debian's packages of what `gstreamerCommand` uses. */
export const GSTREAMER_PACKAGES = [
  'gstreamer1.0-tools',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
  'gstreamer1.0-plugins-ugly',
];

/** GStreamer: `compositor` and `audiomixer`. Its AAC encoder without gst-libav is VisualOn's. */
export function gstreamerCommand(files: readonly string[]): Command {
  const { width, height, fps, gop, videoKbps, audioKbps } = PROGRAM;
  const all = placements(files.length);
  const cells = all.flatMap(({ target: { x, y, width: w, height: h } }, i) =>
    Object.entries({ xpos: x, ypos: y, width: w, height: h }).map(([name, value]) => `sink_${i}::${name}=${value}`),
  );
  const crops = all.map(({ source }) => {
    const [right, bottom] = [SOURCE.width - source.width - source.x, SOURCE.height - source.height - source.y];
    return `videocrop left=${source.x} top=${source.y} right=${right} bottom=${bottom}`;
  });
  const encoder = [
    `x264enc speed-preset=veryfast tune=zerolatency threads=1 bframes=0 bitrate=${videoKbps} vbv-buf-capacity=1000`,
    // qp-min would switch its rate control over; option-string does not.
    `key-int-max=${gop} sliced-threads=false option-string=qpmin=12:min-keyint=${gop}:scenecut=0:open-gop=0`,
  ].join(' ');
  const graph = [
    `compositor name=pictures background=black max-threads=1 ${cells.join(' ')}`,
    `! video/x-raw,format=I420,width=${width},height=${height},framerate=${fps}/1`,
    `! ${encoder} ! video/x-h264,profile=main ! h264parse ! queue ! muxer.`,
    `audiomixer name=sounds ! audioconvert ! audio/x-raw,rate=48000,channels=2`,
    `! voaacenc bitrate=${audioKbps * 1000} ! aacparse ! queue ! muxer.`,
    'mp4mux name=muxer fragment-duration=2000 streamable=true ! fakesink sync=true',
    ...files.flatMap((file, i) => [
      `filesrc location=${file} ! matroskademux name=file${i}`,
      `file${i}. ! queue ! vp8dec threads=1 ! ${crops[i]} ! pictures.sink_${i}`,
      `file${i}. ! queue ! opusdec ! audioconvert ! audioresample ! sounds.`,
    ]),
  ];
  return { program: 'gst-launch-1.0', args: ['-q', ...graph.join(' ').split(' ')] };
}
