/** What the simulator and benches ask of the HTTP API. */

import type { z } from 'zod';
import { TokenAnswer } from '../../src/contracts/api.ts';
import { type BroadcastInput, BroadcastStatus, type DestinationInput } from '../../src/contracts/broadcast.ts';
import { CaptionAnswer, type CaptionInput } from '../../src/contracts/captions.ts';
import { DestinationStatus } from '../../src/contracts/deliveryControl.ts';
import { type Recording, RecordingList } from '../../src/contracts/recording.ts';
import type { Scene } from '../../src/contracts/scene.ts';
import { Schedule, type ScheduleInput } from '../../src/contracts/schedule.ts';
import type { Role } from '../../src/contracts/tokens.ts';
import { UsageAnswer } from '../../src/contracts/usage.ts';

export class ServerApi {
  readonly url: string;
  readonly #authorization: Record<string, string>;

  /** `apiToken`: a token of audience `api`; a server without a secret needs none. */
  constructor(url: string, apiToken?: string) {
    this.url = url.replace(/\/+$/, '');
    this.#authorization = apiToken ? { authorization: `Bearer ${apiToken}` } : {};
  }

  async joinToken(room: string, role: Role, name?: string): Promise<string> {
    const answer = await this.#call('POST', `/v1/rooms/${room}/tokens`, { role, ...(name ? { name } : {}) });
    return TokenAnswer.parse(answer).token;
  }

  async startBroadcast(room: string, input: z.input<typeof BroadcastInput>): Promise<BroadcastStatus> {
    return BroadcastStatus.parse(await this.#call('PUT', `/v1/rooms/${room}/broadcast`, input));
  }

  async broadcast(room: string): Promise<BroadcastStatus> {
    return BroadcastStatus.parse(await this.#call('GET', `/v1/rooms/${room}/broadcast`));
  }

  async stopBroadcast(room: string): Promise<BroadcastStatus> {
    return BroadcastStatus.parse(await this.#call('DELETE', `/v1/rooms/${room}/broadcast`));
  }

  /** A line of captions. */
  async caption(room: string, input: z.input<typeof CaptionInput>): Promise<CaptionAnswer> {
    return CaptionAnswer.parse(await this.#call('POST', `/v1/rooms/${room}/captions`, input));
  }

  async addDestination(room: string, input: z.input<typeof DestinationInput>): Promise<DestinationStatus> {
    return DestinationStatus.parse(await this.#call('POST', `/v1/rooms/${room}/destinations`, input));
  }

  /** The room's next broadcast starts by itself. */
  async schedule(room: string, input: z.input<typeof ScheduleInput>): Promise<Schedule> {
    return Schedule.parse(await this.#call('PUT', `/v1/rooms/${room}/schedule`, input));
  }

  async unschedule(room: string): Promise<void> {
    await this.#call('DELETE', `/v1/rooms/${room}/schedule`);
  }

  async recordings(): Promise<Recording[]> {
    return RecordingList.parse(await this.#call('GET', '/v1/recordings')).recordings;
  }

  /** The whole scene, where it is at `version`. */
  async setScene(room: string, scene: z.input<typeof Scene>, version: number): Promise<void> {
    await this.#call('PUT', `/v1/rooms/${room}/scene`, scene, { 'if-match': `"${version}"` });
  }

  /** `query`: of `GET /v1/usage`. */
  async usage(query: Record<string, string> = {}): Promise<UsageAnswer> {
    return UsageAnswer.parse(await this.#call('GET', `/v1/usage?${new URLSearchParams(query)}`));
  }

  /** Gives the broadcast to a compositor of another agent. */
  async handOver(room: string): Promise<BroadcastStatus> {
    return BroadcastStatus.parse(await this.#call('POST', `/v1/rooms/${room}/broadcast/handoff`));
  }

  async #call(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<unknown> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...this.#authorization,
        ...more,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = JSON.parse(text || '{}') as { error?: { code?: string; message?: string } };
    if (response.ok) return answer;
    throw new Error(
      `${method} ${path}: ${answer.error?.message ?? ''} (${response.status} ${answer.error?.code ?? ''})`,
    );
  }
}
