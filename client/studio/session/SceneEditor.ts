/**
 * The scene as a host changes it: shown at once, sent one change after the other. In: the server's scenes, and edits (functions of a
 * scene, so that they can be done again on a newer one). Out: `scene`, and scenes to the server.
 *
 * When another host was first the server says `stale-version`; it has told the newest scene before. Then only one's own edit is done again on
 * that, once; what the other host did stays.
 */
import { signal } from '@preact/signals';
import type { Scene, VersionedScene } from '../../../src/contracts/scene.ts';
import { type Problem, problemOf } from '../../shared/problems.ts';
import { SceneHistory } from './SceneHistory.ts';

export type SceneEdit = (scene: Scene) => Scene;

/** A slider that is dragged makes some hundred edits a second; the server takes 50 events of any kind, ms. */
const SEND_INTERVAL_MS = 100;

export interface SceneEditorOptions {
  /** Throws ProblemError. */
  set: (scene: Scene, ifMatch: number) => Promise<VersionedScene>;
  onRefused: (problem: Problem) => void;
}

export class SceneEditor {
  /** What the room has, with one's own edits that are on their way; null: not told to this person. */
  readonly scene = signal<Scene | null>(null);
  /** One's own edits of this visit. */
  readonly history = new SceneHistory();
  readonly #options: SceneEditorOptions;
  #newest: VersionedScene | null = null;
  #sent: SceneEdit[] = [];
  #waiting: SceneEdit[] = [];
  #sending = false;
  #lastSentAt = Number.NEGATIVE_INFINITY;

  constructor(options: SceneEditorOptions) {
    this.#options = options;
  }

  /** As it is on joining; versions of another server's life mean nothing. */
  joined(scene: VersionedScene | null): void {
    this.#newest = scene;
    this.#waiting = [];
    this.#show();
  }

  /** Somebody set it. */
  changed(scene: VersionedScene): void {
    if (this.#newest && scene.version < this.#newest.version) return;
    this.#newest = scene;
    this.#show();
  }

  edit(edit: SceneEdit): void {
    const before = this.scene.value;
    this.#do(edit);
    const after = this.scene.value;
    if (before && after) this.history.record(before, after);
  }

  /** Takes back one's own last edit; false when there is none. */
  undo(): boolean {
    return this.#do(this.history.undo());
  }

  /** Does again what was taken back last. */
  redo(): boolean {
    return this.#do(this.history.redo());
  }

  #do(edit: SceneEdit | undefined): boolean {
    if (!this.#newest || !edit) return false;
    this.#waiting.push(edit);
    this.#show();
    void this.#send();
    return true;
  }

  #show(): void {
    const edits = [...this.#sent, ...this.#waiting];
    this.scene.value = this.#newest && apply(edits, this.#newest.scene);
  }

  /** Never rejects. One at a time; what comes meanwhile goes together. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#waiting.length > 0) {
      const wait = this.#lastSentAt + SEND_INTERVAL_MS - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      this.#sent = this.#waiting.splice(0);
      const problem = (await this.#try()) ?? null;
      this.#sent = [];
      this.#show();
      if (problem) this.#options.onRefused(problem);
    }
    this.#sending = false;
  }

  /** The problem that stays after a second try, if there is one. */
  async #try(again = false): Promise<Problem | undefined> {
    const base = this.#newest;
    if (!base || this.#sent.length === 0) return undefined;
    this.#lastSentAt = performance.now();
    try {
      const { version, scene } = await this.#options.set(apply(this.#sent, base.scene), base.version);
      // Its own change has been told meanwhile, or one that came after it.
      if (base === this.#newest) this.#newest = { version, scene };
      return undefined;
    } catch (error) {
      const problem = problemOf(error);
      return problem.code === 'stale-version' && !again ? this.#try(true) : problem;
    }
  }
}

const apply = (edits: readonly SceneEdit[], scene: Scene): Scene => edits.reduce((was, edit) => edit(was), scene);
