import { AppError } from '../contracts/errors.ts';
import { bearerOf, type Tokens } from './Tokens.ts';

export interface MemberAccess {
  /** Without a secret whoever the request guard lets in may do all. */
  open: boolean;
  tokens: Tokens;
}

/** Throws AppError unless it comes with a `join` token that `fits`, or with an `api` token. */
export async function allowMember(
  { open, tokens }: MemberAccess,
  authorization: string | undefined,
  fits: (claims: { role: string; room: string }) => boolean,
): Promise<void> {
  if (open) return;
  const token = bearerOf(authorization);
  const claims = await tokens.verify(token, 'join').catch((error: unknown) => {
    if (!(error instanceof AppError && error.code === 'wrong-audience')) throw error;
    return undefined;
  });
  if (!claims) await tokens.verify(token, 'api');
  else if (!fits(claims)) throw new AppError('forbidden');
}
