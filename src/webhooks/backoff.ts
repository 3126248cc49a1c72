/** When an event that was not accepted is tried again. */

export interface RetryLimits {
  /** Before the second attempt, ms; twice as long before each further one. */
  firstMs: number;
  /** Never longer than this, ms. */
  maxMs: number;
  /** From its being queued until it is given up, ms. */
  giveUpMs: number;
}

/** 1, 2, 4, … 2048 s, then each hour, for a day: about 35 attempts. */
export const RETRY_LIMITS: RetryLimits = { firstMs: 1_000, maxMs: 3_600_000, giveUpMs: 86_400_000 };

/**
 * Exponential, with jitter between a half and the whole of it, so that what failed together does not come back together. `attempts`
 * have failed so far, 1 or more. A receiver that names a time (`Retry-After`) is waited for, within `maxMs`.
 */
export function waitMs(attempts: number, limits: RetryLimits, retryAfterMs: number | null, random: number): number {
  const whole = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(attempts - 1, 40));
  return Math.min(limits.maxMs, Math.max(whole * (0.5 + random / 2), retryAfterMs ?? 0));
}

/** `Retry-After` (RFC 9110 section 10.2.3), seconds or a date, as ms from now; null when it is neither. */
export function retryAfterOf(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = /^[A-Z][a-z]{2}/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
