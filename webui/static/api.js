// The HTTP API of docs/api.md. Errors are thrown as ApiError with the server's own words.

export class ApiError extends Error {
  constructor(status, code, message, diagnostics, retry_ms) {
    super(message);
    this.status = status;
    this.code = code;
    this.diagnostics = diagnostics ?? [];
    this.retry_ms = retry_ms;
  }
}

async function call(method, path, body, signal) {
  const options = {method, signal, headers: {Accept: "application/json"}, cache: "no-cache"};
  if (method !== "GET") {
    options.headers["X-Flume"] = "1";
  }
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch("/api/v1/" + path, options);
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    throw new ApiError(0, "unavailable", "the server does not answer");
  }
  let answer = null;
  try {
    answer = await response.json();
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
  }
  if (!response.ok) {
    const e = answer?.error ?? {};
    throw new ApiError(response.status, e.code ?? "unknown", e.message ?? `HTTP ${response.status}`, e.diagnostics,
                       e.retry_ms);
  }
  return answer ?? {};
}

export const get = (path, signal) => call("GET", path, undefined, signal);
export const post = (path, body, signal) => call("POST", path, body, signal);
export const put = (path, body) => call("PUT", path, body);
export const remove = (path) => call("DELETE", path);

export const run_command = (command, args) => post("commands", {command, args, wait_ms: 10000});
export const config_path = (name) => "configs/" + encodeURIComponent(name);

// Bytes of UTF-8 <-> UTF-16 units of a JavaScript string.
export function byte_offset(text, unit) {
  return new TextEncoder().encode(text.slice(0, unit)).length;
}

export function unit_offset(text, byte) {
  let bytes = 0;
  let unit = 0;
  for (const character of text) {
    if (bytes >= byte) {
      break;
    }
    const code = character.codePointAt(0);
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    unit += character.length;
  }
  return unit;
}
