/**
 * Encryption at rest: what is written to a disk and holds a stream key goes through here. In: a text. Out: `s1.` and base64url of
 * nonce, tag and ciphertext; another version would have another prefix.
 *
 * AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D section 8.2.2: good for 2^32 texts a key). The key is derived by HKDF-SHA256
 * (RFC 5869) for one purpose, so that what was sealed for one can not pass for another.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from './ids.ts';
import { Secret } from './Secret.ts';

const VERSION = 's1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** In the data directory, mode 0600: what seals where there is no LIANMAI_SECRET. */
export const KEY_FILE = 'seal.key';

export interface SecretBoxOptions {
  /** LIANMAI_SECRET: the first seals, all open. */
  secrets: readonly Secret[];
  dataDir: string;
  /** What is sealed, such as `destinations`: boxes of two purposes do not open each other's texts. */
  purpose: string;
}

/** What was sealed can not be opened: it was changed, or sealed with a secret that is not one of ours. Says nothing of the content. */
export class SealError extends Error {
  override name = 'SealError';
}

export class SecretBox {
  /** The first seals. */
  readonly #keys: readonly Buffer[];
  readonly #associated: Buffer;

  private constructor(material: readonly (string | Buffer)[], purpose: string) {
    this.#keys = material.map((m) => Buffer.from(hkdfSync('sha256', m, 'lianmai', `seal ${purpose}`, KEY_BYTES)));
    this.#associated = Buffer.from(`${VERSION} ${purpose}`);
  }

  /**
   * Without a secret a random key is made in `dataDir`, once. A key file that is there still opens what was sealed with it
   * after a secret has been set.
   */
  static async create({ secrets, dataDir, purpose }: SecretBoxOptions): Promise<SecretBox> {
    const file = join(dataDir, KEY_FILE);
    const fromFile = secrets.length > 0 ? await readKey(file) : ((await readKey(file)) ?? (await makeKey(dataDir)));
    return new SecretBox([...secrets.map((s) => s.reveal()), ...(fromFile ? [fromFile] : [])], purpose);
  }

  seal(text: string): string {
    const key = this.#keys[0];
    if (!key) throw new Error('no key to seal with');
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(this.#associated);
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return `${VERSION}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
  }

  /** Throws SealError when it was changed, or was sealed with another secret or for another purpose. */
  open(sealed: string): string {
    const [version, encoded, ...rest] = sealed.split('.');
    const bytes = Buffer.from(encoded ?? '', 'base64url');
    if (version !== VERSION || rest.length > 0 || bytes.length < NONCE_BYTES + TAG_BYTES)
      throw new SealError('this is not a sealed text');
    for (const key of this.#keys) {
      const text = this.#tryKey(key, bytes);
      if (text !== undefined) return text;
    }
    throw new SealError('the sealed text was changed, or sealed with another secret');
  }

  #tryKey(key: Buffer, bytes: Buffer): string | undefined {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#associated).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }
}

/** For what is signed without LIANMAI_SECRET and has to be good after a restart: a secret of the data directory. */
export async function dataDirSecret(dataDir: string): Promise<Secret> {
  const key = (await readKey(join(dataDir, KEY_FILE))) ?? (await makeKey(dataDir));
  return new Secret(key.toString('hex'));
}

/** undefined: there is none. */
async function readKey(file: string): Promise<Buffer | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const key = Buffer.from(text.trim(), 'hex');
  // To make another one would lose what was sealed with this one; who runs the server decides.
  if (key.length !== KEY_BYTES)
    throw new SealError(`${file} does not hold a key: put it back, or remove it and what was sealed with it`);
  return key;
}

/** Race: two processes may begin at once on one directory. The file appears whole or not at all, and the first one counts. */
async function makeKey(dataDir: string): Promise<Buffer> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, KEY_FILE);
  const own = `${file}.${newId('d')}`;
  const handle = await open(own, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`);
    await handle.sync();
    await handle.close();
    await link(own, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(own, { force: true });
  }
  const key = await readKey(file);
  if (!key) throw new SealError(`${file} was removed while it was made`);
  return key;
}
