// Commands: what was ordered and what became of it, and a form for any command the master has.

import {get, run_command} from "./api.js";
import * as format from "./format.js";
import {badge, empty} from "./parts.js";
import {h} from "./view.js";

// "map a 'b c'" -> ["map", "a", "b c"]. Quotes of both kinds hold words together; inside them only \\ before the same
// quote or a backslash means something, so that specifications can be pasted as they are.
export function split_words(line) {
  const words = [];
  let word = null;
  let quote = "";
  for (let i = 0; i < line.length; i += 1) {
    const c = line[i];
    if (quote) {
      if (c === quote) {
        quote = "";
      } else if (c === "\\" && (line[i + 1] === quote || line[i + 1] === "\\")) {
        i += 1;
        word += line[i];
      } else {
        word += c;
      }
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== null) {
        words.push(word);
        word = null;
      }
    } else {
      word = (word ?? "") + c;
    }
  }
  if (word !== null) {
    words.push(word);
  }
  return {words, open: quote !== ""};
}

export class Commands {
  title = "Commands";

  constructor(live) {
    this.live = live;
    this.schema = null;
    this.older = [];
    this.next_before = undefined;
    this.line = "";
    this.answer = null;
    get("commands/schema").then((schema) => {
      this.schema = schema.commands;
      live.tell();
    }, (error) => {
      this.answer = {tone: "bad", text: error.message};
      live.tell();
    });
  }

  view() {
    const newest = this.live.data.commands;
    if (!newest) {
      return empty("Loading …");
    }
    return [this.form(), h("section", {key: "history", "aria-labelledby": "h-history"}, h("h2", {id: "h-history"}, "History"),
                           this.history(newest))];
  }

  form() {
    const {words, open} = split_words(this.line);
    const known = this.schema?.find((c) => c.name === words[0]);
    const hint = words.length === 0 ? "" : known ? this.usage(known) : this.schema ? "no such command" : "";
    return h("form", {class: "panel", key: "form", onsubmit: (event) => {
      event.preventDefault();
      this.run(words, open);
    }},
             h("label", {class: "caption", for: "command-line"}, "Command"),
             h("div", {class: "command-row"},
               h("input", {id: "command-line", class: "mono", value: this.line, autocomplete: "off", spellcheck: "false",
                           list: "command-names", placeholder: "config agent 'tail(\"/var/log/syslog\")' console",
                           "aria-describedby": "command-hint", oninput: (event) => {
                             this.line = event.target.value;
                             this.answer = null;
                             this.live.tell();
                           }}),
               h("button", {class: "primary", type: "submit", disabled: words.length === 0}, "Run")),
             h("datalist", {id: "command-names"}, (this.schema ?? []).map((c) => h("option", {value: c.name, key: c.name}))),
             h("p", {class: "muted mono", id: "command-hint"}, open ? "a quote is open" : hint),
             this.answer ? h("p", {class: `answer tone-${this.answer.tone}-text`, role: "status", id: "answer"}, this.answer.text)
                         : null,
             h("details", {}, h("summary", {}, "All commands"), h("dl", {class: "command-list"}, (this.schema ?? []).map((c) =>
                 [h("dt", {key: `t-${c.name}`}, h("button", {type: "button", class: "link mono", onclick: () => {
                     this.line = `${c.name} `;
                     this.live.tell();
                     document.getElementById("command-line").focus();
                   }}, c.name), h("code", {}, this.arguments(c))),
                  h("dd", {key: `d-${c.name}`}, c.summary)]))));
  }

  arguments(command) {
    return command.forms.map((form) => form.map((a) => {
      const name = a.repeated ? `${a.name} …` : a.name;
      return a.required ? name : `[${name}]`;
    }).join(" ")).join("  |  ");
  }

  usage(command) {
    return `${command.name} ${this.arguments(command)} — ${command.summary}`;
  }

  async run(words, open) {
    if (words.length === 0 || open) {
      return;
    }
    this.answer = {tone: "busy", text: "running …"};
    this.live.tell();
    try {
      const done = await run_command(words[0], words.slice(1));
      const failed = done.state === "FAILED";
      this.answer = {tone: failed ? "bad" : "good", text: `${done.id}: ${done.state}${done.message ? ` — ${done.message}` : ""}`};
      if (!failed) {
        this.line = "";
      }
      await this.live.refresh();
    } catch (error) {
      const first = error.diagnostics?.[0];
      this.answer = {tone: "bad", text: first ? `${error.message}: ${first.message}` : error.message};
    }
    this.live.tell();
  }

  history(newest) {
    const ids = new Set(newest.commands.map((c) => c.id));
    const rows = [...newest.commands, ...this.older.filter((c) => !ids.has(c.id))];
    if (rows.length === 0) {
      return empty("Nothing was ordered yet.");
    }
    const before = this.next_before === undefined ? newest.next_before : this.next_before;
    return [h("div", {class: "scroll"}, h("table", {class: "history"}, h("thead", {}, h("tr", {}, h("th", {class: "num"}, "Id"), h("th", {}, "State"),
        h("th", {}, "Command"), h("th", {}, "Message"), h("th", {}, "Who"), h("th", {}, "When"))),
        h("tbody", {}, rows.map((c) => h("tr", {key: String(c.id)}, h("td", {class: "num"}, String(c.id)), h("td", {}, badge(c.state)),
            h("td", {class: "wrap"}, h("code", {class: "spec"}, h("b", {}, c.command), " ", c.args.join(" "))),
            h("td", {class: "wrap"}, c.message), h("td", {}, c.who), h("td", {class: "nowrap"}, format.moment(c.submitted_ms))))))),
            before ? h("button", {type: "button", onclick: () => this.more(before)}, "Older") : null];
  }

  async more(before) {
    try {
      const page = await get(`commands?before=${before}&limit=50`);
      this.older.push(...page.commands);
      this.next_before = page.next_before;
    } catch (error) {
      this.answer = {tone: "bad", text: error.message};
    }
    this.live.tell();
  }
}
