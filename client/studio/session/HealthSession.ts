/**
 * How the room fares, as this person is told: a host all of it, everybody else their own upload (docs/health.md). In: `room:health`, this page's own
 * statistics. Out: signals, and `health:report` over the session's socket (StudioSession.ts owns it).
 */
import { computed, effect, signal } from '@preact/signals';
import type { Finding, RoomHealth } from '../../../src/contracts/health.ts';
import type { ServerToClient } from '../../../src/contracts/signaling.ts';
import { HEALTH_REPORT_EVERY_MS } from '../../shared/contract.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { watchMutedTalk } from '../media/MutedTalk.ts';
import { NOTHING_SENT, readUpload, type Stat } from '../media/uploadStats.ts';
import type { RoomState } from './RoomState.ts';
import type { SignalingClient } from './SignalingClient.ts';

type Watched = Pick<LocalMedia, 'camera' | 'microphone' | 'muted'>;

/** What a page itself finds: nobody else may know that somebody talks into a muted microphone. */
export interface OwnFinding extends Pick<Finding, 'key' | 'severity' | 'values' | 'peer'> {
  code: Finding['code'] | 'muted';
}

/** One finding that is as severe as it is: what has grown worse is told anew. */
const told = ({ key, severity }: OwnFinding): string => `${key} ${severity}`;

export class HealthSession {
  /** As the server told last; null: not yet, or there is no connection. */
  readonly room = signal<RoomHealth | null>(null);
  readonly #talksMuted = signal(false);
  readonly #dismissed = signal<ReadonlySet<string>>(new Set());
  /** The worst first; one's own before others'. */
  readonly findings = computed<readonly OwnFinding[]>(() => {
    const all = this.room.value?.findings ?? [];
    const self = this.#state.selfId.value;
    const own: OwnFinding = { key: 'muted', code: 'muted', severity: 'warn', peer: self, values: {} };
    return this.#talksMuted.value ? [own, ...all] : all;
  });
  /**
   * What asks for something to be done and was not dismissed: the worst, and the worst of one's own where that is another one: who has no place
   * for the first, as on a phone, has the second.
   */
  readonly urgent = computed<readonly OwnFinding[]>(() => {
    const all = this.findings.value.filter(
      (each) => each.severity !== 'info' && !this.#dismissed.value.has(told(each)),
    );
    const own = all.find(({ peer }) => peer === this.#state.selfId.value);
    return all.filter((each, i) => i === 0 || each === own);
  });

  readonly #signaling: Pick<SignalingClient, 'request'>;
  readonly #state: RoomState;
  readonly #media: Watched;
  readonly #upload: () => Promise<RTCStatsReport> | undefined;
  readonly #stops: (() => void)[] = [];
  #memory = NOTHING_SENT;

  /** `upload`: statistics of what is sent; undefined: there is no connection. */
  constructor(
    signaling: Pick<SignalingClient, 'request' | 'socket'>,
    state: RoomState,
    media: Watched,
    upload: () => Promise<RTCStatsReport> | undefined,
  ) {
    this.#signaling = signaling;
    this.#state = state;
    this.#media = media;
    this.#upload = upload;
    const timer = setInterval(() => void this.#report(), HEALTH_REPORT_EVERY_MS);
    const onLost = (): void => {
      this.room.value = null;
    };
    signaling.socket.on('disconnect', onLost);
    this.#stops.push(
      () => clearInterval(timer),
      effect(() => this.#listenMuted(media.muted.value ? media.microphone.value : null)),
      // What is over may come again, and is told again then.
      effect(() => {
        const now = new Set(this.findings.value.map(told));
        const kept = [...this.#dismissed.peek()].filter((each) => now.has(each));
        if (kept.length < this.#dismissed.peek().size) this.#dismissed.value = new Set(kept);
      }),
      () => signaling.socket.off('disconnect', onLost),
    );
  }

  readonly events: Pick<ServerToClient, 'room:health'> = {
    'room:health': (health) => {
      this.room.value = health;
    },
  };

  /** Not told again until it is over, or worse. */
  dismiss(finding: OwnFinding): void {
    this.#dismissed.value = new Set(this.#dismissed.value).add(told(finding));
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#unlisten?.();
  }

  #unlisten: (() => void) | undefined;
  #listenMuted(track: MediaStreamTrack | null): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
    this.#talksMuted.value = false;
    if (track?.readyState !== 'live') return;
    this.#unlisten = watchMutedTalk(track, (talks) => {
      this.#talksMuted.value = talks;
    });
  }

  async #report(): Promise<void> {
    if (!this.#state.self.peek()?.seated) return;
    const media = this.#media;
    try {
      const stats = await this.#upload();
      if (!stats) return;
      const sent = {
        camera: media.camera.peek()?.id ?? null,
        microphone: media.muted.peek() ? null : (media.microphone.peek()?.id ?? null),
      };
      const { report, memory } = readUpload([...stats.values()] as Stat[], sent, this.#memory);
      this.#memory = memory;
      await this.#signaling.request('health:report', report);
    } catch {
      // A report that is lost is followed by the next one; a connection that is gone is noticed elsewhere.
    }
  }
}
