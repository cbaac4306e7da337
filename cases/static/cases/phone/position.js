// Where the phone is: the latest fix, watched only while a screen needs it.

let watch = null;
let users = 0;
let pauseTimer = null;
const listeners = new Set();

/** The latest {lon, lat, accuracy, at (ms)} and {error}: "insecure", "unsupported", "denied", "unavailable", "timeout". */
export const position = { fix: null, error: null };

function tell() {
  listeners.forEach((listener) => listener(position));
}

function found(result) {
  const { longitude, latitude, accuracy } = result.coords;
  position.fix = {
    lon: Number(longitude.toFixed(7)),
    lat: Number(latitude.toFixed(7)),
    accuracy: Number.isFinite(accuracy) ? Math.round(accuracy * 10) / 10 : null,
    at: result.timestamp || Date.now(),
  };
  position.error = null;
  tell();
}

function lost(error) {
  position.error = ["unsupported", "denied", "unavailable", "timeout"][error.code] || "unavailable";
  tell();
}

function start() {
  if (!globalThis.isSecureContext) position.error = "insecure";
  else if (!navigator.geolocation) position.error = "unsupported";
  if (position.error === "insecure" || position.error === "unsupported") return tell();
  if (watch === null) {
    watch = navigator.geolocation.watchPosition(found, lost, { enableHighAccuracy: true, maximumAge: 5000, timeout: 20000 });
  }
}

/** Watch while something is on screen; the returned function ends it. */
export function watchPosition(listener) {
  listeners.add(listener);
  users += 1;
  clearTimeout(pauseTimer);
  start();
  listener(position);
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    listeners.delete(listener);
    users -= 1;
    // Changing screens takes a moment; the receiver need not be switched off and on for it.
    pauseTimer = setTimeout(() => {
      if (users === 0 && watch !== null) {
        navigator.geolocation.clearWatch(watch);
        watch = null;
      }
    }, 3000);
  };
}

/** Ask again after a refusal or a failure. */
export function retryPosition() {
  if (watch !== null) navigator.geolocation.clearWatch(watch);
  watch = null;
  position.error = null;
  start();
}

/** One fresh fix, at most `maxAge` ms old, or null after `seconds`. */
export function currentFix(maxAge = 15000, seconds = 10) {
  if (position.fix && Date.now() - position.fix.at <= maxAge) return Promise.resolve(position.fix);
  return new Promise((resolve) => {
    let stop = () => null;
    const end = (value) => {
      clearTimeout(timer);
      stop();
      resolve(value);
    };
    const timer = setTimeout(() => end(position.fix), seconds * 1000);
    stop = watchPosition(({ fix, error }) => {
      if (fix && Date.now() - fix.at <= maxAge) queueMicrotask(() => end(fix));
      else if (error && error !== "timeout") queueMicrotask(() => end(position.fix));
    });
  });
}

const EARTH_M = 6371008.8;

/** Metres between two WGS-84 points, on a sphere: good to 0.5 %, for sorting and labels only. */
export function metresBetween(a, b) {
  const rad = Math.PI / 180;
  const x = (b.lon - a.lon) * rad * Math.cos(((a.lat + b.lat) / 2) * rad);
  const y = (b.lat - a.lat) * rad;
  return Math.hypot(x, y) * EARTH_M;
}

/** Whether a point lies in a GeoJSON polygon or multipolygon (even-odd, holes count). */
export function inside(point, geometry) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  return polygons.some((rings) => rings.reduce((odd, ring) => odd !== inRing(point, ring), false));
}

function inRing({ lon, lat }, ring) {
  let odd = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [x1, y1] = ring[i];
    const [x2, y2] = ring[j];
    if (y1 > lat !== y2 > lat && lon < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) odd = !odd;
  }
  return odd;
}
