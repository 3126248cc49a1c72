/**
 * The viewers, a process of their own: each holds a blocking reload of the video and the audio playlist, and fetches each part as soon as
 * a playlist has named it, on connections of its own, as hls.js does in low latency mode (two for playlists, two for media). In and out:
 * messages.ts.
 */
import { type Answer, HttpConnection } from './HttpConnection.ts';
import { type FromGenerator, monotonicMs, type Report, type Step, type Target, type ToGenerator } from './messages.ts';

const RENDITIONS = ['v720', 'a0'] as const;
type Rendition = (typeof RENDITIONS)[number];
/** Parts that a viewer may be behind the newest one before it counts as behind. */
const MAX_BEHIND = 2;

const say = (message: FromGenerator): void => void process.send?.(message);

const emptyReport = (): Report => ({
  ...{ type: 'report', partMs: [], bytes: 0, answers: 0, failures: 0, firstFailure: '', viewers: 0, behind: 0 },
});
let report = emptyReport();
let partsPerSegment = 1;
const viewers: Viewer[] = [];
let parked: HttpConnection[] = [];

const positionOf = ({ segment, part }: Step): number => segment * partsPerSegment + part;
const stepAt = (position: number): Step => ({
  segment: Math.floor(position / partsPerSegment),
  part: position % partsPerSegment,
});

/** When which part was put, by rendition and position. */
const puts = new Map<string, number>();
const newest: Record<Rendition, number> = { v720: -1, a0: -1 };

function count({ status, bytes }: Answer): void {
  report.bytes += bytes;
  report.answers += 1;
  if (status !== 200) fail(`an answer was ${status}`);
}

function fail(why: string): void {
  report.failures += 1;
  report.firstFailure ||= why;
}

/** One rendition as one viewer has it. */
class Viewer {
  readonly #target: Target;
  readonly #rendition: Rendition;
  readonly #playlists: HttpConnection;
  readonly #media: HttpConnection;
  /** The part that the playlist is asked for, and the one that is fetched next. */
  #asked: number;
  #fetched: number;
  /** Parts that a playlist has named. */
  #named: number;

  constructor(target: Target, rendition: Rendition, first: number) {
    this.#target = target;
    this.#rendition = rendition;
    this.#playlists = new HttpConnection(target.port, fail);
    this.#media = new HttpConnection(target.port, fail);
    this.#asked = first;
    this.#fetched = first;
    this.#named = first - 1;
    this.reload();
  }

  get behind(): boolean {
    return newest[this.#rendition] - this.#fetched >= MAX_BEHIND;
  }

  /** Asks for the next playlist, if it is time. */
  reload(): void {
    if (this.#playlists.busy) return;
    const { base, playlist } = this.#target;
    // Files are not held back: they are asked for once the part is there.
    if (playlist === 'file' && newest[this.#rendition] < this.#asked) return;
    const { segment, part } = stepAt(this.#asked);
    const path =
      playlist === 'file'
        ? `${base}/${this.#rendition}/${segment}.${part}.m3u8`
        : `${base}/${this.#rendition}/index.m3u8?_HLS_msn=${segment}&_HLS_part=${part}`;
    this.#playlists.get(path, (answer) => {
      count(answer);
      this.#named = this.#asked++;
      this.#fetch();
      this.reload();
    });
  }

  close(): void {
    this.#playlists.close();
    this.#media.close();
  }

  #fetch(): void {
    if (this.#media.busy || this.#fetched > this.#named) return;
    const position = this.#fetched++;
    const { segment, part } = stepAt(position);
    this.#media.get(`${this.#target.base}/${this.#rendition}/${segment}.${part}.m4s`, (answer) => {
      count(answer);
      const put = puts.get(`${this.#rendition},${position}`);
      if (put !== undefined) report.partMs.push(monotonicMs() - put);
      this.#fetch();
    });
  }
}

function watch(message: Extract<ToGenerator, { type: 'watch' }>): void {
  partsPerSegment = message.partsPerSegment;
  const begunMs = monotonicMs();
  let there = 0;
  const add = () => {
    const due = Math.min(
      message.viewers,
      Math.ceil((message.viewers * (monotonicMs() - begunMs)) / Math.max(1, message.rampMs)),
    );
    for (; there < due; there++) {
      const first = Math.max(positionOf(message.first), newest.v720 + 1, newest.a0 + 1);
      for (const rendition of RENDITIONS) viewers.push(new Viewer(message.target, rendition, first));
    }
    if (there < message.viewers) setTimeout(add, 20);
    else say({ type: 'ready' });
  };
  add();
}

function park({ target, requests, step }: Extract<ToGenerator, { type: 'park' }>): void {
  const path = `${target.base}/v720/index.m3u8?_HLS_msn=${step.segment}&_HLS_part=${step.part}`;
  for (let i = 0; i < requests; i++) {
    const connection = new HttpConnection(target.port, fail);
    connection.get(path, count);
    parked.push(connection);
  }
  say({ type: 'parked' });
}

function abort(): void {
  for (const viewer of viewers.splice(0)) viewer.close();
  for (const connection of parked) connection.close();
  parked = [];
  newest.v720 = -1;
  newest.a0 = -1;
  puts.clear();
}

process.on('message', (message: ToGenerator) => {
  switch (message.type) {
    case 'watch':
      watch(message);
      return;
    case 'put': {
      const rendition = message.rendition as Rendition;
      const position = positionOf(message.step);
      puts.set(`${rendition},${position}`, message.atMs);
      puts.delete(`${rendition},${position - 100}`);
      newest[rendition] = position;
      for (const viewer of viewers) viewer.reload();
      return;
    }
    case 'park':
      park(message);
      return;
    case 'abort':
      abort();
      return;
    case 'report':
      report.partMs.sort((a, b) => a - b);
      report.viewers = viewers.length / RENDITIONS.length;
      report.behind = viewers.filter(({ behind }) => behind).length;
      say(report);
      report = emptyReport();
      return;
    default:
      throw new Error('unknown message');
  }
});
process.once('disconnect', () => process.exit(0));
