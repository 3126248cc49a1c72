/** From where on a figure is a finding. docs/health.md has the table; a test compares the two. */

/** Grows with the trouble. `slack`: what has been found is left only below so much of the threshold. */
export interface Limit {
  warn: number;
  bad: number;
  slack: number;
}

/**
 * Percent of packets lost on the way to the server. libwebrtc's loss-based control holds still from 2 % on and gives way from 10 %
 * (draft-ietf-rmcat-gcc-02, section 6); retransmission and Opus FEC mend less than 3 % so that nobody sees or hears it.
 */
export const LOST_PERCENT: Limit = { warn: 3, bad: 10, slack: 0.6 };
/**
 * What the sender's network takes while it holds the picture back, kbit/s. Below 500 one of the two lower layers of a 720p camera does not fit (client/studio/media/encodings.ts);
 * below 200 its lowest, 150, with sound does not. Shrinks with the trouble: `slack` is how much more it takes to leave.
 */
export const AVAILABLE_KBITS: Limit = { warn: 500, bad: 200, slack: 1.3 };
/** Round trip, ms. ITU-T G.114: up to 150 ms one way is good, more than 400 ms is not acceptable; the other half of the talk has its own way. */
export const RTT_MS: Limit = { warn: 300, bad: 600, slack: 0.8 };
/** Interarrival jitter (RFC 3550, section 6.4.1), ms. The jitter buffer (compositor/ingest/PlayoutDelay.ts) holds 400 ms at most: the longest waits are some times the mean. */
export const JITTER_MS: Limit = { warn: 50, bad: 120, slack: 0.7 };
/** A microphone that is on for so long without the faintest noise is switched off somewhere: a room is never silent, ms. */
export const SILENT_MS = 20_000;
/** A source that is on and of which no packet has come for so long, ms. Opus with DTX sends one each 400 ms, a browser's camera at least one a second. */
export const NOTHING_MS = 5_000;

/** Percent of the frames that are late. No viewer sees it as long as they are made up for: with 7 % of a show's frames late none was missing or stood (docs/engine.md, "What broke the cadence"). */
export const LATE_PERCENT: Limit = { warn: 10, bad: 30, slack: 0.5 };
/** Percent of the wanted frames that are missing. */
export const MISSING_PERCENT: Limit = { warn: 5, bad: 25, slack: 0.6 };
/** The compositor's clock, ms: it is held within 5. Sound that is 45 ms before its picture is noticed (ITU-R BT.1359-1). */
export const CLOCK_MS: Limit = { warn: 15, bad: 45, slack: 0.6 };
/** A part to delivery, ms: a part's own length, 333, and a segment's half. Later than that players of low latency run dry. */
export const DELIVERY_MS: Limit = { warn: 333, bad: 1_000, slack: 0.7 };
/** Viewers behind, half of them, ms. Low latency has 2 to 3 s, plain HLS three segments and what it buffers, 8. */
export const BEHIND_MS: Limit = { warn: 8_000, bad: 15_000, slack: 0.8 };
/** Percent of viewers' time: with 1 % people watch 5 % less (S. Krishnan and R. Sitaraman, Video Stream Quality Impacts Viewer Behavior, IMC 2012). */
export const STALLED_PERCENT: Limit = { warn: 1, bad: 5, slack: 0.5 };
