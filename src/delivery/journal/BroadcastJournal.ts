/**
 * What survives of one broadcast when delivery is killed. In: each change of the broadcast (DeliveryBroadcast.ts). Out: files in a
 * folder of its own, read back by `find`. Next: restoreBroadcast.ts.
 *
 *     broadcast.0 .1    the open order with its newest fence and destinations (URLs sealed), the takes
 *     position.0 .1     how far the playlists are, written at each part before any viewer is told of it
 *     init-ID, slate-ID of each rendition
 *     captions         lines of captions, one JSON text each; of two with one id the later counts (keptCaptions.ts)
 *
 * Why not SQLite: three positions a second and broadcast would be as many synchronised transactions on the loop that serves viewers.
 * Here a position costs ten microseconds; the disk has it within two seconds. A fault of the disk costs what is kept, never the
 * live output.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../common/logger.ts';
import type { SecretBox } from '../../common/SecretBox.ts';
import type { DestinationOrder } from '../../contracts/deliveryControl.ts';
import { OLDEST_PROTOCOL, type RenditionId } from '../../contracts/ids.ts';
import { StateFile } from '../../durable/StateFile.ts';
import type { CaptionBook } from '../captions/CaptionBook.ts';
import type { OpenOrder } from '../DeliveryBroadcast.ts';
import type { Take } from '../TakeLedger.ts';
import {
  afterReboot,
  type FoundBroadcast,
  KeptBroadcast,
  type KeptDestination,
  KeptPosition,
  POSITION_SYNC_MS,
} from './KeptBroadcast.ts';
import { appendCaption, readCaptions, writeCaptions } from './keptCaptions.ts';

/** A disk that fails is told of so often, ms. */
const COMPLAINT_MS = 60_000;
/** More takes than segments that can still be put need not be kept. */
const KEPT_TAKES = 16;

export interface JournalOptions {
  /** Its own; made when it is not there. */
  folder: string;
  box: SecretBox;
  logger: Logger;
}

export class BroadcastJournal {
  readonly #options: JournalOptions;
  readonly #state: StateFile;
  readonly #position: StateFile;
  #kept: KeptBroadcast;
  #first: number | undefined;
  #complainedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  private constructor(options: JournalOptions, files: [StateFile, StateFile], kept: KeptBroadcast, first?: number) {
    this.#options = options;
    [this.#state, this.#position] = files;
    this.#kept = kept;
    this.#first = first;
  }

  /** For a broadcast that has just been opened. Throws what the file system does. */
  static begin(options: JournalOptions, { destinations, ...opened }: OpenOrder): BroadcastJournal {
    // Nothing in it is of a connection: the version before can read it, too, should somebody go back to that.
    const order = { ...opened, protocol: OLDEST_PROTOCOL };
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const kept: KeptBroadcast = { version: 1, order, destinations: [], takes: [], ending: false };
    const journal = new BroadcastJournal(options, open(options.folder), kept);
    journal.#kept.destinations = destinations.map((d) => journal.#sealed(d));
    journal.#save();
    return journal;
  }

  /** What a process that died left in the folder, and the journal to go on with. undefined: nothing that is of use. */
  static find(options: JournalOptions, now: number): { journal: BroadcastJournal; found: FoundBroadcast } | undefined {
    const { folder, logger } = options;
    const writtenAt = Math.max(...['broadcast', 'position'].map((name) => newestWrite(join(folder, name))));
    const files = open(folder);
    const [state, position] = files;
    const kept = parsed(KeptBroadcast, state.text);
    if (!kept) {
      for (const file of files) file.close();
      return undefined;
    }
    const at = parsed(KeptPosition, position.text);
    const journal = new BroadcastJournal(options, files, kept, at?.first);
    const destinations = kept.destinations.flatMap((d) => unsealed(d, options.box, logger));
    const renditions = kept.order.renditions.map((r) => r.id);
    const silentMs = Math.max(0, now - writtenAt);
    const found: FoundBroadcast = {
      order: { ...kept.order, destinations },
      takes: kept.takes,
      position: at && afterReboot(at, { silentMs, upMs: uptime() * 1000, grid: kept.order.grid }),
      inits: blobs(folder, 'init', renditions),
      slates: blobs(folder, 'slate', renditions),
      captions: readCaptions(folder),
      ending: kept.ending,
      silentMs,
    };
    return { journal, found };
  }

  /** A controller has it again. */
  reopened(order: OpenOrder): void {
    const { destinations, ...rest } = order;
    this.#change({ order: rest, destinations: destinations.map((d) => this.#sealed(d)) });
  }

  take(take: Take): void {
    this.#change({ takes: [...this.#kept.takes, take].slice(-KEPT_TAKES) });
  }

  destinationAdded(order: DestinationOrder): void {
    const others = this.#kept.destinations.filter((d) => d.id !== order.id);
    this.#change({ destinations: [...others, this.#sealed(order)] });
  }

  destinationRemoved(id: string): void {
    this.#change({ destinations: this.#kept.destinations.filter((d) => d.id !== id) });
  }

  init(rendition: RenditionId, bytes: Buffer): void {
    this.#blob(`init-${rendition}`, bytes);
  }

  slate(rendition: RenditionId, bytes: Buffer): void {
    this.#blob(`slate-${rendition}`, bytes);
  }

  /** Those that there are, and those that come. */
  captions(book: CaptionBook): void {
    const { folder } = this.#options;
    if (book.tracks.length === 0) return;
    this.#try(() => writeCaptions(folder, book.all));
    // Before it is listed: a segment that viewers have had is the same after a crash.
    book.on('line', (line) => this.#try(() => appendCaption(folder, line)));
    book.on('removed', (id) => this.#try(() => appendCaption(folder, { id, removed: true })));
  }

  /** Everything before position `next` is visible, or lost for good; the segment that it belongs to is told for the first one. */
  visible(segment: number, next: number): void {
    this.#first ??= segment;
    const position: KeptPosition = { first: this.#first, next };
    this.#try(() => this.#position.save(JSON.stringify(position)));
  }

  /** Its end was ordered: a process that dies meanwhile goes on with ending it. */
  ending(): void {
    this.#change({ ending: true });
  }

  /** It is over: nothing is kept. Idempotent. */
  remove(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#try(() => {
      this.#state.remove();
      this.#position.remove();
      rmSync(this.#options.folder, { recursive: true, force: true });
    });
  }

  #sealed({ url, ...rest }: DestinationOrder): KeptDestination {
    return { ...rest, sealedUrl: this.#options.box.seal(url) };
  }

  #change(change: Partial<KeptBroadcast>): void {
    this.#kept = { ...this.#kept, ...change };
    this.#try(() => this.#save());
  }

  #save(): void {
    this.#state.save(JSON.stringify(this.#kept));
  }

  /** Whole or not at all, but for a power failure: then the compositor puts it again. */
  #blob(name: string, bytes: Buffer): void {
    const path = join(this.#options.folder, name);
    this.#try(() => {
      writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    });
  }

  #try(write: () => void): void {
    try {
      write();
    } catch (error) {
      const now = performance.now();
      if (now - this.#complainedAt < COMPLAINT_MS) return;
      this.#complainedAt = now;
      this.#options.logger.error({ err: error }, 'the broadcast can not be kept on disk: it would not survive a crash');
    }
  }
}

const open = (folder: string): [StateFile, StateFile] => [
  StateFile.open(join(folder, 'broadcast')),
  StateFile.open(join(folder, 'position'), POSITION_SYNC_MS),
];

function parsed<T>(schema: { safeParse(value: unknown): { data?: T | undefined } }, text?: string): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A destination that can not be opened is left out: the others, and viewers, are not to blame. */
function unsealed({ sealedUrl, ...rest }: KeptDestination, box: SecretBox, logger: Logger): DestinationOrder[] {
  try {
    return [{ ...rest, url: box.open(sealedUrl) }];
  } catch (error) {
    logger.error({ destination: rest.id, err: error }, 'a destination is lost: its stream key can not be read');
    return [];
  }
}

function blobs(folder: string, kind: string, renditions: readonly RenditionId[]): Map<RenditionId, Buffer> {
  const found = new Map<RenditionId, Buffer>();
  for (const id of renditions) {
    try {
      found.set(id, readFileSync(join(folder, `${kind}-${id}`)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return found;
}

/** ms since 1970; 0 when neither file is there. */
function newestWrite(path: string): number {
  return Math.max(...[0, 1].map((n) => statSync(`${path}.${n}`, { throwIfNoEntry: false })?.mtimeMs ?? 0));
}
