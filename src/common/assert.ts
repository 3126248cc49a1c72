/** Ends a switch over a union: the compiler refuses a missing case, and a value from outside throws. */
export function assertUnreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
