import type { Problem } from '../../shared/problems.ts';

/** With these, trying again by oneself would not help: the session ends. */
export const FINAL: readonly Problem['code'][] = [
  'unauthorized',
  'forbidden',
  'foreign-origin',
  'room-closed',
  'removed',
  'joined-elsewhere',
  'no-webrtc',
];
