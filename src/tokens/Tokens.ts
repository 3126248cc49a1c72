import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { decodeJwt, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { Secret } from '../common/Secret.ts';
import { AppError } from '../contracts/errors.ts';
import {
  type ApiClaims,
  type Audience,
  Claims,
  type JoinClaims,
  type PlayClaims,
  type ServiceClaims,
  type WatchClaims,
} from '../contracts/tokens.ts';

/** Tolerated difference between the clocks of who signs and who verifies, seconds. */
const CLOCK_TOLERANCE_S = 5;
/** A token is a header line or a URL part; nothing that we make comes near this. */
const MAX_TOKEN_LENGTH = 4096;

interface Verified {
  claims: Claims;
  /** ms since 1970, with the tolerance. */
  expiresAt: number;
}

interface Key {
  kid: string;
  key: Uint8Array;
}

/**
 * Signs and verifies the kinds of tokens (contracts/tokens.ts). Each audience has a key of its own, derived from the
 * secret by HKDF-SHA256 (RFC 5869), so that a token of one audience can not pass for another whatever its claims say.
 */
export class Tokens {
  readonly #secrets: { kid: string; secret: string }[];

  private constructor(secrets: string[]) {
    this.#secrets = secrets.map((secret) => ({
      kid: createHash('sha256').update(`lianmai kid ${secret}`).digest('base64url').slice(0, 8),
      secret,
    }));
  }

  /** Without secrets: one that is made up now and dies with the process. */
  static create(secrets: readonly Secret[]): Tokens {
    return new Tokens(secrets.length > 0 ? secrets.map((s) => s.reveal()) : [randomBytes(32).toString('hex')]);
  }

  /** A name for somebody, the same at all nodes, that tells nobody else who it is: 16 characters of base64url. */
  alias(...of: string[]): string {
    const key = new Uint8Array(hkdfSync('sha256', this.#secrets[0]?.secret ?? '', 'lianmai', 'alias', 32));
    return createHmac('sha256', key).update(JSON.stringify(of)).digest('base64url').slice(0, 16);
  }

  #keys(audience: Audience): Key[] {
    return this.#secrets.map(({ kid, secret }) => ({
      kid,
      key: new Uint8Array(hkdfSync('sha256', secret, 'lianmai', `token ${audience}`, 32)),
    }));
  }

  async sign(claims: Claims, expiresInSeconds: number): Promise<string> {
    const { aud, ...rest } = Claims.parse(claims);
    const key = this.#keys(aud)[0];
    if (!key) throw new Error('no secret to sign with');
    return new SignJWT(rest as JWTPayload)
      .setProtectedHeader({ alg: 'HS256', kid: key.kid, typ: 'JWT' })
      .setAudience(aud)
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInSeconds)
      .sign(key.key);
  }

  verify(token: unknown, audience: 'join'): Promise<JoinClaims>;
  verify(token: unknown, audience: 'api'): Promise<ApiClaims>;
  verify(token: unknown, audience: 'service'): Promise<ServiceClaims>;
  verify(token: unknown, audience: 'play'): Promise<PlayClaims>;
  verify(token: unknown, audience: 'watch'): Promise<WatchClaims>;
  /** Throws AppError `unauthorized` (absent, malformed, foreign, expired) or `wrong-audience`. */
  async verify(token: unknown, audience: Audience): Promise<Claims> {
    return (await this.#check(token, audience)).claims;
  }

  /** As `verify`, for who remembers the answer: it holds until `expiresAt`, ms since 1970. */
  async verifyPlay(token: unknown): Promise<{ claims: PlayClaims; expiresAt: number }> {
    const { claims, expiresAt } = await this.#check(token, 'play');
    if (claims.aud !== 'play') throw new AppError('wrong-audience');
    return { claims, expiresAt };
  }

  async #check(token: unknown, audience: Audience): Promise<Verified> {
    if (typeof token !== 'string' || token === '') throw new AppError('unauthorized', 'A token is needed.');
    if (token.length > MAX_TOKEN_LENGTH) throw new AppError('unauthorized', 'The token is not one of this server.');
    const verified = await this.#verifyAs(token, audience);
    if (verified) return verified;
    const claimed = audienceOf(token);
    if (claimed && claimed !== audience && (await this.#verifyAs(token, claimed))) {
      throw new AppError('wrong-audience', `This is a token for "${claimed}"; one for "${audience}" is needed.`);
    }
    throw new AppError('unauthorized', 'The token is not one of this server.');
  }

  /** undefined: not signed by one of our keys for this audience. */
  async #verifyAs(token: string, audience: Audience): Promise<Verified | undefined> {
    for (const { key } of this.#keys(audience)) {
      try {
        const { payload } = await jwtVerify(token, key, {
          audience,
          algorithms: ['HS256'],
          clockTolerance: CLOCK_TOLERANCE_S,
          requiredClaims: ['exp', 'sub'],
        });
        const claims = Claims.safeParse(payload);
        if (!claims.success)
          throw new AppError('unauthorized', 'The token does not hold what a token of this server holds.');
        return { claims: claims.data, expiresAt: ((payload.exp ?? 0) + CLOCK_TOLERANCE_S) * 1000 };
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (error instanceof errors.JWTExpired)
          throw new AppError('unauthorized', 'The token has expired. Ask for a new link.', { cause: error });
      }
    }
    return undefined;
  }
}

function audienceOf(token: string): Audience | undefined {
  try {
    const { aud } = decodeJwt(token);
    return (['join', 'api', 'service', 'play', 'watch'] as const).find((a) => a === aud);
  } catch {
    return undefined;
  }
}

/** The token of an `Authorization: Bearer` header (RFC 6750), or undefined. */
export function bearerOf(header: string | undefined): string | undefined {
  return header?.match(/^Bearer ([A-Za-z0-9._~+/=-]+)$/i)?.[1];
}
