import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;

/**
 * hls.js 1.7.4 takes segment number 0 for none (`||` where `??` is meant): while segment 0 is the newest it forgets each
 * part that it has loaded and asks for the last one again, hundreds of times a second. Our broadcasts begin with 0.
 */
const HLS_SEGMENT_ZERO = {
  wrong: '(appendedPart == null ? void 0 : appendedPart.fragment.sn) || -1',
  right: '(appendedPart == null ? void 0 : appendedPart.fragment.sn) ?? -1',
};

function mendHls(): Plugin {
  return {
    name: 'mend-hls-segment-zero',
    transform(code, id) {
      if (!/[\\/]hls\.js[\\/]dist[\\/]hls\.mjs$/.test(id.split('?')[0] ?? '')) return undefined;
      if (!code.includes(HLS_SEGMENT_ZERO.wrong)) this.error('hls.js has changed: see whether mendHls is still needed');
      return { code: code.replace(HLS_SEGMENT_ZERO.wrong, HLS_SEGMENT_ZERO.right), map: null };
    },
  };
}

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
      for (const name of names.filter((n) => /\.(js|css|html|svg)$/.test(n))) {
        const file = join(folder, name);
        const content = readFileSync(file);
        writeFileSync(`${file}.br`, brotliCompressSync(content));
        writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

/** Builds the three pages into dist/client, where src/http/pages.ts finds them. */
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
      // The server answers /studio/:room and /watch/:room with one page each; so does the development server.
      name: 'room-pages',
      configureServer(server) {
        server.middlewares.use((request, _response, next) => {
          const page = /^\/(studio|watch)\/[^/.]+(?=$|[?#])/.exec(request.url ?? '')?.[1];
          if (page) request.url = `/${page}.html`;
          next();
        });
      },
    },
  ],
});
