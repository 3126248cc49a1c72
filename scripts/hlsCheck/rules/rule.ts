/**
 * What a rule is. Sources: `draft` is RFC 8216bis, draft-pantos-hls-rfc8216bis-22 of 1 May 2026; `Apple` is the HLS Authoring
 * Specification for Apple Devices of 26 June 2025; `ours` is what this checker asks for beyond them, and why it is in the sentence.
 */
export interface Rule {
  /** `must`: MUST, REQUIRED, SHALL. `should`: SHOULD, RECOMMENDED. */
  level: 'must' | 'should';
  /** Document and section. */
  from: string;
  /** What holds when the rule is kept. */
  says: string;
}

export const must = (from: string, says: string): Rule => ({ level: 'must', from, says });
export const should = (from: string, says: string): Rule => ({ level: 'should', from, says });
