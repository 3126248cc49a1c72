/** The one table of errors: code → HTTP status, severity and what to do. docs and the README's table are compared with it by a test. */

export type Severity =
  /** The caller did something that cannot work. */
  | 'caller'
  /** The user's own CDN, device or network. */
  | 'outside'
  /** Us. */
  | 'server';

export const ERRORS = {
  'bad-request': {
    status: 400,
    severity: 'caller',
    help: 'The request does not have the form the API document describes.',
  },
  unauthorized: {
    status: 401,
    severity: 'caller',
    help: 'The token is missing, expired, or not made by this server. Ask for a new link.',
  },
  'wrong-audience': { status: 401, severity: 'caller', help: 'The token is genuine, but made for another purpose.' },
  forbidden: { status: 403, severity: 'caller', help: 'The role of this token does not allow this.' },
  removed: {
    status: 403,
    severity: 'caller',
    help: 'A host removed you from the room. The link works again only when a host makes you a new one.',
  },
  'foreign-origin': {
    status: 403,
    severity: 'caller',
    help: 'Add the page to LIANMAI_ALLOWED_ORIGINS, or set LIANMAI_SECRET to listen for others.',
  },
  'not-found': { status: 404, severity: 'caller', help: 'There is nothing under this name.' },
  'method-not-allowed': { status: 405, severity: 'caller', help: 'Only GET, HEAD and OPTIONS work here.' },
  gone: { status: 410, severity: 'caller', help: 'It was there, and is not kept any longer.' },
  'no-such-range': { status: 416, severity: 'caller', help: 'The file is shorter than the range that was asked for.' },
  'no-broadcast': { status: 404, severity: 'caller', help: 'The room is not live.' },
  conflict: { status: 409, severity: 'caller', help: 'It is in another state than this needs.' },
  'room-full': { status: 409, severity: 'caller', help: 'All 16 seats of the room are taken.' },
  'no-seat': { status: 403, severity: 'caller', help: 'Ask the host for a seat before publishing.' },
  'stale-fence': { status: 409, severity: 'server', help: 'A newer owner exists; this one must stop.' },
  'not-taken': { status: 409, severity: 'server', help: 'The segment belongs to another compositor.' },
  'init-mismatch': { status: 409, severity: 'server', help: 'The init segment differs from the one of the broadcast.' },
  'off-grid': { status: 422, severity: 'server', help: 'The part is not where the grid has it.' },
  'stale-version': {
    status: 412,
    severity: 'caller',
    help: 'Somebody changed it meanwhile. Read it again, then write.',
  },
  'precondition-required': {
    status: 428,
    severity: 'caller',
    help: 'Send If-Match with the version that you have read.',
  },
  'too-large': { status: 413, severity: 'caller', help: 'The message is larger than allowed.' },
  'too-many': { status: 429, severity: 'caller', help: 'Wait a moment, then try again.' },
  'destination-refused': {
    status: 422,
    severity: 'caller',
    help: 'Only rtmp, rtmps and srt to public addresses; others need LIANMAI_ALLOW_PRIVATE_DESTINATIONS.',
  },
  'webhook-refused': {
    status: 422,
    severity: 'caller',
    help: 'Only http and https to public addresses; others need LIANMAI_ALLOW_PRIVATE_WEBHOOKS.',
  },
  'bad-media': { status: 422, severity: 'caller', help: 'The media parameters are not ones that this server can use.' },
  'joined-elsewhere': {
    status: 409,
    severity: 'caller',
    help: 'You joined again in another tab or device; this one was left.',
  },
  'room-closed': { status: 410, severity: 'caller', help: 'The room was closed.' },
  'bad-upstream': {
    status: 502,
    severity: 'server',
    help: 'The delivery node that has the broadcast cannot be reached. Try again in a moment.',
  },
  'directory-unavailable': {
    status: 503,
    severity: 'server',
    help: 'Redis cannot be reached. What is live goes on; try again in a moment.',
  },
  'wrong-node': {
    status: 503,
    severity: 'server',
    help: 'The room is on its way to another node. Try again in a moment.',
  },
  'no-capacity': { status: 503, severity: 'server', help: 'No compositor is free at the moment.' },
  'shutting-down': { status: 503, severity: 'server', help: 'The server is being stopped. Try again in a moment.' },
  internal: { status: 500, severity: 'server', help: 'The fault is ours; the log has it under the request id.' },
} as const satisfies Record<string, { status: number; severity: Severity; help: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error that a caller may see: a code of the table and a sentence without secrets. */
export class AppError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message?: string, options?: { cause?: unknown }) {
    super(message ?? ERRORS[code].help, options);
    this.name = 'AppError';
    this.code = code;
  }
  get status(): number {
    return ERRORS[this.code].status;
  }
  toJSON(): { code: ErrorCode; message: string } {
    return { code: this.code, message: this.message };
  }
}
