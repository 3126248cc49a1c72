/** Rooms on a DeliveryStack whose program is put at once, without a clock: any part may be put at any time. */
import { onTestFinished, type TestContext } from 'vitest';
import type { OpenOrder } from '../../src/delivery/DeliveryBroadcast.ts';
import { type DeliveryStack, TestCompositor, TestController } from './deliveryStack.ts';
import { AUDIO, ProgramRun, type TestClip, VIDEO } from './programParts.ts';

let rooms = 0;
/** A room id that no test has had. */
export const newRoom = (): string => `room-${++rooms}`;

export interface OpenRoom {
  controller: TestController;
  /** Of the broadcast's renditions. */
  base: string;
  room: string;
}

/** `context`: of a test that runs beside others. */
export async function openRoom(
  stack: DeliveryStack,
  answersClock = true,
  order: Partial<OpenOrder> = {},
  context: Pick<TestContext, 'onTestFinished'> = { onTestFinished },
): Promise<OpenRoom> {
  const room = newRoom();
  const controller = await TestController.open(stack, { room, answersClock, order });
  await controller.waitFor('opened');
  context.onTestFinished(() => controller.drop());
  return { controller, room, base: `${stack.url}/live/${room}/${controller.broadcast}` };
}

/** Puts `parts` parts from segment `from` on at once. */
export async function putParts(compositor: TestCompositor, clip: TestClip, from: number, parts: number): Promise<void> {
  const program = new ProgramRun(clip, from);
  for (let i = 0; i < parts; i++) {
    const { segment, part, video, audio } = program.next();
    for (const [rendition, bytes] of [
      [AUDIO, audio],
      [VIDEO, video],
    ] as const) {
      const answer = await compositor.put(`${rendition}/${segment}/${part}`, bytes);
      if (answer.status !== 204) throw new Error(`PUT was answered ${answer.status}: ${await answer.text()}`);
    }
  }
  program.close();
}

/** A room with the first `parts` parts of a program in it. */
export async function openProgram(
  stack: DeliveryStack,
  clip: TestClip,
  parts: number,
): Promise<OpenRoom & { compositor: TestCompositor }> {
  const opened = await openRoom(stack, false);
  const compositor = new TestCompositor(stack, opened.controller, clip);
  await compositor.preface();
  compositor.take(0);
  // The order and the first PUT travel on two connections.
  await opened.controller.sync();
  await putParts(compositor, clip, 0, parts);
  return { ...opened, compositor };
}

export const textOf = async (url: string): Promise<string> => (await fetch(url)).text();

/** `204`, or `409 not-taken`. */
export async function answerOf(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  if (response.ok) return String(response.status);
  const { error } = (await response.json()) as { error: { code: string } };
  return `${response.status} ${error.code}`;
}
