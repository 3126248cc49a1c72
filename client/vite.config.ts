import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;

/** What is wrong in hls.js 1.7.4 for our streams, as text of its build; each with how it showed. */
const HLS_MENDS = [
  {
    // `||` where `??` is meant: while segment 0 is the newest it forgets each part that it has loaded and asks for the
    // last one again, hundreds of times a second. Our broadcasts begin with 0.
    wrong: '(appendedPart == null ? void 0 : appendedPart.fragment.sn) || -1',
    right: '(appendedPart == null ? void 0 : appendedPart.fragment.sn) ?? -1',
  },
  {
    // A part that is loaded and not yet appended is taken for evicted when the back buffer is trimmed just then: its
    // segment counts as half loaded for ever, and nothing more is loaded for three segments. Once in a minute or two.
    wrong: `if (!fragmentEntity.buffered && (!fragmentEntity.loaded || removeAppending)) {
        if (frag.type === playlistType) {`,
    right: `if (!fragmentEntity.buffered && (!fragmentEntity.loaded || removeAppending)) {
        if (frag.type === playlistType && (appendedFrag || removeAppending)) {`,
  },
];

/**
 * What no program of ours has: DRM, reports to a CDN, content steering, trick play, interstitials. hls.js goes without where its
 * configuration has none, as its own light build does; a quarter of it is not shipped then.
 */
const HLS_UNUSED = ['eme', 'cmcd', 'contentSteering', 'iframe', 'interstitials'];

function mendHls(): Plugin {
  return {
    name: 'mend-hls',
    transform(code, id) {
      if (!/[\\/]hls\.js[\\/]dist[\\/]hls\.mjs$/.test(id.split('?')[0] ?? '')) return undefined;
      let mended = code;
      for (const { wrong, right } of HLS_MENDS) {
        if (!code.includes(wrong)) this.error('hls.js has changed: see which of HLS_MENDS are still needed');
        mended = mended.replace(wrong, () => right);
      }
      for (const name of HLS_UNUSED) {
        const entry = new RegExp(`\\b${name}Controller: \\w+Controller\\b`);
        if (!entry.test(mended)) this.error(`hls.js has changed: there is no ${name}Controller to leave out`);
        mended = mended.replace(entry, `${name}Controller: undefined`);
      }
      return { code: mended, map: null };
    },
  };
}

/** From here on a file is compressed fast instead of well, bytes. */
const LARGE_BYTES = 2_000_000;

/** Puts a .br and a .gz beside each text file, so that the server compresses nothing while people wait. */
function precompress(): Plugin {
  let folder = '';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle() {
      const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
      for (const name of names.filter((n) => /\.(js|css|html|svg|wasm)$/.test(n))) {
        const file = join(folder, name);
        const content = readFileSync(file);
        // The blur's 11 MB would take half a minute at the best quality, for a tenth less.
        const large = content.length > LARGE_BYTES;
        const quality = { [constants.BROTLI_PARAM_QUALITY]: large ? 5 : constants.BROTLI_MAX_QUALITY };
        writeFileSync(`${file}.br`, brotliCompressSync(content, { params: quality }));
        writeFileSync(`${file}.gz`, gzipSync(content, { level: large ? 6 : 9 }));
      }
    },
  };
}

/** Builds the pages into dist/client, where src/http/pages.ts finds them. */
export default defineConfig({
  root: here,
  base: '/',
  publicDir: false,
  // JSX is compiled by Vite's own transform; a preset would add Babel for nothing but hot reloading.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: resolve(here, '../dist/client'),
    emptyOutDir: true,
    // The oldest browsers with a simulcast sender that mediasoup-client drives and CSS nesting.
    target: ['chrome111', 'firefox128', 'safari16.4'],
    // A data: URL in a style sheet would need an exception in the content security policy.
    assetsInlineLimit: 0,
    // The polyfill would be one more script for browsers that are older than the target.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: {
        index: resolve(here, 'index.html'),
        studio: resolve(here, 'studio.html'),
        watch: resolve(here, 'watch.html'),
        embed: resolve(here, 'embed.html'),
        player: resolve(here, 'embed/player.ts'),
      },
      output: {
        // Other sites name it in their pages, so it is always under the same address; it imports nothing.
        entryFileNames: ({ name }) => (name === 'player' ? 'embed/player.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: {
    // `vite client` beside a running server: everything that is not a page goes there.
    proxy: Object.fromEntries(
      ['/v1', '/live', '/socket.io'].map((path) => [path, { target: 'http://127.0.0.1:8080', ws: true }]),
    ),
  },
  plugins: [
    mendHls(),
    precompress(),
    {
      // The server answers /studio/:room, /watch/:room and /embed/:room with one page each; so does the development server.
      name: 'room-pages',
      configureServer(server) {
        server.middlewares.use((request, _response, next) => {
          const page = /^\/(studio|watch|embed)\/[^/.]+(?=$|[?#])/.exec(request.url ?? '')?.[1];
          if (page) request.url = `/${page}.html`;
          next();
        });
      },
    },
  ],
});
