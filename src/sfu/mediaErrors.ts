import { errors } from 'mediasoup';
import { AppError } from '../contracts/errors.ts';

/** mediasoup's sentence names parameters, never secrets; it is cut all the same, since it may repeat the caller's input. */
const MAX_REASON_LENGTH = 200;

/** What mediasoup threw because of a caller's parameters, as the caller may see it. */
export function toMediaError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof errors.WorkerClosedError) {
    return new AppError('conflict', 'The media server of this room is being replaced; build the transports again.', {
      cause: error,
    });
  }
  if (error instanceof errors.NotFoundError) return new AppError('not-found', undefined, { cause: error });
  const reason = error instanceof Error ? error.message.slice(0, MAX_REASON_LENGTH) : '';
  return new AppError('bad-media', `The media parameters are not usable: ${reason}`, { cause: error });
}
