/** The other SFU nodes of the fleet, and questions to all of them. In: the directory's nodes. Out: what each answers on its internal port (RelayDoor.ts). */
import type { z } from 'zod';
import type { Logger } from '../common/logger.ts';
import { AppError, ERRORS, type ErrorCode } from '../contracts/errors.ts';
import type { Directory } from '../directory/Directory.ts';
import type { View } from '../directory/View.ts';
import { RELAY_HEADER } from './RelayDoor.ts';

/** Whoever has not answered after this is left out, ms. */
const ANSWER_LIMIT_MS = 5_000;

export interface SfuNodesOptions {
  directory: Directory;
  newServiceToken: () => Promise<string>;
  logger: Logger;
}

export interface Asked {
  method?: 'GET' | 'DELETE';
  /** With `/v1` at its beginning. */
  path: string;
  /** The caller's own, checked there again. */
  authorization: string | undefined;
}

export class SfuNodes {
  readonly #options: SfuNodesOptions;
  readonly #view: View<'node'>;

  private constructor(options: SfuNodesOptions, view: View<'node'>) {
    this.#options = options;
    this.#view = view;
  }

  static async create(options: SfuNodesOptions): Promise<SfuNodes> {
    return new SfuNodes(options, await options.directory.watch('node'));
  }

  /** Base URLs of their internal ports. */
  get others(): string[] {
    const { node } = this.#options.directory;
    const sfus = this.#view.entries.filter(({ data }) => data.role === 'sfu' && data.url !== node);
    return sfus.map(({ data }) => data.url);
  }

  /** The answers of all others, in no order; who can not be had is left out, and said in the log. */
  async askAll<S extends z.ZodType>(asked: Asked, schema: S): Promise<z.output<S>[]> {
    const answers = await Promise.all(
      this.others.map(async (url) => {
        try {
          return [schema.parse(await (await this.ask(url, asked)).json())];
        } catch (error) {
          this.#options.logger.warn({ err: error, url, path: asked.path }, 'an SFU node can not be asked');
          return [];
        }
      }),
    );
    return answers.flat();
  }

  /** Throws AppError with the code that it answers, and what fetch does. */
  async ask(url: string, { method = 'GET', path, authorization }: Asked): Promise<Response> {
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'error',
      headers: {
        [RELAY_HEADER]: await this.#options.newServiceToken(),
        ...(authorization === undefined ? {} : { authorization }),
      },
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    if (response.ok) return response;
    const body = (await response.json().catch(() => null)) as { error?: { code?: unknown; message?: unknown } } | null;
    const { code, message } = body?.error ?? {};
    if (typeof code === 'string' && Object.hasOwn(ERRORS, code))
      throw new AppError(code as ErrorCode, typeof message === 'string' ? message : undefined);
    throw new Error(`the SFU node answered ${response.status}`);
  }
}
