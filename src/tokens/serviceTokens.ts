/** Tokens by which the processes of a fleet know each other. */
import { AppError } from '../contracts/errors.ts';
import type { Tokens } from './Tokens.ts';

/** A service token is made anew for each connection; it only has to outlive the broadcast that it was made for. */
const SERVICE_TOKEN_SECONDS = 7 * 86_400;

export const newServiceToken = (tokens: Tokens): Promise<string> =>
  tokens.sign({ aud: 'service', sub: 'sfu' }, SERVICE_TOKEN_SECONDS);

/** Throws AppError. */
export async function verifyService(tokens: Tokens, token: string | undefined): Promise<void> {
  await tokens.verify(token, 'service');
}

export async function isService(tokens: Tokens, token: string | undefined): Promise<boolean> {
  try {
    await verifyService(tokens, token);
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}
