// Where the device is: one fix, asked for when somebody wants it, in words when there is none.
import { gettext } from "@geo/i18n.js";

/** @returns {Promise<{lon: number, lat: number, accuracy: number}>} WGS-84; rejects with words. */
export function whereIAm() {
  return new Promise((resolve, reject) => {
    if (!globalThis.isSecureContext) return reject(new Error(gettext("This page gives no position without HTTPS. Choose the place on the map.")));
    if (!navigator.geolocation) return reject(new Error(gettext("This browser gives no position. Choose the place on the map.")));
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lon: Number(coords.longitude.toFixed(7)), lat: Number(coords.latitude.toFixed(7)), accuracy: Math.round(coords.accuracy) }),
      (error) => reject(new Error(error.code === 1
        ? gettext("The position is not allowed. Allow it in the browser's settings, or choose the place on the map.")
        : gettext("No position was found. Choose the place on the map."))),
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 10000 },
    );
  });
}
