import { z } from 'zod';
import { AppError, ERRORS } from '../contracts/errors.ts';
import type { Ack } from '../contracts/signaling.ts';

/** A sentence about a payload is cut here: it may repeat the names of a hostile payload's keys. */
const MAX_SENTENCE_LENGTH = 300;

/** Whatever was thrown, as what a caller may see of it. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof z.ZodError) {
    const sentences = error.issues.slice(0, 3).map((i) => `${i.path.map(String).join('.') || 'payload'}: ${i.message}`);
    return new AppError('bad-request', sentences.join('; ').slice(0, MAX_SENTENCE_LENGTH), { cause: error });
  }
  return new AppError('internal', undefined, { cause: error });
}

export const toAnswer = (error: AppError): Ack<never> => ({ ok: false, error: error.toJSON() });

/** Worth a line in the log: the fault is ours. A room that is on its way is asked for again by whoever asked. */
export const isOurFault = ({ code }: AppError): boolean => ERRORS[code].severity === 'server' && code !== 'wrong-node';
