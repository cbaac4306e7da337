// Requests to our own API: CSRF, problem documents, time-outs, no answer at all.
import { gettext } from "./i18n.js";
import { awayHeaders } from "./presence.js";

export class ProblemError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
    this.errors = problem.errors ?? [];
  }
}

/** No answer came: offline, server down, or time-out. */
export class NoAnswer extends Error {
  constructor(cause) {
    super(gettext("No answer from the server. Check the connection and try again."));
    this.cause = cause;
  }
}

export const csrfToken = () => document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";

/** @returns {Promise<any>} the JSON body, text for other types, or null for 204. */
export async function request(url, { method = "GET", body, headers = {}, signal, timeout = 20000, key } = {}) {
  const options = { method, credentials: "same-origin", headers: { Accept: "application/json", ...awayHeaders(), ...headers } };
  options.signal = signal ?? AbortSignal.timeout?.(timeout);
  if (method !== "GET") {
    options.headers["X-CSRFToken"] = csrfToken();
    if (key) options.headers["Idempotency-Key"] = key;
    if (body instanceof FormData) options.body = body;
    else if (body !== undefined) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body);
    }
  }
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError" && signal?.aborted) throw error;
    throw new NoAnswer(error);
  }
  const json = /json/.test(response.headers.get("Content-Type") ?? "");
  if (!response.ok) {
    const problem = json ? await response.json().catch(() => ({})) : {};
    if (!problem.detail && !problem.title) problem.detail = words(response.status);
    throw new ProblemError(response.status, problem);
  }
  if (response.status === 204) return null;
  return json ? response.json() : response.text();
}

/** What an HTTP status means to whoever asked. */
export function words(status) {
  if (status === 401) return gettext("Your session has ended. Log in again.");
  if (status === 403) return gettext("Your roles do not allow this.");
  if (status === 404) return gettext("Not found, or not within your scope.");
  if (status === 413) return gettext("The file is too large.");
  if (status === 429) return gettext("Too many requests. Wait a moment.");
  return gettext("The server could not do this. Try again later.");
}

export const getJSON = (url, options) => request(url, options);
export const sendJSON = (url, body, options = {}) => request(url, { method: "POST", body, ...options });

/** A key that makes a repeated send harmless (also where crypto.randomUUID is missing: plain http). */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
