// Programs that come from the operating system. On Debian and its children they are installed when we are root; else the
// user is told the one line that does it.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { CommandError, run } from './processes.mjs';
import { findProgram, SetupError } from './project.mjs';

/**
 * @typedef {{ debian: string, what: string, isThere: () => boolean }} SystemPackage
 */

/** @type {SystemPackage[]} */
export const SERVER_PACKAGES = [
  {
    debian: 'ffmpeg',
    what: 'ffmpeg and ffprobe',
    isThere: () => findProgram('ffmpeg') !== undefined && findProgram('ffprobe') !== undefined,
  },
];

/** @type {SystemPackage[]} */
export const UNIT_TEST_PACKAGES = [
  {
    debian: 'kubernetes-client',
    what: 'kubectl, which builds the overlays of k8s/',
    isThere: () => findProgram('kubectl') !== undefined,
  },
];

/** @type {SystemPackage[]} */
export const TEST_PACKAGES = [
  {
    debian: 'chromium',
    what: 'the browser of the browser tests',
    isThere: () => findProgram('chromium') !== undefined,
  },
  {
    debian: 'fonts-liberation',
    what: 'a font for the browser',
    isThere: () => ['truetype', 'opentype'].some((kind) => hasEntries(`/usr/share/fonts/${kind}`)),
  },
  {
    debian: 'python3',
    what: 'runs the Python example of docs/webhooks.md',
    isThere: () => findProgram('python3') !== undefined,
  },
  { debian: 'nginx', what: 'the RTMP server of the tests', isThere: () => findProgram('nginx') !== undefined },
  {
    debian: 'libnginx-mod-rtmp',
    what: 'its RTMP module',
    isThere: () => existsSync('/usr/lib/nginx/modules/ngx_rtmp_module.so'),
  },
  {
    debian: 'redis-server',
    what: 'the Redis of the fleet tests',
    isThere: () => findProgram('redis-server') !== undefined,
  },
  {
    debian: 'gstreamer1.0-tools',
    what: 'GStreamer, which reads our HLS in a test',
    isThere: () => findProgram('gst-launch-1.0') !== undefined,
  },
  {
    debian: 'gstreamer1.0-plugins-good',
    what: 'its HTTP client',
    isThere: () => hasGstreamerPlugin('libgstsoup.so'),
  },
  {
    debian: 'gstreamer1.0-plugins-bad',
    what: 'its hlsdemux',
    isThere: () => hasGstreamerPlugin('libgsthls.so'),
  },
];

/**
 * In the folder of whatever architecture this is.
 * @param {string} name
 */
function hasGstreamerPlugin(name) {
  return (
    existsSync('/usr/lib') &&
    readdirSync('/usr/lib').some((folder) => existsSync(`/usr/lib/${folder}/gstreamer-1.0/${name}`))
  );
}

/** @param {string} folder */
function hasEntries(folder) {
  return existsSync(folder) && readdirSync(folder).length > 0;
}

/** What build.sh in scripts/mediasoup-worker/ compiles with and against. */
export const WORKER_BUILD_PACKAGES = [
  'meson',
  'ninja-build',
  'pkg-config',
  'g++',
  'libssl-dev',
  'libuv1-dev',
  'libsrtp2-dev',
  'libflatbuffers-dev',
  'flatbuffers-compiler',
  'libabsl-dev',
];

export function hasApt() {
  return findProgram('apt-get') !== undefined && findProgram('dpkg-query') !== undefined;
}

/**
 * Of these Debian packages, those that are not installed.
 * @param {string[]} names
 */
export function missingDebianPackages(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders.
  const format = '${Package} ${db:Status-Status}\n';
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', format, ...names], { encoding: 'utf8' });
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.slice(0, line.indexOf(' '))),
  );
  return names.filter((name) => !installed.has(name));
}

/**
 * What to tell a user for whom we cannot install.
 * @param {string[]} names Debian packages
 * @param {string} what they are for
 * @param {{ platform: string, apt: boolean }} system
 */
export function howToInstall(names, what, { platform, apt }) {
  if (apt) return `missing: ${what}. Install with:\n\n    sudo apt-get install -y ${names.join(' ')}\n`;
  if (platform === 'darwin') return `missing: ${what}. Install with:\n\n    brew install ${names.join(' ')}\n`;
  return `missing: ${what}. Install with your system's package manager (Debian's names: ${names.join(' ')}).`;
}

/**
 * Installs Debian packages, or says how the user can.
 * @param {string[]} names
 * @param {string} what as in "ffmpeg"
 */
export async function installDebianPackages(names, what) {
  const apt = hasApt();
  if (!apt || process.getuid?.() !== 0) {
    throw new SetupError(howToInstall(names, what, { platform: process.platform, apt }));
  }
  try {
    if (!hasPackageLists()) await aptGet(['update']);
    await installOrUpdateFirst(names);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new SetupError(`${howToInstall(names, what, { platform: process.platform, apt })}\n${error.message}`);
  }
}

/** @param {string[]} names */
async function installOrUpdateFirst(names) {
  const install = ['install', '-y', '--no-install-recommends', ...names];
  try {
    await aptGet(install);
  } catch {
    // The lists are old: what they name is gone from the archive, or they do not know a package yet.
    await aptGet(['update']);
    await aptGet(install);
  }
}

/** A new container image has none. */
function hasPackageLists() {
  const folder = '/var/lib/apt/lists';
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('_Packages') || name.endsWith('.lz4'));
}

/** @param {string[]} args */
async function aptGet(args) {
  // Another apt that is running holds dpkg's lock; wait for it.
  await run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** Wanted as programs of the tests; their packages would also run them as services from now on. */
const SERVICES = ['nginx', 'redis-server'];

/** @param {string[]} installed */
async function keepFromServing(installed) {
  const services = SERVICES.filter((name) => installed.includes(name));
  if (services.length === 0 || !existsSync('/run/systemd/system')) return;
  await run('systemctl', ['disable', '--now', ...services]);
}

/**
 * @param {string} title
 * @param {string} takes
 * @param {SystemPackage[]} packages
 * @returns {import('./steps.mjs').Step}
 */
function systemPackagesStep(title, takes, packages) {
  const missing = () => packages.filter(({ isThere }) => !isThere());
  return {
    title,
    takes,
    isReady: () => missing().length === 0,
    async make() {
      const wanted = missing();
      const names = wanted.map(({ debian }) => debian);
      await installDebianPackages(names, wanted.map(({ what }) => what).join(', '));
      await keepFromServing(names);
    },
  };
}

export const serverPackages = systemPackagesStep('ffmpeg', 'installing, up to a minute', SERVER_PACKAGES);
export const unitTestPackages = systemPackagesStep('kubectl', 'installing, some seconds', UNIT_TEST_PACKAGES);
export const testPackages = systemPackagesStep(
  'programs for the tests (Chromium, nginx, Redis, GStreamer)',
  'installing, one to two minutes',
  TEST_PACKAGES,
);
