import { LIVE_RULES } from './liveRules.ts';
import { PLAYLIST_RULES } from './playlistRules.ts';
import type { Rule } from './rule.ts';

export const RULES = { ...PLAYLIST_RULES, ...LIVE_RULES };
export type RuleId = keyof typeof RULES;

export interface Finding {
  rule: RuleId;
  level: Rule['level'];
  from: string;
  says: string;
  /** URL, and line where there is one, of the first time. */
  where: string;
  /** What was found there. */
  what: string;
  /** How often. */
  times: number;
}

/** What a check calls for each breach. `line` counts from 1. */
export type Report = (rule: RuleId, what: string, line?: number) => void;

/** Collects breaches: one finding for a rule in a playlist, however often it is broken there. */
export class Findings {
  readonly #found = new Map<string, Finding>();

  add(rule: RuleId, where: string, what: string): void {
    const key = `${rule} ${where.replace(/:\d+$/, '')}`;
    const found = this.#found.get(key);
    if (found) found.times += 1;
    else this.#found.set(key, { rule, ...RULES[rule], where, what, times: 1 });
  }

  /** Reports of what is at `url`. */
  at(url: string): Report {
    return (rule, what, line) => this.add(rule, line === undefined ? url : `${url}:${line}`, what);
  }

  get all(): Finding[] {
    return [...this.#found.values()];
  }
}
