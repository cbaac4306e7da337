// Lengths, areas and circles on the WGS-84 ellipsoid. Degrees in, metres out.
import { gettext } from "@geo/i18n.js";

const A = 6378137;
const F = 1 / 298.257223563;
const B = A * (1 - F);
const E2 = F * (2 - F);
const RAD = Math.PI / 180;

/** Metres between two points [lon, lat]: Vincenty's inverse formula, under a millimetre off within a country. */
export function distance([lon1, lat1], [lon2, lat2]) {
  if (lon1 === lon2 && lat1 === lat2) return 0;
  const l = (lon2 - lon1) * RAD;
  const u1 = Math.atan((1 - F) * Math.tan(lat1 * RAD));
  const u2 = Math.atan((1 - F) * Math.tan(lat2 * RAD));
  const [s1, c1, s2, c2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
  let lambda = l;
  for (let step = 0; step < 50; step++) {
    const [sl, cl] = [Math.sin(lambda), Math.cos(lambda)];
    const sigmaSin = Math.hypot(c2 * sl, c1 * s2 - s1 * c2 * cl);
    if (sigmaSin === 0) return 0;
    const sigmaCos = s1 * s2 + c1 * c2 * cl;
    const sigma = Math.atan2(sigmaSin, sigmaCos);
    const alphaSin = (c1 * c2 * sl) / sigmaSin;
    const alphaCos2 = 1 - alphaSin ** 2;
    const middle = alphaCos2 ? sigmaCos - (2 * s1 * s2) / alphaCos2 : 0;
    const c = (F / 16) * alphaCos2 * (4 + F * (4 - 3 * alphaCos2));
    const before = lambda;
    lambda = l + (1 - c) * F * alphaSin * (sigma + c * sigmaSin * (middle + c * sigmaCos * (2 * middle ** 2 - 1)));
    if (Math.abs(lambda - before) < 1e-12) {
      const k = (alphaCos2 * (A * A - B * B)) / (B * B);
      const big = 1 + (k / 16384) * (4096 + k * (-768 + k * (320 - 175 * k)));
      const small = (k / 1024) * (256 + k * (-128 + k * (74 - 47 * k)));
      const delta = small * sigmaSin * (middle + (small / 4) * (sigmaCos * (2 * middle ** 2 - 1)
        - (small / 6) * middle * (4 * sigmaSin ** 2 - 3) * (4 * middle ** 2 - 3)));
      return B * big * (sigma - delta);
    }
  }
  return NaN; // points on opposite sides of the globe, where the series does not settle
}

export const lineLength = (points) =>
  points.slice(1).reduce((sum, point, index) => sum + distance(points[index], point), 0);

const E = Math.sqrt(E2);
const q = (phi) => {
  const s = Math.sin(phi);
  return (1 - E2) * (s / (1 - E2 * s * s) - (1 / (2 * E)) * Math.log((1 - E * s) / (1 + E * s)));
};
const Q_POLE = q(Math.PI / 2);
const AUTHALIC = A * Math.sqrt(Q_POLE / 2);

/**
 * Square metres inside a ring of [lon, lat]. The ring goes to the sphere of equal area (Snyder 1987, 3-11 and
 * 3-12), where the excess is summed; below 0.01 % off for anything the size of a city.
 */
export function ringArea(ring) {
  let sum = 0;
  const lat = (phi) => Math.asin(q(phi * RAD) / Q_POLE);
  for (let i = 0; i < ring.length; i++) {
    const [lon1, lat1] = ring[i];
    const [lon2, lat2] = ring[(i + 1) % ring.length];
    sum += (lon2 - lon1) * RAD * (2 + Math.sin(lat(lat1)) + Math.sin(lat(lat2)));
  }
  return Math.abs((sum * AUTHALIC ** 2) / 2);
}

/** Metres of one degree of longitude and of latitude at this latitude. */
export function degreeLengths(lat) {
  const s2 = Math.sin(lat * RAD) ** 2;
  const n = A / Math.sqrt(1 - E2 * s2);
  const m = (A * (1 - E2)) / (1 - E2 * s2) ** 1.5;
  return [n * Math.cos(lat * RAD) * RAD, m * RAD];
}

/** A ring of [lon, lat] `metres` around a point, by the curvature there: exact to 0.1 % up to 20 km. */
export function circle([lon, lat], metres, corners = 64) {
  const [x, y] = degreeLengths(lat);
  return Array.from({ length: corners + 1 }, (_, index) => {
    const angle = (index % corners) * ((2 * Math.PI) / corners);
    return [lon + (metres * Math.sin(angle)) / x, lat + (metres * Math.cos(angle)) / y];
  });
}

/**
 * CGCS2000 3-degree Gauss-Krueger [east, north, central meridian] of a point; east has the 500 km offset and no
 * zone prefix (EPSG 4534-4554). Krueger's series to n^4: under a millimetre within a zone. For reading only:
 * the ellipsoids differ by 0.1 mm, and what is stored is converted on the server.
 */
export function gaussKrueger(lon, lat) {
  const middle = Math.round(lon / 3) * 3;
  const n = F / (2 - F);
  const radius = (A / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
  const alpha = [
    n / 2 - (2 / 3) * n ** 2 + (5 / 16) * n ** 3 + (41 / 180) * n ** 4,
    (13 / 48) * n ** 2 - (3 / 5) * n ** 3 + (557 / 1440) * n ** 4,
    (61 / 240) * n ** 3 - (103 / 140) * n ** 4,
    (49561 / 161280) * n ** 4,
  ];
  const s = Math.sin(lat * RAD);
  const t = Math.sinh(Math.atanh(s) - E * Math.atanh(E * s));
  const dl = (lon - middle) * RAD;
  const xi = Math.atan2(t, Math.cos(dl));
  const eta = Math.atanh(Math.sin(dl) / Math.hypot(1, t));
  let [east, north] = [eta, xi];
  alpha.forEach((a, index) => {
    const k = 2 * (index + 1);
    east += a * Math.cos(k * xi) * Math.sinh(k * eta);
    north += a * Math.sin(k * xi) * Math.cosh(k * eta);
  });
  return [500000 + radius * east, radius * north, middle];
}

export function lengthWords(metres) {
  if (metres < 1000) return `${metres < 10 ? metres.toFixed(1) : Math.round(metres)} m`;
  return `${(metres / 1000).toFixed(metres < 1e5 ? 2 : 0)} km`;
}

export function areaWords(squareMetres) {
  if (squareMetres < 1e5) return `${Math.round(squareMetres).toLocaleString()} m²`;
  return squareMetres < 1e6 ? `${(squareMetres / 1e4).toFixed(2)} ${gettext("ha")}` : `${(squareMetres / 1e6).toFixed(3)} km²`;
}
