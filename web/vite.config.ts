import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/senoscope/clinic/static",
    emptyOutDir: true,
    chunkSizeWarningLimit: 3000,
  },
  optimizeDeps: { exclude: ["@cornerstonejs/dicom-image-loader"] },
  worker: { format: "es" },
  server: { proxy: { "/api": "http://127.0.0.1:8000", "/healthz": "http://127.0.0.1:8000" } },
});
