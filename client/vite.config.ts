import { resolve } from 'node:path';
import { defineConfig } from 'vite';

const here = import.meta.dirname;

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
