import { t } from '../language.ts';

/** `40 s`, `10 min`, `2 h`: rounded up, in the largest unit that it has one of. */
export function lengthOf(seconds: number): string {
  if (seconds < 60) return t('chat.seconds', { count: Math.ceil(seconds) });
  if (seconds < 3600) return t('chat.minutes', { count: Math.ceil(seconds / 60) });
  return t('chat.hours', { count: Math.ceil(seconds / 3600) });
}
