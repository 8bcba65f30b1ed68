// What tail, multitail and tailDir have in common: their arguments about lines, and the options of readers made from
// them. Functions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataflow-lang/catalog.h"
#include "dataflow-lang/plan.h"
#include "node/runtime/component.h"
#include "node/tailing/file_reader.h"

namespace flume::node {

struct LineArguments {
  std::string delim;  // empty: lines
  DelimMode mode = DelimMode::kExclude;
  Oversize oversize = Oversize::kSplit;
};

std::vector<lang::ArgSpec> line_argument_specs();
extern const char kLineArgumentsDoc[];  // Markdown, for ComponentSpec::doc
LineArguments line_arguments(const lang::Args& args);

// kInvalid: the delimiter. `context` has to outlive the options.
Result<ReaderOptions> reader_options(const LineArguments& arguments, Context& context);

// Component time (a Clock) as time of a Wait (the real steady clock).
TimePoint real_time(Clock& clock, TimePoint point);

}  // namespace flume::node
