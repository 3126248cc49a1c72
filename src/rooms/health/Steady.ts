import { type Finding, type FindingCode, type Severity, severityRank } from '../../contracts/health.ts';

/** Found for so long before anybody is told: a second of a bad network is nobody's business, ms. */
const RAISE_MS = 4_000;
/** Told until it has not been found for so long, ms. */
const FALL_MS = 8_000;
/** What is an event and no measurement is told at once, and briefly after it is over, ms. */
const EVENTS: ReadonlySet<FindingCode> = new Set([
  ...(['away', 'silent', 'starved', 'recovering', 'recording', 'tcp'] as const),
  ...(['destination-lost', 'destination-failed', 'destination-slow'] as const),
]);
const EVENT_FALL_MS = 3_000;

interface Held {
  /** With its newest values. */
  finding: Finding;
  /** Found without a break since. */
  since: number;
  /** Last found. */
  at: number;
  told: boolean;
  /** Last found to be as severe as it is told. */
  severeAt: number;
}

/** Lets findings come and go slowly, so that nothing flickers. In: judge.ts, at any times. */
export class Steady {
  readonly #held = new Map<string, Held>();

  /** How severe it is told to be, or is about to be. */
  severityOf = (key: string): Severity | undefined => this.#held.get(key)?.finding.severity;

  /** What has been found, at `nowMs` of a clock that only goes on → what people are told, the worst first. */
  update(found: readonly Finding[], nowMs: number): Finding[] {
    for (const finding of found) this.#found(finding, nowMs);
    for (const [key, held] of this.#held) {
      const fallMs = EVENTS.has(held.finding.code) ? EVENT_FALL_MS : FALL_MS;
      // What was never told is forgotten with the first look that does not find it.
      if (held.at < nowMs && (!held.told || nowMs - held.at >= fallMs)) this.#held.delete(key);
    }
    return [...this.#held.values()]
      .filter(({ told }) => told)
      .map(({ finding }) => finding)
      .sort((a, b) => severityRank(b.severity) - severityRank(a.severity));
  }

  #found(finding: Finding, nowMs: number): void {
    const held = this.#held.get(finding.key) ?? { finding, since: nowMs, at: nowMs, told: false, severeAt: nowMs };
    this.#held.set(finding.key, held);
    const { severity } = held.finding;
    if (severityRank(finding.severity) >= severityRank(severity)) {
      held.finding = finding;
      held.severeAt = nowMs;
    } else {
      // It is better than it was: said when it has stayed so.
      const lasts = nowMs - held.severeAt < FALL_MS;
      held.finding = lasts ? { ...finding, severity } : finding;
      if (!lasts) held.severeAt = nowMs;
    }
    held.at = nowMs;
    held.told ||= EVENTS.has(finding.code) || nowMs - held.since >= RAISE_MS;
  }
}
