// SpecChecker: the language as the master sees it. Parses and checks what a user wrote against the catalogue of
// components, before anything is stored. Thread-safe; const.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataflow-lang/catalog.h"
#include "dataflow-lang/checker.h"

namespace flume::master {

struct SpecFinding {
  bool is_error = true;
  std::string field;    // "source", "sink" or "text": where its positions count
  std::string message;  // "sink:1:3: error L021: no decorator 'gizp'; did you mean 'gzip'?"
  std::string json;     // one entry of "diagnostics" (docs/api.md)
};

struct SpecNode {
  std::string name;
  std::string source;  // canonical text
  std::string sink;
  uint32_t line = 1;  // of its name in the text
};

struct SpecReport {
  std::vector<SpecFinding> findings;
  std::vector<SpecNode> nodes;  // what was understood; empty when there are errors

  bool ok() const;
  std::string first_errors() const;  // the messages of the errors, one per line
};

class SpecChecker {
 public:
  explicit SpecChecker(const lang::Catalog& catalog, lang::CheckOptions options = {})
      : catalog_(catalog), options_(std::move(options)) {}
  SpecReport check_node(std::string_view name, std::string_view source, std::string_view sink) const;
  SpecReport check_text(std::string_view text) const;  // "node : source | sink ; ..."
  const lang::Catalog& catalog() const { return catalog_; }

 private:
  const lang::Catalog& catalog_;
  const lang::CheckOptions options_;
};

// "[{...}, ...]"
std::string findings_json(const std::vector<SpecFinding>& findings);

}  // namespace flume::master
