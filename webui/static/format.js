// Numbers, sizes and times as people read them.

const kUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function count(n) {
  return Math.round(n ?? 0).toLocaleString("en-US");
}

export function short_count(n) {
  const value = n ?? 0;
  for (const [limit, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (value >= limit) {
      return (value / (limit === 1e4 ? 1e3 : limit)).toFixed(1) + " " + unit;
    }
  }
  return value > 0 && value < 10 && !Number.isInteger(value) ? value.toFixed(1) : count(value);
}

export function bytes(n) {
  let value = n ?? 0;
  let unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.length) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${kUnits[unit]}`;
}

export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) {
    return `${s} s`;
  }
  if (s < 3600) {
    return `${Math.floor(s / 60)} min ${s % 60} s`;
  }
  if (s < 86400) {
    return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  }
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// Times of which parts of a second matter.
export function short_time(ms) {
  if (ms < 10) {
    return `${ms.toFixed(1)} ms`;
  }
  return ms < 1000 ? `${Math.round(ms)} ms` : ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
}

// How long ago, by the server's clock.
export function ago(moment_ms, now_ms) {
  if (moment_ms === null || moment_ms === undefined) {
    return "never";
  }
  const ms = now_ms - moment_ms;
  return ms < 1500 ? "just now" : `${duration(ms)} ago`;
}

export function moment(ms) {
  if (ms === null || ms === undefined) {
    return "";
  }
  const d = new Date(ms);
  const two = (n) => String(n).padStart(2, "0");
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}
