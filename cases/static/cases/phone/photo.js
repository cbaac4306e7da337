// Photos as they leave the phone: at most 1600 px on the longer side, with the camera's own record of time
// and position put back, so that shrinking destroys no evidence.
import { fill, gettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";
import { newKey } from "./store.js";

export const LONGEST_SIDE = 1600;
// The server takes nine files with a case; one of them may be a recording.
export const MOST_PHOTOS = 8;

/** Of the files that were chosen those for which there is room; that others are left out is said. */
export function roomFor(files, taken) {
  if (files.length > MOST_PHOTOS - taken) toast(fill(gettext("At most %(n)s photos."), { n: MOST_PHOTOS }), { bad: true });
  return [...files].slice(0, MOST_PHOTOS - taken);
}

/**
 * Read the EXIF block of a JPEG: {takenAt (ISO, or local without zone), lon, lat, segment}, values null
 * where absent. `segment` is the raw APP1 block. Positions are WGS-84 degrees.
 */
export function readExif(buffer) {
  const nothing = { takenAt: null, lon: null, lat: null, segment: null, orientationAt: null, little: false };
  const view = new DataView(buffer);
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return nothing;
  let at = 2;
  while (at + 4 < view.byteLength) {
    const marker = view.getUint16(at);
    const size = view.getUint16(at + 2);
    if ((marker & 0xff00) !== 0xff00 || marker === 0xffda) break;
    if (marker === 0xffe1 && view.getUint32(at + 4) === 0x45786966 && at + 2 + size <= view.byteLength) {
      try {
        return readTiff(new DataView(buffer, at + 10, size - 8), buffer.slice(at, at + 2 + size));
      } catch {
        return nothing; // a broken block is as good as none
      }
    }
    at += 2 + size;
  }
  return nothing;
}

function readTiff(tiff, segment) {
  const little = tiff.getUint16(0) === 0x4949;
  const directory = (start) => {
    const tags = new Map();
    const count = tiff.getUint16(start, little);
    for (let index = 0; index < count; index += 1) {
      const at = start + 2 + index * 12;
      tags.set(tiff.getUint16(at, little), {
        type: tiff.getUint16(at + 2, little),
        count: tiff.getUint32(at + 4, little),
        at: at + 8,
      });
    }
    return tags;
  };
  const number = (tag) => (tag ? tiff.getUint32(tag.at, little) : null);
  const text = (tag) => {
    if (!tag) return "";
    const start = tag.count > 4 ? tiff.getUint32(tag.at, little) : tag.at;
    let out = "";
    for (let index = 0; index < tag.count - 1; index += 1) out += String.fromCharCode(tiff.getUint8(start + index));
    return out.trim();
  };
  const rationals = (tag) => {
    const start = tiff.getUint32(tag.at, little);
    return Array.from({ length: tag.count }, (_, index) => {
      const below = tiff.getUint32(start + index * 8 + 4, little);
      return below ? tiff.getUint32(start + index * 8, little) / below : NaN;
    });
  };
  const main = directory(tiff.getUint32(4, little));
  const exif = main.has(0x8769) ? directory(number(main.get(0x8769))) : new Map();
  const gps = main.has(0x8825) ? directory(number(main.get(0x8825))) : new Map();
  const stamp = text(exif.get(0x9003)) || text(main.get(0x0132));
  const zone = text(exif.get(0x9011)) || text(exif.get(0x9010));
  const parts = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)$/.exec(stamp);
  const degrees = (value, side) => {
    if (!gps.has(value)) return null;
    const [whole, minutes, seconds] = rationals(gps.get(value));
    const sum = whole + (minutes || 0) / 60 + (seconds || 0) / 3600;
    return Number.isFinite(sum) ? sum * (/[SW]/.test(text(gps.get(side))) ? -1 : 1) : null;
  };
  let lat = degrees(2, 1);
  let lon = degrees(4, 3);
  // Cameras without a fix write 0, 0.
  if (lat === null || lon === null || Math.abs(lat) > 90 || Math.abs(lon) > 180 || (!lat && !lon)) lat = lon = null;
  return {
    takenAt: parts ? `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}${/^[+-]\d\d:\d\d$/.test(zone) ? zone : ""}` : null,
    lat,
    lon,
    segment,
    orientationAt: main.has(0x0112) ? main.get(0x0112).at : null,
    little,
  };
}

// The canvas has turned the picture upright already, so the kept block must not turn it again.
function withExif(shrunk, exif) {
  const segment = exif.segment.slice(0);
  if (exif.orientationAt !== null) new DataView(segment).setUint16(10 + exif.orientationAt, 1, exif.little);
  const head = new Uint8Array(shrunk);
  const out = new Uint8Array(head.length + segment.byteLength);
  out.set(head.subarray(0, 2), 0);
  out.set(new Uint8Array(segment), 2);
  out.set(head.subarray(2), 2 + segment.byteLength);
  return out.buffer;
}

async function picture(file) {
  if (globalThis.createImageBitmap) {
    try {
      return await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
      // Older Safari knows no options; an <img> turns pictures upright by itself.
    }
  }
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * Make an outbox file of what the camera or the gallery gave:
 * {key, kind, bytes, type, name, size, takenAt, lon, lat, preview}. A picture this browser cannot open (HEIC
 * outside Safari) goes as it is; the server can.
 */
export async function preparePhoto(file) {
  const original = await file.arrayBuffer();
  const exif = readExif(original);
  const base = {
    key: newKey(),
    kind: "photo",
    name: file.name || "photo.jpg",
    takenAt: exif.takenAt || new Date(file.lastModified || Date.now()).toISOString(),
    lon: exif.lon,
    lat: exif.lat,
  };
  let image;
  try {
    image = await picture(file);
  } catch {
    return { ...base, bytes: original, type: file.type || "image/heic", size: original.byteLength, preview: null };
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
  let bytes = original;
  let type = file.type;
  if (scale < 1 || original.byteLength > 900_000 || !["image/jpeg", "image/png", "image/webp"].includes(type)) {
    const shrunk = await (await draw(image, scale, 0.85)).arrayBuffer();
    bytes = exif.segment ? withExif(shrunk, exif) : shrunk;
    type = "image/jpeg";
  }
  const small = await draw(image, Math.min(1, 240 / Math.max(image.width, image.height)), 0.7);
  const preview = await (await small).arrayBuffer();
  image.close?.();
  return { ...base, bytes, type, size: bytes.byteLength, preview };
}

function draw(image, scale, quality) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("canvas"))), "image/jpeg", quality);
  });
}

/** An object URL for a kept file's preview, or null. The caller revokes it. */
export function previewUrl(file) {
  const bytes = file.preview || (file.kind === "photo" && file.type !== "image/heic" ? file.bytes : null);
  return bytes ? URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" })) : null;
}
