// Base maps as the register describes them, always through our own proxy.
import TileLayer from "ol/layer/Tile.js";
import ImageTile from "ol/source/ImageTile.js";
import { fill, gettext } from "@geo/i18n.js";
import { boxFrom, setFor, tileGrid } from "./matrix.js";
import { ownLayers } from "./ownmap.js";

/**
 * The layers that draw one base map (picture tiles and label overlay, or our own vector data).
 * `report(broken)` hears that tiles fail to come, or come again.
 */
export function basemapLayers(basemap, { report, dark = false, registry = [] }) {
  if (!basemap || basemap.kind === "none") return [];
  if (basemap.type === "own") return ownLayers(basemap, { dark, registry });
  const health = watchHealth(report);
  return [basemap.url, basemap.labels_url].filter(Boolean).map((url, index) => {
    const name = basemap.matrix_set ?? setFor(basemap.projection);
    const source = new ImageTile({
      url,
      projection: basemap.projection,
      tileGrid: tileGrid(name, { minLevel: basemap.min_level ?? 0, maxLevel: basemap.max_level ?? 18 }),
      wrapX: true,
    });
    source.on("tileloadend", health.good);
    source.on("tileloaderror", health.bad);
    return new TileLayer({
      source,
      zIndex: index ? 5 : 0,
      opacity: basemap.opacity ?? 1,
      extent: basemap.extent ? boxFrom(basemap.extent, basemap.projection) : undefined,
      properties: { basemap: basemap.id },
    });
  });
}

/** Three failures without one success between them make a base map broken; one success heals it. */
function watchHealth(report) {
  let failures = 0;
  return {
    good: () => { failures = 0; report(false); },
    bad: () => { if (++failures === 3) report(true); },
  };
}

export const brokenWords = (basemap) =>
  fill(gettext("The base map “%(title)s” cannot be had now; everything else works."), { title: basemap.title });
