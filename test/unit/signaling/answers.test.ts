import { expect, test } from 'vitest';
import { AppError } from '../../../src/contracts/errors.ts';
import { ClientPayloads } from '../../../src/contracts/signaling.ts';
import { isOurFault, toAnswer, toAppError } from '../../../src/signaling/answers.ts';
import { HANDLERS } from '../../../src/signaling/handlers.ts';

test('an error of ours says nothing to the caller', () => {
  const error = toAppError(new Error('the secret is hunter2'));
  expect(error.code).toBe('internal');
  expect(isOurFault(error)).toBe(true);
  expect(JSON.stringify(toAnswer(error))).not.toContain('hunter2');
});

test('a payload’s fault is named, shortly', () => {
  const { error: fault } = ClientPayloads['transport:create'].safeParse({ direction: 'x'.repeat(10_000) });
  const error = toAppError(fault);
  expect(error.code).toBe('bad-request');
  expect(error.message).toMatch(/^direction: /);
  expect(error.message.length).toBeLessThanOrEqual(300);
});

test('an AppError stays what it is', () => {
  const error = new AppError('no-seat');
  expect(toAppError(error)).toBe(error);
});

test('each event of the contract has a handler, and no other', () => {
  expect(Object.keys(HANDLERS).toSorted()).toEqual(Object.keys(ClientPayloads).toSorted());
});
