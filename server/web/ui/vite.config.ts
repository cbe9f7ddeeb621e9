// How the console is built: one page, one script, one style sheet, the second language on demand. Nothing is inlined, since the
// server's content security policy allows neither inline scripts nor inline styles.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const server = process.env.AMETHYST_SERVER ?? 'http://127.0.0.1:8099';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    cssTarget: ['chrome125', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  server: { proxy: { '/api': { target: server, ws: true, secure: false } } },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] },
});
