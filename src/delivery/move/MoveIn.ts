/**
 * The new node's side of a move: brings a broadcast here from the node that has it. In: what that one tells (moveRoutes.ts). Out: the broadcast
 * as if it had always been here. Delivery.ts owns it.
 *
 *   copying ─▶ `copied` ─▶ (the controller has compositors put segment k and later here, and the old node yields them) ─▶ `arrived`
 *
 * What is put here meanwhile waits invisibly in the store. A recording's beginning that can not be copied in time stays on the old node.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../../common/writeFileAtomic.ts';
import type { CaptionLine } from '../../contracts/captions.ts';
import { AppError } from '../../contracts/errors.ts';
import { segmentSeconds } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import { type ArchiveManifest, writeManifest } from '../archive/ArchiveManifest.ts';
import { SLATE_FILE, wholeName } from '../archive/names.ts';
import { splitParts } from '../archive/splitParts.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import { MEMORY_SECONDS } from '../ProgramStore.ts';
import type { RecordingRecord } from '../recording/RecordingRecord.ts';
import { MoveManifest } from './MoveManifest.ts';

/** One answer: a segment of 20 s at 20 Mbit/s has 50 MB; the last state is held for 10 s, ms. */
const ANSWER_LIMIT_MS = 20_000;
/** The controller yields some seconds after `copied`, unless a handoff is under way: then a little later, ms. */
const FINAL_LIMIT_MS = 60_000;
/** Segments that are fetched at the same time. */
const AT_ONCE = 4;

export interface MoveInOptions {
  broadcast: DeliveryBroadcast;
  /** Base URL of the old node's internal port. */
  from: string;
  /** What is not here after this time stays there, ms. */
  copyMs: number;
  newServiceToken: () => Promise<string>;
  /** Where segments go on the disk, and what lies there beside them; null: the broadcast is in memory only. */
  disk: { folder: string; arriving: string; manifest: ArchiveManifest } | null;
}

/** What has been brought. */
export interface MovedIn {
  /** The first segment that is listed, and the first position that was not visible; null: nothing was. */
  position: { first: number; next: number } | null;
  /** The newest segments, when there is no disk. */
  held: Map<number, Map<RenditionId, Buffer[]>>;
  recording: RecordingRecord | null;
  captions: CaptionLine[];
  /** Nothing stayed behind. */
  complete: boolean;
}

export class MoveIn {
  readonly #options: MoveInOptions;
  readonly #abort = new AbortController();
  /** Segments that are here. */
  readonly #had = new Set<number>();
  readonly #held = new Map<number, Map<RenditionId, Buffer[]>>();
  /** The newest segment that there was when copying began: what came later has to be copied, what was before is when there is time. */
  #newest = -1;

  constructor(options: MoveInOptions) {
    this.#options = options;
  }

  /** All that there is now, as far as time allows, the newest first. Rejects when the other node can not be had. */
  async copy(): Promise<void> {
    const { broadcast, copyMs, disk } = this.#options;
    const until = performance.now() + copyMs;
    if (disk) {
      await rm(disk.arriving, { recursive: true, force: true });
      await writeManifest(disk.arriving, disk.manifest);
    }
    const manifest = await this.#manifest(false);
    const by = { compositor: '', fence: broadcast.fence };
    for (const id of manifest.inits) broadcast.putInit(id, await this.#file(id, 'init'), by);
    for (const id of manifest.slates) broadcast.putSlate(id, await this.#file(id, 'slate'), by);
    this.#newest = manifest.segments.at(-1) ?? -1;
    await this.#fetch(manifest.segments, until);
  }

  /** The rest, when the old node has yielded the broadcast. */
  async finish(): Promise<MovedIn> {
    const { broadcast, disk } = this.#options;
    const until = performance.now() + FINAL_LIMIT_MS;
    let manifest = await this.#manifest(true);
    for (; !manifest.final; manifest = await this.#manifest(true))
      if (performance.now() > until) throw new AppError('internal', 'The other delivery node does not yield.');
    await this.#fetch(
      manifest.segments.filter((number) => number > this.#newest),
      until,
    );
    const { first, next, recording, captions } = manifest;
    if (disk) await this.#settle(disk, manifest);
    const complete = manifest.segments.every((number) => this.#had.has(number));
    broadcast.logger.info({ segments: this.#had.size, of: manifest.segments.length, next }, 'broadcast copied');
    return { position: first === null ? null : { first, next }, held: this.#held, recording, captions, complete };
  }

  /** It is here: the other node may forget it. */
  async done(complete: boolean): Promise<void> {
    await this.#ask('/done', { method: 'POST', body: JSON.stringify({ complete }) });
  }

  /** Idempotent. What has been written and can not be removed goes with the next one, or at the next start. */
  async close(): Promise<void> {
    this.#abort.abort(new AppError('shutting-down'));
    const { disk, broadcast } = this.#options;
    if (!disk) return;
    await rm(disk.arriving, { recursive: true, force: true }).catch((error: unknown) =>
      broadcast.logger.debug({ err: error }, 'segments that were on their way could not be removed'),
    );
  }

  /** Under its own name only when it is whole: whoever starts anew finds what has arrived, and nothing else. */
  async #settle(
    { folder, arriving, manifest }: NonNullable<MoveInOptions['disk']>,
    { inits, slates, recording }: MoveManifest,
  ): Promise<void> {
    const { broadcast } = this.#options;
    // It may have been begun while the broadcast was live, and is not the first then.
    const recordingFrom = recording?.firstSegment ?? 0;
    await writeManifest(arriving, { ...manifest, recording: recording?.id ?? null, recordingFrom });
    for (const id of inits) {
      const init = broadcast.inits.get(id);
      if (init) await writeFileAtomic(join(arriving, id, init.name), init.bytes);
    }
    for (const id of slates) {
      const bytes = broadcast.slates.bytes(id);
      if (bytes) await writeFileAtomic(join(arriving, id, SLATE_FILE), bytes);
    }
    await mkdir(dirname(folder), { recursive: true });
    // What an earlier stay here has left.
    await rm(folder, { recursive: true, force: true });
    await rename(arriving, folder);
  }

  async #fetch(numbers: readonly number[], until: number): Promise<void> {
    const { broadcast, disk } = this.#options;
    const inMemory = Math.ceil(MEMORY_SECONDS / segmentSeconds(broadcast.grid));
    const wanted = disk ? numbers.toReversed() : numbers.slice(-inMemory).toReversed();
    for (let at = 0; at < wanted.length && performance.now() < until; at += AT_ONCE)
      await Promise.all(wanted.slice(at, at + AT_ONCE).map((number) => this.#segment(number)));
  }

  async #segment(number: number): Promise<void> {
    const { broadcast, disk } = this.#options;
    const { grid, renditions, inits } = broadcast;
    const parts = new Map<RenditionId, Buffer[]>();
    for (const { id } of renditions) {
      const bytes = await this.#file(id, String(number)).catch((error: unknown) => {
        // It was deleted in the meantime: too old by now.
        if (error instanceof AppError && error.code === 'not-found') return null;
        throw error;
      });
      if (!bytes) return;
      if (disk) await writeFileAtomic(join(disk.arriving, id, wholeName(number)), bytes);
      else parts.set(id, splitParts(bytes, { grid, rendition: id, init: inits.need(id).info, number }));
    }
    this.#had.add(number);
    if (!disk) this.#held.set(number, parts);
  }

  async #manifest(final: boolean): Promise<MoveManifest> {
    const response = await this.#ask(final ? '?final=true' : '');
    return MoveManifest.parse(await response.json());
  }

  async #file(rendition: RenditionId, name: string): Promise<Buffer> {
    return Buffer.from(await (await this.#ask(`/${rendition}/${name}`)).arrayBuffer());
  }

  async #ask(path: string, more: { method?: string; body?: string } = {}): Promise<Response> {
    const { from, broadcast, newServiceToken } = this.#options;
    let response: Response;
    try {
      response = await fetch(`${from}/delivery/moves/${broadcast.id}${path}`, {
        ...more,
        headers: {
          authorization: `Bearer ${await newServiceToken()}`,
          ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        signal: AbortSignal.any([AbortSignal.timeout(ANSWER_LIMIT_MS), this.#abort.signal]),
      });
    } catch (error) {
      throw new AppError('internal', 'The other delivery node can not be reached.', { cause: error });
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw new AppError(response.status === 404 ? 'not-found' : 'internal', `It answered ${response.status}.`);
  }
}
