// What the page knows: fetched once, then kept fresh by one long poll for changes and, while the page is visible, by
// fetching counters every two seconds. Subscribers are called after each update.

import {get} from "./api.js";

const kCountersMs = 2000;
const kHistory = 90;  // points of a sparkline
const kPollMs = 25000;

export class Live {
  constructor() {
    this.data = {status: null, nodes: null, configs: null, mappings: null, commands: null, ledger: null};
    this.online = false;
    this.problem = "connecting";
    this.history = new Map();  // name -> rates, oldest first
    this.subscribers = new Set();
    this.change = null;
    this.aborter = new AbortController();
  }

  subscribe(callback) {
    this.subscribers.add(callback);
  }

  start() {
    this.poll();
    this.count();
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        this.wake?.();
      } else {
        this.aborter.abort();
      }
    });
  }

  // Fetches the named parts now; used after the page itself changed something.
  async refresh(parts = ["status", "nodes", "configs", "mappings", "commands", "ledger"]) {
    const answers = await Promise.all(parts.map((part) => get(part)));
    parts.forEach((part, i) => {
      this.data[part] = answers[i];
      if (part === "nodes") {
        this.remember(answers[i].logical);
      }
    });
    this.tell();
  }

  remember(nodes) {
    const names = new Set();
    for (const node of nodes) {
      names.add(node.name);
      const rates = this.history.get(node.name) ?? [];
      rates.push(Math.max(node.rates?.read_events ?? 0, node.rates?.delivered_events ?? 0));
      this.history.set(node.name, rates.slice(-kHistory));
    }
    for (const name of this.history.keys()) {
      if (!names.has(name)) {
        this.history.delete(name);
      }
    }
  }

  tell() {
    for (const callback of this.subscribers) {
      callback(this);
    }
  }

  async poll() {
    let backoff = 500;
    for (;;) {
      await this.visible();
      this.aborter = new AbortController();
      try {
        if (this.change === null) {
          const before = await get("changes?wait_ms=0", this.aborter.signal);
          await this.refresh();
          this.set_online(true, "");
          this.change = before.change;
        }
        const since = encodeURIComponent(this.change);
        const answer = await get(`changes?since=${since}&wait_ms=${kPollMs}`, this.aborter.signal);
        if (answer.change !== this.change) {
          await this.refresh();
          this.change = answer.change;
        }
        this.set_online(true, "");
        backoff = 500;
      } catch (error) {
        if (error.name === "AbortError") {
          continue;
        }
        if (error.code === "busy") {  // alive, but too many wait: look again later
          await this.refresh().then(() => this.set_online(true, ""), (e) => this.set_online(false, e.message));
          await pause(error.retry_ms ?? 2000);
          continue;
        }
        this.set_online(false, error.message);
        this.change = null;
        await pause(backoff);
        backoff = Math.min(backoff * 2, 5000);
      }
    }
  }

  async count() {
    for (;;) {
      await pause(kCountersMs);
      await this.visible();
      if (!this.online) {
        continue;
      }
      try {
        await this.refresh(["nodes", "ledger"]);
      } catch (error) {
        this.problem = error.message;  // the long poll decides whether the server is gone
      }
    }
  }

  visible() {
    if (document.visibilityState === "visible") {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const earlier = this.wake;
      this.wake = () => {
        earlier?.();
        this.wake = null;
        resolve();
      };
    });
  }

  set_online(online, problem) {
    if (this.online !== online || this.problem !== problem) {
      this.online = online;
      this.problem = problem;
      this.tell();
    }
  }

  node(name) {
    return this.data.nodes?.logical.find((node) => node.name === name);
  }

  config(name) {
    return this.data.configs?.configs.find((config) => config.name === name);
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
