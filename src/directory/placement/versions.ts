/** Which agents of a fleet in the middle of an upgrade can be used, and which of them are the new ones. */

/** A node understands its own protocol number and the one before. */
const PROTOCOLS_BACK = 1;

/** Whether two nodes understand each other, each given by the newest protocol number that it speaks. */
export const compatible = (one: number, other: number): boolean => Math.abs(one - other) <= PROTOCOLS_BACK;

/** Less than 0: `a` is older. Precedence of Semantic Versioning 2.0.0, section 11; what is none counts as the oldest, by its letters. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const [one, other] = [parse(a), parse(b)];
  if (!one || !other) return Number(one !== null) - Number(other !== null) || order(a, b);
  return compareLists(one.core, other.core) || comparePrereleases(one.prerelease, other.prerelease);
}

type Identifier = number | string;
const SEMVER = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

function parse(version: string): { core: Identifier[]; prerelease: Identifier[] } | null {
  const match = SEMVER.exec(version);
  if (!match) return null;
  const prerelease = match[4]?.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)) ?? [];
  return { core: match.slice(1, 4).map(Number), prerelease };
}

/** A version without a prerelease is newer than the same with one. */
const comparePrereleases = (a: Identifier[], b: Identifier[]): number =>
  a.length === 0 || b.length === 0 ? Number(a.length === 0) - Number(b.length === 0) : compareLists(a, b);

function compareLists(a: readonly Identifier[], b: readonly Identifier[]): number {
  for (const [i, one] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (one === other) continue;
    // Numbers are lower than words.
    if (typeof one !== typeof other) return typeof one === 'number' ? -1 : 1;
    return order(one, other);
  }
  return a.length - b.length;
}

const order = (a: Identifier, b: Identifier): number => (a < b ? -1 : Number(a > b));

/** The newest version there is; undefined: there is none. */
export const newestVersion = (agents: readonly { version: string }[]): string | undefined =>
  agents.reduce<string | undefined>(
    (newest, { version }) => (newest === undefined || compareVersions(version, newest) > 0 ? version : newest),
    undefined,
  );
