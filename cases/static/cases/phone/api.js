// Every call the phone makes. Nothing here touches the document: the service worker uses it too.

import { awayHeaders } from "@geo/presence.js";

/** The server answered, and said no: `status`, `detail`, `errors` as in RFC 9457. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || String(status));
    this.status = status;
    this.detail = problem.detail || problem.title || "";
    this.errors = problem.errors || [];
    this.kind = (problem.type || "").split("/").pop();
    this.retryAfter = problem.retryAfter || 0;
  }
}

/** No answer came: no signal, no server, or too slow. */
export class Unreachable extends Error {}

async function call(url, options = {}, seconds = 30) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), seconds * 1000);
  try {
    const response = await fetch(url, {
      credentials: "same-origin",
      ...options,
      signal: control.signal,
      headers: { Accept: "application/json", ...awayHeaders(), ...options.headers },
    });
    const json = (response.headers.get("content-type") || "").includes("json");
    // A captive portal or a proxy answers with a page where JSON was asked for: that is no answer of ours.
    if (!json && (response.ok || response.status >= 500)) throw new Unreachable(`${response.status}, not JSON`);
    const data = json ? await response.json() : {};
    if (response.ok) return data;
    throw new Refused(response.status, { ...data, retryAfter: Number(response.headers.get("retry-after")) || 0 });
  } catch (error) {
    if (error instanceof Refused || error instanceof Unreachable) throw error;
    throw new Unreachable(String(error?.message || error));
  } finally {
    clearTimeout(timer);
  }
}

export const get = (url, seconds = 20) => call(url, {}, seconds);

/** Who is signed in here, and a fresh CSRF token: {user: {id, name} | null, csrf}. */
export const session = () => get("/m/session", 12);

function post(url, csrf, body, headers = {}, seconds = 40) {
  const json = !(body instanceof FormData);
  return call(
    url,
    {
      method: "POST",
      headers: { "X-CSRFToken": csrf, ...(json ? { "Content-Type": "application/json" } : {}), ...headers },
      body: json ? JSON.stringify(body) : body,
    },
    seconds,
  );
}

/** Where a point (WGS-84) is. Sent as a body, so that no log of addresses tells where somebody stood. */
export function locate(lon, lat) {
  const csrf = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
  return post("/api/locate", csrf, { lon, lat, crs: "wgs84" }, {}, 8);
}

export function sendFile(csrf, file) {
  const form = new FormData();
  form.append("uuid", file.key);
  form.append("file", new Blob([file.bytes], { type: file.type }), file.name);
  return post("/api/attachments/", csrf, form, { "Idempotency-Key": file.key }, 120);
}

const targets = {
  report: () => "/api/cases/",
  check_in: () => "/api/check-ins/",
  punch_in: () => "/api/shifts/punch-in",
  punch_out: () => "/api/shifts/punch-out",
  supplement: (fields) => `/api/cases/${encodeURIComponent(fields.number)}/supplements/`,
  action: (fields) => `/api/cases/${encodeURIComponent(fields.number)}/actions/${fields.action}/`,
};

/** Send one entry of the outbox under its own key. */
export function sendEntry(csrf, entry) {
  const body = { ...entry.fields, client_key: entry.key };
  if (entry.kind === "action" || entry.kind === "supplement") {
    delete body.number;
    delete body.action;
  }
  if (entry.files.length) {
    body.attachments = entry.files.map((file) => ({ uuid: file.key, ...(file.phase ? { phase: file.phase } : {}) }));
  }
  return post(targets[entry.kind](entry.fields), csrf, body, { "Idempotency-Key": entry.key });
}

/** A case as lists and screens use it, from a row or a detail of the API. */
export function caseRow(row) {
  const photos = (row.photos || []).filter((one) => one.media_type.startsWith("image/"));
  return {
    ...row,
    type_name: row.type?.label || row.type_name || "",
    type_id: row.type?.id ?? null,
    thumbnail_url: row.thumbnail_url || row.thumbnail || photos[0]?.thumbnail || null,
    place: (row.areas || []).slice(2).map((area) => area.name).concat(row.grid_name || []).join(" · "),
  };
}

export const rows = (answer) => (Array.isArray(answer) ? answer : answer.results || []);
export const query = (params) =>
  new URLSearchParams(Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== ""));
