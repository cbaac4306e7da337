// Bundles what each app keeps in <app>/static/<app>/*.entry.{js,css} into static/dist/<name>.{js,css}.
//
// Pages share chunks (one OpenLayers for desk, phone, planner and cockpit). A name ending in ".worker"
// stands alone: service workers and shared workers must be one file. manifest.json tells the templates
// each entry's content hash and the service worker its chunks.
import { build, context } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";

const apps = ["geo", "tiles", "grids", "assets", "cases"];
const out = "static/dist";

async function entries() {
  const found = { pages: [], workers: [], styles: [] };
  for (const app of apps) {
    const folder = `${app}/static/${app}`;
    if (!existsSync(folder)) continue;
    for (const file of (await readdir(folder)).sort()) {
      const entry = { in: `${folder}/${file}`, out: file.replace(/\.entry\.(js|css)$/, "") };
      if (file.endsWith(".worker.entry.js")) found.workers.push(entry);
      else if (file.endsWith(".entry.js")) found.pages.push(entry);
      else if (file.endsWith(".entry.css")) found.styles.push(entry);
    }
  }
  return found;
}

const common = {
  bundle: true,
  minify: true,
  outdir: out,
  metafile: true,
  charset: "utf8",
  target: ["es2020", "chrome90", "safari15", "firefox90"],
  // "@tiles/map.js" is tiles/static/tiles/map.js, whichever app imports it.
  alias: Object.fromEntries(apps.map((app) => [`@${app}`, path.resolve(`${app}/static/${app}`)])),
  // Pictures that style sheets name are served by Django as they are.
  external: ["/static/*"],
  logLevel: "warning",
  legalComments: "none",
};

const found = await entries();
const jobs = [
  { ...common, entryPoints: found.pages, format: "esm", splitting: true, chunkNames: "chunk-[hash]" },
  { ...common, entryPoints: found.workers, format: "iife" },
  { ...common, entryPoints: found.styles },
].filter((job) => job.entryPoints.length);

async function manifest(results) {
  const listed = {};
  for (const { metafile } of results) {
    for (const [file, about] of Object.entries(metafile.outputs)) {
      const name = path.relative(out, file);
      if (name.startsWith("chunk-")) continue;
      const imports = about.imports.filter((one) => one.kind === "import-statement");
      listed[name] = {
        hash: createHash("sha256").update(await readFile(file)).digest("hex").slice(0, 10),
        chunks: imports.map((one) => path.relative(out, one.path)).sort(),
      };
    }
  }
  const ordered = Object.fromEntries(Object.keys(listed).sort().map((name) => [name, listed[name]]));
  await writeFile(`${out}/manifest.json`, JSON.stringify(ordered, null, 1) + "\n");
}

if (process.argv.includes("--watch")) {
  await mkdir(out, { recursive: true });
  for (const job of jobs) await (await context({ ...job, minify: false, sourcemap: "inline" })).watch();
} else {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await manifest(await Promise.all(jobs.map((job) => build(job))));
}
