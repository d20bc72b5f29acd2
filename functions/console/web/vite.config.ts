import react from '@vitejs/plugin-react';
import type { ProxyOptions } from 'vite';
import { defineConfig } from 'vitest/config';

// `npm run dev` shows changes at once, over a service started with `cargo up`.
const service = process.env.RAPPORT ?? 'http://127.0.0.1:8080';
// The service knows its own origin only; to it, this server's pages come from none.
const proxy: ProxyOptions = {
  target: service,
  changeOrigin: true,
  configure: (server) => void server.on('proxyReq', (request) => request.removeHeader('origin')),
};

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    manifest: 'manifest.json',
    reportCompressedSize: false,
  },
  // The sample firm's data is that of the service's own demo.
  server: { fs: { allow: ['../../..'] }, proxy: { '/v1': proxy, '/s/': proxy, '/docs': proxy, '/openapi.json': proxy } },
  test: { environment: 'happy-dom', setupFiles: ['src/test/setup.ts'], include: ['src/**/*.test.{ts,tsx}'] },
});
