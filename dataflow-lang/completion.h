// What may stand at a place of a text, with its documentation: for the web page's editor and the shell. Pure function.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/json/json.h"
#include "dataflow-lang/catalog.h"

namespace flume::lang {

struct CompletionItem {
  std::string label;
  std::string kind;    // source, sink, decorator, format, argument, value, node, keyword
  std::string insert;  // replaces from..to
  std::string detail;  // "tail(file, [startFromEnd])"
  std::string doc;
};

struct Completion {
  uint32_t from = 0;  // bytes
  uint32_t to = 0;
  std::vector<CompletionItem> items;  // best first, at most 50
};

enum class CompletionField : uint8_t { kText, kSource, kSink };

// `nodes`: names of known logical nodes. An offset past the end is the end.
Completion complete(CompletionField field, std::string_view text, uint32_t offset, const Catalog& catalog,
                    std::span<const std::string> nodes = {});

JsonValue to_json(const Completion& completion);  // as docs/api.md describes it

}  // namespace flume::lang
