/** Everything that can go wrong for a person at a page. Each has a title and a remedy in shared/texts.ts. */
export const PROBLEMS = [
  'insecure-context',
  'no-webrtc',
  'no-player',
  'no-device',
  'no-camera',
  'no-microphone',
  'permission-denied',
  'camera-busy',
  'microphone-busy',
  'device-failed',
  'device-unplugged',
  'screen-failed',
  'invitation-needed',
  'unauthorized',
  'forbidden',
  'foreign-origin',
  'room-full',
  'bad-room',
  'server-unreachable',
  'server-error',
  'connection-lost',
  'media-failed',
  'joined-elsewhere',
  'room-closed',
  'removed',
  'shutting-down',
  'no-capacity',
  'destination-refused',
  'conflict',
  'stale-version',
  'bad-file',
  'too-many',
] as const;
export type ProblemCode = (typeof PROBLEMS)[number];

export interface Problem {
  code: ProblemCode;
  /** The server's or browser's own words, when they add something. */
  detail: string;
}

export class ProblemError extends Error {
  readonly code: ProblemCode;
  constructor(code: ProblemCode, detail = '', options?: { cause?: unknown }) {
    super(detail, options);
    this.name = 'ProblemError';
    this.code = code;
  }
}

const isProblem = (code: string): code is ProblemCode => (PROBLEMS as readonly string[]).includes(code);

/** An error code of the server (src/contracts/errors.ts) as what it means to a person. */
export function problemOfCode(code: string, detail = ''): Problem {
  if (code === 'wrong-audience') return { code: 'unauthorized', detail };
  // What the server says there is not what the host said.
  if (code === 'removed') return { code, detail: '' };
  if (code === 'wrong-node') return { code: 'server-unreachable', detail: '' };
  if (code === 'no-seat') return { code: 'forbidden', detail };
  return isProblem(code) ? { code, detail } : { code: 'server-error', detail };
}

/** Whatever was thrown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return { code: error.code, detail: error.message };
  if (error instanceof Error) return { code: 'server-error', detail: error.message };
  return { code: 'server-error', detail: '' };
}

export type Wanted = 'camera' | 'microphone' | 'both' | 'screen';

/** The names are those of the Media Capture specification, section 10.2 (getUserMedia), and of older browsers. */
export function problemOfCapture(error: unknown, wanted: Wanted): Problem {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  const detail = error instanceof Error ? error.message : '';
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
    case 'SecurityError':
      return { code: 'permission-denied', detail };
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      if (wanted === 'screen') return { code: 'screen-failed', detail };
      return {
        code: wanted === 'camera' ? 'no-camera' : wanted === 'microphone' ? 'no-microphone' : 'no-device',
        detail,
      };
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      if (wanted === 'screen') return { code: 'screen-failed', detail };
      return { code: wanted === 'microphone' ? 'microphone-busy' : 'camera-busy', detail };
    default:
      return wanted === 'screen' ? { code: 'screen-failed', detail } : { code: 'device-failed', detail };
  }
}
