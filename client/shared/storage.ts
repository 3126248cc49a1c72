/** Web storage that is allowed to be missing: a private window or a strict setting makes every access throw. */
function access<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}

/** Kept by this browser. */
export const remembered = {
  get: (key: string): string | undefined => access(() => localStorage.getItem(`lianmai.${key}`)) ?? undefined,
  set: (key: string, value: string): void => void access(() => localStorage.setItem(`lianmai.${key}`, value)),
  remove: (key: string): void => void access(() => localStorage.removeItem(`lianmai.${key}`)),
};

/** Kept by this tab, so that a reload is the same person and a second tab is another. */
export const tab = {
  get: (key: string): string | undefined => access(() => sessionStorage.getItem(`lianmai.${key}`)) ?? undefined,
  set: (key: string, value: string): void => void access(() => sessionStorage.setItem(`lianmai.${key}`, value)),
  remove: (key: string): void => void access(() => sessionStorage.removeItem(`lianmai.${key}`)),
};
