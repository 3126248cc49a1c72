/**
 * How a room fares, and who is told (docs/health.md). In: the room's people, what their pages report, the status of its broadcast with figures. Out:
 * `room:health`, whole to hosts, to everybody else with a seat about themselves; the view for the HTTP API; metrics.
 *
 * People's streams are asked for rarely while all is well, often while something is not, and at the next tick when mediasoup's score of one changes.
 */
import type { BroadcastStatus } from '../../contracts/broadcast.ts';
import {
  type Finding,
  HEALTH_EVERY_MS,
  HEALTH_REPORT_EVERY_MS,
  type HealthReport,
  type PersonHealth,
  type ProgramFigures,
  type RoomHealth as RoomView,
  Severity,
  type UploadLevel,
} from '../../contracts/health.ts';
import type { SourceProducer } from '../../sfu/Endpoint.ts';
import type { Peer } from '../Peer.ts';
import { judgePerson, judgeProgram, type PersonFigures } from './judge.ts';
import type { HealthMetrics } from './metrics.ts';
import { Steady } from './Steady.ts';
import { NOTHING, UploadMeter, type UploadReading } from './UploadMeter.ts';

/** Between two looks at everybody's streams while all is well, ms: "a few times a minute". */
const CALM_MS = 8_000;
/** A page that has not reported for so long does not any more, ms. */
const REPORT_OLD_MS = 3 * HEALTH_REPORT_EVERY_MS;
/** What says something about how much of a person arrives. */
const OF_UPLOAD: ReadonlySet<Finding['code']> = new Set(['upload', 'delay', 'jitter', 'no-picture', 'no-sound']);

export interface RoomHealthOptions {
  /** Who has a seat. */
  seated: () => readonly Peer[];
  metrics: HealthMetrics;
  /** Of a clock that only goes on, ms. */
  now?: () => number;
}

interface Person {
  meter: UploadMeter;
  reading: UploadReading;
  report: HealthReport | null;
  reportedAt: number;
}

const NOBODY: RoomView = { people: [], program: null, findings: [] };

export class RoomHealth {
  readonly #options: RoomHealthOptions;
  readonly #now: () => number;
  #steady = new Steady();
  readonly #people = new Map<Peer, Person>();
  /** Whose score is listened to. */
  readonly #known = new WeakSet<SourceProducer>();
  #program: { status: BroadcastStatus; figures: ProgramFigures } | null = null;
  #view = NOBODY;
  #timer: NodeJS.Timeout | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  /** Something has changed: streams are asked for at the next tick. */
  #hurried = false;
  #closed = false;

  constructor({ now = () => performance.now(), ...options }: RoomHealthOptions) {
    this.#options = { ...options, now };
    this.#now = now;
  }

  /** As hosts were told last. */
  get view(): RoomView {
    return this.#view;
  }

  /** The broadcast's status, each time that it changes. */
  program(status: BroadcastStatus, figures: ProgramFigures): void {
    this.#program = { status, figures };
    this.#start();
  }

  /** What a person's page measures. */
  report(peer: Peer, report: HealthReport): void {
    if (this.#closed) return;
    const person = this.#personOf(peer);
    if (person.report?.limitedBy !== report.limitedBy) this.#hurried = true;
    person.report = report;
    person.reportedAt = this.#now();
  }

  /** Who has a seat, or what they send, is not what it was. */
  wake(): void {
    this.#hurried = true;
    this.#start();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#forget();
  }

  /** Never rejects: what a worker refuses since it died is passed over. */
  async #tick(): Promise<void> {
    const seated = this.#options.seated();
    for (const peer of this.#people.keys()) if (!seated.includes(peer)) this.#people.delete(peer);
    const now = this.#now();
    const due = this.#hurried || this.#view.findings.length > 0 || now - this.#readAt >= CALM_MS;
    if (due) {
      this.#hurried = false;
      this.#readAt = now;
      await Promise.all(seated.map((peer) => this.#look(peer, now)));
    }
    if (this.#closed) return;
    const found = this.#judge(seated, this.#now());
    // What has been found and not told yet is looked at again soon.
    if (found > this.#view.findings.length) this.#hurried = true;
    this.#tell(seated.filter(({ role }) => due || (role === 'host' && this.#isLive)));
    this.#timer = undefined;
    this.#start();
  }

  /** Ticks as long as there is anybody or anything to look at. */
  #start(): void {
    if (this.#closed || this.#timer) return;
    if (this.#options.seated().length > 0 || this.#isLive)
      this.#timer = setTimeout(() => void this.#tick(), HEALTH_EVERY_MS);
    else this.#forget();
  }

  #forget(): void {
    this.#count(this.#view.findings, []);
    this.#steady = new Steady();
    this.#view = NOBODY;
    this.#people.clear();
  }

  get #isLive(): boolean {
    const state = this.#program?.status.state;
    return state === 'live' || state === 'recovering';
  }

  async #look(peer: Peer, now: number): Promise<void> {
    const person = this.#personOf(peer);
    const { producers, endpoint } = peer.media;
    for (const producer of producers) {
      if (this.#known.has(producer)) continue;
      this.#known.add(producer);
      producer.observer.on('score', () => {
        this.#hurried = true;
      });
    }
    person.reading = await person.meter.look(producers, endpoint?.uploadProtocol ?? null, now);
    const { metrics } = this.#options;
    if (person.reading.lostPercent !== null) metrics.loss.observe(person.reading.lostPercent / 100);
    const rttMs = this.#reportOf(person)?.rttMs ?? person.reading.rttMs;
    if (rttMs !== null) metrics.rttSeconds.observe(rttMs / 1000);
    if (person.reading.bitrate > 0) metrics.bitrate.observe(person.reading.bitrate);
  }

  /** How many findings there are, told or not. */
  #judge(seated: readonly Peer[], now: number): number {
    const before = this.#steady.severityOf;
    const figures = seated.map((peer) => this.#figuresOf(peer));
    const found = figures.flatMap((each) => judgePerson(each, before));
    const program = this.#program;
    if (program) found.push(...judgeProgram(program.status, program.figures, before));
    const findings = this.#steady.update(found, now);
    this.#count(this.#view.findings, findings);
    this.#view = {
      people: figures.map((each) => healthOf(each, findings)),
      program: program && this.#isLive ? programOf(program) : null,
      findings,
    };
    return found.length;
  }

  #tell(listeners: readonly Peer[]): void {
    const { people, findings } = this.#view;
    for (const peer of listeners) {
      const own = ({ peer: about }: { peer?: string | undefined }): boolean => about === peer.id;
      const view =
        peer.role === 'host'
          ? this.#view
          : { people: people.filter(own), program: null, findings: findings.filter(own) };
      // The next one is on its way: one that finds no room is not missed.
      peer.link?.show('room:health', view);
    }
  }

  #figuresOf(peer: Peer): PersonFigures {
    const person = this.#personOf(peer);
    return {
      ...{ peer: peer.id, away: peer.presence === 'away', upload: person.reading },
      report: this.#reportOf(person),
    };
  }

  #reportOf({ report, reportedAt }: Person): HealthReport | null {
    return this.#now() - reportedAt < REPORT_OLD_MS ? report : null;
  }

  #personOf(peer: Peer): Person {
    const known = this.#people.get(peer);
    if (known) return known;
    const person: Person = { meter: new UploadMeter(), reading: NOTHING, report: null, reportedAt: 0 };
    this.#people.set(peer, person);
    return person;
  }

  #count(before: readonly Finding[], after: readonly Finding[]): void {
    const { findings, raised } = this.#options.metrics;
    for (const { code, severity } of before) findings.dec({ code, severity });
    for (const { code, severity } of after) findings.inc({ code, severity });
    const keys = new Set(before.map(({ key }) => key));
    for (const { key, code } of after) if (!keys.has(key)) raised.inc({ code });
  }
}

function healthOf({ peer, away, upload, report }: PersonFigures, findings: readonly Finding[]): PersonHealth {
  const { bitrate, lostPercent, jitterMs, layers, protocol } = upload;
  return {
    ...{ peer, bitrate, lostPercent, jitterMs, layers, protocol },
    level: away || bitrate === 0 ? 'none' : levelOf(findings.filter((each) => each.peer === peer)),
    rttMs: report?.rttMs ?? upload.rttMs,
    picture: report?.picture ?? null,
    limitedBy: report?.limitedBy ?? 'none',
    availableBps: report?.availableBps ?? null,
  };
}

const LEVELS: Record<Severity, UploadLevel> = { bad: 'poor', warn: 'fair', info: 'good' };

function levelOf(findings: readonly Finding[]): UploadLevel {
  const severities = findings.filter(({ code }) => OF_UPLOAD.has(code)).map(({ severity }) => severity);
  const worst = Severity.options.toReversed().find((severity) => severities.includes(severity));
  return worst ? LEVELS[worst] : 'good';
}

function programOf({ status, figures }: { status: BroadcastStatus; figures: ProgramFigures }): RoomView['program'] {
  const { fps, bitrate, viewers, degradation, video } = status;
  return { ...figures, fps, wantedFps: video.fps, bitrate, viewers, degradation };
}
