#include "master/cli/shell_completion.h"

#include <algorithm>
#include <optional>

#include "dataflow-lang/completion.h"
#include "master/cli/shell_line.h"

namespace flume::master {

namespace {

using Words = std::vector<std::string>;

// Where the word begins whose quote is open at the end; npos: none is.
size_t open_quote_at(std::string_view line) {
  size_t open = std::string_view::npos;
  for (size_t i = 0; i < line.size(); ++i) {
    if (open != std::string_view::npos) {
      if (line[i] == '\\' && line[open] == '"') {
        ++i;
      } else if (line[i] == line[open]) {
        open = std::string_view::npos;
      }
    } else if (line[i] == '"' || line[i] == '\'') {
      open = i;
    }
  }
  return open;
}

bool is_source(const lang::Catalog& catalog, std::string_view name) {
  return catalog.find(lang::ComponentSpec::Kind::kSource, name) != nullptr;
}

// What the argument after these words is in the language; nothing: it is none of its texts.
// config NODE SOURCE SINK | config NODE FLOW SOURCE SINK | multiconfig TEXT
std::optional<lang::CompletionField> field_after(const Words& words, const lang::Catalog& catalog) {
  if (words.size() == 2 && words[1] == "multiconfig") {
    return lang::CompletionField::kText;
  }
  if (words.size() < 3 || words[1] != "config") {
    return std::nullopt;
  }
  if (words.size() == 3) {
    return lang::CompletionField::kSource;
  }
  const std::string& first = words[3];
  const bool was_flow = first.find('(') == std::string::npos && !is_source(catalog, first);
  return words.size() == 4 && was_flow ? lang::CompletionField::kSource : lang::CompletionField::kSink;
}

Words complete_text(lang::CompletionField field, std::string_view text, std::string_view word,
                    const ShellVocabulary& vocabulary) {
  const Words nodes = vocabulary.nodes();
  const auto completion = lang::complete(field, text, static_cast<uint32_t>(text.size()), *vocabulary.catalog, nodes);
  // The terminal replaces `word`, the language what lies from `from` on.
  const size_t word_at = text.size() - std::min(text.size(), word.size());
  if (completion.from > text.size() || completion.to != text.size()) {
    return {};
  }
  Words out;
  for (const lang::CompletionItem& item : completion.items) {
    std::string insert = item.insert;
    if (completion.from <= word_at) {
      const std::string_view typed = text.substr(completion.from, word_at - completion.from);
      if (!insert.starts_with(typed)) {
        continue;
      }
      insert.erase(0, typed.size());
    } else {
      insert.insert(0, text.substr(word_at, completion.from - word_at));
    }
    out.push_back(std::move(insert));
  }
  return out;
}

Words candidates(std::string_view line, std::string_view word, const ShellVocabulary& vocabulary) {
  const size_t quote = open_quote_at(line);
  const bool is_open = quote != std::string_view::npos;
  const std::string_view before = line.substr(0, is_open ? quote : line.size() - std::min(line.size(), word.size()));
  const auto words = shell_words(before);
  if (!words.ok()) {
    return {};
  }
  if (words->empty()) {
    return is_open ? Words() : vocabulary.shell_commands;
  }
  const bool is_for_master = words->front() == "exec" || words->front() == "submit";
  if (is_for_master && words->size() == 1) {
    return is_open ? Words() : vocabulary.master_commands;
  }
  if (is_for_master && vocabulary.catalog != nullptr) {
    if (const auto field = field_after(*words, *vocabulary.catalog)) {
      const std::string_view text = is_open ? line.substr(quote + 1) : word;
      const bool is_escaped = is_open && line[quote] == '"' && text.find('\\') != std::string_view::npos;
      return is_escaped ? Words() : complete_text(*field, text, word, vocabulary);
    }
  }
  return vocabulary.nodes();
}

}  // namespace

char open_quote(std::string_view line) {
  const size_t at = open_quote_at(line);
  return at == std::string_view::npos ? '\0' : line[at];
}

std::vector<std::string> complete_shell_line(std::string_view line, std::string_view word,
                                             const ShellVocabulary& vocabulary) {
  Words found = candidates(line, word, vocabulary);
  std::erase_if(found, [&](const std::string& name) { return !name.starts_with(word); });
  return found;
}

}  // namespace flume::master
